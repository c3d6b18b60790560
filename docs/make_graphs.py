"""Pictures of the models' graphs, docs/models/graphs/*.svg: `python docs/make_graphs.py [MODEL …]`.

A network is run on PyTorch's meta device, which computes nothing: its parts, the shapes of what they give and who reads
whom are found there, so a picture cannot say something else than the source. The ground is transparent and the parts
are cards, for light and dark pages.
"""

import argparse
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from torch_zoo.families import make_network
from trizoo.commands.summary import num_classes
from trizoo.families import model_spec
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe

GRAPHS = Path(__file__).parent / "models" / "graphs"
DRAWN = (
    "yolov3",
    "yolov3-tiny",
    "yolov4",
    "yolov4-tiny",
    "ssd300-vgg16",
    "ssd300-mobilenetv2",
    "retinanet-resnet50",
    "deeplabv3plus-mobilenetv2",
    "deeplabv3-resnet50",
    "pspnet-resnet50",
    "keypoints-stride32",
    "classify-resnet50",
    "multilabel-resnet18",
    "embed-resnet18",
)
OPENED = ("FPN", "ASPP", "PyramidPooling", "Decoder", "ModuleList")  # classes whose parts are shown
HIDDEN = ("Normalize", "NoAttention")
GLUE = {"upsample": "up", "cat": "concat", "add": "+"}  # how an operation between parts begins -> its word
COLOURS = {"backbone": "#dbe7f5", "part": "#e5f2e4", "head": "#fde8d7", "output": "#f6e3ee"}
EDGE = "#7d8794"  # legible on white and on black
WORD = {"fontsize": 8, "color": EDGE, "fontweight": "bold", "zorder": 4}
WIDTH, HEIGHT, ACROSS, DOWN = 1.32, 0.46, 1.68, 0.7  # inches: of a card, and from one to the next
FITTING = 16  # letters of a title
LANE = 0.12  # inches, of lines above the cards of their row


@dataclass
class Part:
    """A card of the picture.

    Args:
        kind: a key of COLOURS
        title: its name in the source
        shape: of what it gives: H, W, C; of an output as it is
        reads: {part's key: words of what happens on the way}
        calls: how often it is used; with several, `reads` holds what all of them read
        more: words behind the shape
    """

    kind: str
    title: str
    shape: tuple = ()
    reads: dict = field(default_factory=dict)
    calls: int = 1
    more: str = ""


class _Sources(TorchDispatchMode):
    """Remembers of every tensor which parts it was made of: {part's key: words of the operations since}."""

    def __init__(self):
        super().__init__()
        self.of, self.kept = {}, []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        """The operation as it is."""
        results = operation(*args, **(kwargs or {}))
        name = operation.__name__
        word = next((word for begins, word in GLUE.items() if name.startswith(begins)), None)
        found = self.read_by((args, kwargs))
        for tensor in _tensors(results):
            self.set(tensor, {key: (*words, word) if word else words for key, words in found.items()})
        return results

    def read_by(self, inputs):
        """What these tensors were made of."""
        return {key: words for tensor in _tensors(inputs) for key, words in self.of.get(id(tensor), {}).items()}

    def set(self, tensor, sources):
        """What a tensor was made of; it is kept, so that no other gets its id."""
        self.kept.append(tensor)
        self.of[id(tensor)] = sources


def _tensors(tree):
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def graph_of(model):
    """{key: Part} of a model at its recipe's input size, in the order of their use."""
    spec, (width, height) = model_spec(model, num_classes(model)), load(Recipe, base=model).recipe.input_size
    parts = {"image": Part("output", "image", (height, width, 3))}
    with torch.device("meta"), torch.no_grad(), _Sources() as sources:
        network = make_network(spec).eval()
        for name, module in _shown(network):
            module.register_forward_hook(_noting(name, module, parts, sources))
        image = torch.zeros((1, height, width, 3), dtype=torch.uint8)
        sources.set(image, {"image": ()})
        outputs = network(image)
        for name, output in zip(spec.output_names, outputs, strict=True):
            read = sources.read_by([output])
            whole = parts.get(name) or (parts.get("head") if len(outputs) == 1 else None)
            if whole and not any(read.values()):  # what a head gives as it is
                whole.shape, whole.kind = tuple(output.shape[1:]), "output"
            else:
                parts[f"output {name}"] = Part("output", name, tuple(output.shape[1:]), read)
    return parts


def _shown(network, before=""):
    for name, module in network.named_children():
        if type(module).__name__ in OPENED and name != "tower":
            yield from _shown(module, f"{before}{name}.")
        elif type(module).__name__ not in HIDDEN:
            yield before + name, module


def _noting(name, module, parts, sources):
    """A hook that adds the module's Part; a backbone becomes one for each of its features."""
    dilated = [part.dilation[0] for part in module.modules() if isinstance(part, torch.nn.Conv2d)]
    more = f", rate {max(dilated)}" if "dilated" in name else ""

    def note(_, inputs, outputs):
        if name == "backbone":
            for tensor in _tensors(list(outputs.values()) if isinstance(outputs, dict) else outputs):
                key = f"backbone {tensor.shape[-1]}"
                parts[key] = Part("backbone", type(module).__name__, _shape(tensor), {"image": ()})
                sources.set(tensor, {key: ()})
            return
        first, *_ = tensors = _tensors(outputs)
        part = parts.setdefault(name, Part("head" if "head" in name else "part", name, _shape(first), {}, 0, more))
        part.calls += 1
        part.reads |= {key: words for key, words in sources.read_by(inputs).items() if key != "image"}  # dropout's seed
        for tensor in tensors:
            sources.set(tensor, {name: ()})

    return note


def _shape(tensor):
    _, *shape = tensor.shape
    return (*shape[1:], shape[0]) if len(shape) == 3 else tuple(shape)


def used(parts):
    """The parts that something reads, and the outputs."""
    read = {key for part in parts.values() for key in part.reads}
    return {key: part for key, part in parts.items() if key in read or part.kind == "output"}


def places(parts):
    """{key: (column, row)} of cards: to the right of all that they read, coarser features lower.

    The image and the backbone's features stand below one another, since each is made of the one above.
    """
    columns = {}
    for key, part in parts.items():
        columns[key] = 1 + max((columns[source] for source in part.reads), default=-1)
        if _is_trunk(part):
            columns[key] = 0
    for kind in ("head", "output"):
        ends = [key for key, part in parts.items() if part.kind == kind and part.reads]
        columns |= dict.fromkeys(ends, max((columns[key] for key in ends), default=0))
    last = max(columns.values())
    columns |= {key: last for key, part in parts.items() if part.kind == "output" and part.reads}
    return {key: (columns[key], row) for key, row in _rows(parts, columns).items()}


def _is_trunk(part):
    return part.kind == "backbone" or not part.reads


def _rows(parts, columns):
    """{key: row}: one a height of features, or several where a column has several cards of it."""
    cards = defaultdict(lambda: defaultdict(list))  # height of features -> column -> keys
    for key, part in parts.items():
        if part.kind in ("part", "backbone") or not part.reads:
            cards[part.shape[0]][columns[key]].append(key)
    rows, top = {}, 0
    for height in sorted(cards, reverse=True):
        tall = max(map(len, cards[height].values()))
        for keys in cards[height].values():
            rows |= {key: top + (tall - len(keys)) / 2 + i for i, key in enumerate(keys)}
        top += tall
    for column in sorted(set(columns.values())):
        wanted = {}
        for key in (key for key in parts if columns[key] == column and key not in rows):
            far = min(columns[source] for source in parts[key].reads)
            read = [rows[source] for source in parts[key].reads if columns[source] == far]
            wanted[key] = sum(read) / len(read)
        if wanted:
            ordered = sorted(wanted, key=wanted.get)
            pushed = list(accumulate((wanted[key] for key in ordered), lambda above, row: max(above + 1, row)))
            shift = sum(pushed) / len(pushed) - sum(wanted.values()) / len(wanted)
            rows |= {key: row - shift for key, row in zip(ordered, pushed, strict=True)}
    return rows


def draw(model, path):
    """Writes a model's picture as SVG."""
    import matplotlib
    from matplotlib.figure import Figure

    parts = used(graph_of(model))
    where = places(parts)
    wide = (1 + max(column for column, _ in where.values())) * ACROSS - (ACROSS - WIDTH) + 0.1
    tall = (1 + max(row for _, row in where.values())) * DOWN
    figure = Figure(figsize=(wide, tall))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-0.05, wide - 0.05), ylim=(tall, 0))
    axes.axis("off")
    trunk = sorted((key for key, part in parts.items() if _is_trunk(part)), key=lambda key: where[key][1])
    for above, below in pairwise(trunk):
        _line(axes, _down(where[above], where[below]))
    for key, part in parts.items():
        for source, words in part.reads.items() if not _is_trunk(part) else ():
            _line(axes, _across(where[source], where[key]), "up" in words)
        _card(axes, where[key], part)
    with matplotlib.rc_context({"svg.hashsalt": model, "svg.fonttype": "path"}):
        figure.savefig(path, format="svg", transparent=True, metadata={"Date": None, "Title": f"The graph of {model}"})


def _corner(place):
    column, row = place
    return column * ACROSS, row * DOWN + DOWN - HEIGHT - 0.04


def _card(axes, place, part):
    from matplotlib.patches import FancyBboxPatch

    x, y = _corner(place)
    style = {"boxstyle": "round,pad=0,rounding_size=0.07", "facecolor": COLOURS[part.kind], "edgecolor": EDGE}
    axes.add_patch(FancyBboxPatch((x, y), WIDTH, HEIGHT, linewidth=0.8, zorder=2, **style))
    shape = "x".join(map(str, part.shape)) if part.calls == 1 else f"at {part.calls} levels"
    text = {"x": x + WIDTH / 2, "ha": "center", "va": "center", "zorder": 3, "color": "#1b2430"}
    axes.text(
        y=y + HEIGHT * 0.3, s=part.title, fontsize=min(9, 9 * FITTING / len(part.title)), fontweight="bold", **text
    )
    axes.text(y=y + HEIGHT * 0.73, s=f"{shape}{part.more}", fontsize=9, **text)
    joined = {word for words in part.reads.values() for word in words if word != "up"}
    if joined:
        axes.text(x + WIDTH * 0.2, y - 0.02, " ".join(joined), ha="left", va="bottom", **WORD)


def _down(begin, end):
    (x, y), (_, to_y) = _corner(begin), _corner(end)
    return [(x + WIDTH / 2, y + HEIGHT), (x + WIDTH / 2, to_y)]


def _across(begin, end):
    """The corners of an arrow's line; over the cards between, where there are some in its row."""
    (x, y), (to_x, to_y) = _corner(begin), _corner(end)
    if begin[1] != end[1] or end[0] - begin[0] == 1:
        return [(x + WIDTH, y + HEIGHT / 2), (to_x, to_y + HEIGHT / 2)]
    return [
        (x + WIDTH * 0.85, y),
        (x + WIDTH * 0.85, y - LANE),
        (to_x + WIDTH * 0.15, y - LANE),
        (to_x + WIDTH * 0.15, y),
    ]


def _line(axes, corners, enlarged=False):
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path as Corners

    style = {"arrowstyle": "-|>", "color": EDGE, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 9}
    axes.add_patch(FancyArrowPatch(path=Corners(corners), fill=False, joinstyle="round", zorder=1, **style))
    if enlarged:
        (x, y), (to_x, to_y) = corners
        level = {"ha": "center", "va": "bottom"} if y == to_y else {"ha": "left", "va": "top"}
        axes.text(x + 0.4 * (to_x - x), y + 0.3 * (to_y - y), " up", **level, **WORD)


if __name__ == "__main__":
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("models", metavar="MODEL", nargs="*", default=DRAWN)
    GRAPHS.mkdir(exist_ok=True)
    for name in flags.parse_args().models:
        draw(name, GRAPHS / f"{name}.svg")
        print(GRAPHS / f"{name}.svg")
