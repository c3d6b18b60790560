"""Tables of README.md and docs (models.md, published.md, models/): `python docs/make_tables.py` writes them.

Parameters are counted from the zoo's own names and shapes, GFLOPs by `trizoo summary`'s code;
tags, licences and published metrics come from weights_manifest.yaml, what was measured from docs/results.md.
"""

import re
from pathlib import Path

from trizoo.commands import summary
from trizoo.commands.summary import MASK_CLASSES, num_classes
from trizoo.download.manifest import load_manifest
from trizoo.families import ARCHITECTURES, FAMILIES, model_spec
from trizoo.families.retinanet.anchors import RETINANET_ANCHORS
from trizoo.families.ssd.anchors import SSD_ANCHORS
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe
from trizoo.weights.layers import count_parameters, layers_of
from trizoo.weights.listing import conditions
from trizoo.weights.names import load_names

ROOT = Path(__file__).parents[1]
FRONT, MODELS, PUBLISHED = ROOT / "README.md", ROOT / "docs" / "models.md", ROOT / "docs" / "published.md"
FAMILY = ROOT / "docs" / "models"  # a page a family
LICENCES = {
    "darknet": "public domain",
    "darknet-alexeyab": "public domain",
    "darknet-yolov4": "public domain",
    "torchvision": "BSD-3",
    "amdegroot": "MIT",
    "bonlime": "MIT",
    "fizyr": "Apache-2.0",
    "tensorflow-models": "Apache-2.0",
}
METRICS = {  # the manifest's words -> the table's
    "mAP@0.5 COCO": "AP50",
    "COCO @608 AP50/AP": "AP50",
    "box_map COCO val2017": "AP",
    "miou": "mIoU",
    "VOC2012 mIoU": "mIoU",
}
MEASURED = {  # test mAP50 on BCCD and mIoU on membranes, trained here from scratch: docs/results.md
    "yolov3-tiny": "0.876",
    "yolov4-tiny": "0.875",
    "ssd300-mobilenetv2": "0.822",
    "deeplabv3plus-mobilenetv2": "0.755",
}


def input_size(model):
    """(width, height) of the model's own recipe."""
    return load(Recipe, base=model).recipe.input_size


def parameters(model):
    """How many numbers training changes."""
    shapes = load_names(model)
    if ARCHITECTURES[model].task == "segmentation":
        predicting = [name for name in shapes if ".predict_class." in name]
        shapes |= {name: (MASK_CLASSES, *shapes[name][1:]) for name in predicting}
    return count_parameters(shapes)


def gflops(model):
    """10^9 operations of the convolutions for an image of `input_size`, as `trizoo summary` counts them."""
    import torch

    from torch_zoo.families import make_network
    from torch_zoo.tracing import trace
    from torch_zoo.weights import shapes

    spec = model_spec(model, num_classes(model))
    calls, _ = trace(spec, input_size(model))
    with torch.device("meta"):
        network = make_network(spec)
    return summary.gflops(layers_of(shapes(network), calls))


def tags(model):
    """The model's own entries of the manifest, {tag: entry}; those trained without the validation split come first."""
    weights = load_manifest().weights
    found = [tag for tag, entry in weights.items() if entry.model == model and entry.part == "model"]
    return {tag: weights[tag] for tag in sorted(found, key=lambda tag: not tag.endswith(".train-aug"))}


def front_table(counted):
    """README's: a line a model, without those that are called as their backbones are, of whole images.

    Args:
        counted: {model: GFLOPs as text}
    """
    lines = ["| `--model` | input | M | GFLOPs | weights | published | here |", f"|{' --- |' * 7}"]
    for model in ARCHITECTURES:
        if ARCHITECTURES[model].lends_backbone:
            continue
        tag, entry = next(iter(tags(model).items()), (None, None))
        short = tag and tag.replace(model, "", 1).replace("retinanet-", "…", 1)
        weights = f"{short}, {LICENCES[entry.licence]}" if tag else ""
        cells = [
            model,
            _size(input_size(model)),
            f"{parameters(model) / 1e6:.1f}",
            counted[model],
            weights,
            _published(model, entry),
            MEASURED.get(model, ""),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def models_table(counted, models=ARCHITECTURES):
    """The numbers of docs/models.md: a line a model. See `front_table`."""
    lines = ["| model | classes | input | parameters | GFLOPs |", f"|{' --- |' * 5}"]
    for model in models:
        size = _size(input_size(model))
        lines.append(f"| `{model}` | {num_classes(model)} | {size} | {parameters(model):,} | {counted[model]} |")
    return "\n".join(lines)


def weights_list(models=ARCHITECTURES):
    """The public weights of docs/models.md: a line a tag."""
    lines = []
    for model in models:
        for tag, entry in tags(model).items():
            source = re.sub(r"\b[A-Z]+(_[A-Z0-9]+)+\b", r"`\g<0>`", entry.source)
            whose = "" if tag.partition(".")[0] == model else f" (`{model}`)"
            size = f"{entry.bytes / 1e6:.0f} MB, " if entry.bytes else ""
            published = "; ".join(f"{name} {value}" for name, value in entry.published.items()) or "no metrics"
            about = f"by {source}, trained on {entry.dataset}; {size}{LICENCES[entry.licence]}, checksum {entry.trust}"
            lines.append(f"- `{tag}`{whose}: **{published}**; {about}")
    return "\n".join(lines)


def published_list(models=ARCHITECTURES):
    """That of docs/published.md: a tag of a whole model, below it its conditions and what was measured here."""
    lines = []
    for tag, entry in load_manifest().weights.items():
        if entry.part == "backbone" or entry.model not in models:
            continue
        metrics = "; ".join(f"{name} {value}" for name, value in entry.published.items())
        lines.append(
            f"- `{tag}`: **{metrics}**, by {entry.published_source}" if metrics else f"- `{tag}`: **no metrics**"
        )
        lines += [f"  - published for {'; '.join(conditions(entry))}"] if conditions(entry) else []
        here = "; ".join(f"{what}: {where}" for what, where in entry.measured.items())
        lines += [f"  - here {here}"] if here else []
        known = entry.conditions
        if known is not None and known.figure not in entry.measured:
            split = "" if known.annotated else " --split val"
            lines.append(f"  - not measured here; measured by `trizoo weights reproduce {tag} --data ROOT{split}`")
    return "\n".join(lines)


def recipes_table(models):
    """How the models of a family are trained unless something else is asked for: a line a model."""
    lines = [
        "| model | optimiser | peak rate | batch | epochs, of these frozen | `resize` | `augment` |",
        f"|{' --- |' * 7}",
    ]
    for model in models:
        recipe = load(Recipe, base=model).recipe
        schedule, frozen = recipe.schedule, recipe.freeze.epochs
        rate = f"{schedule.lr:g}" + (f" of a batch of {schedule.lr_batch}" if schedule.lr_batch else "")
        steps = ", ".join(operation.op for operation in recipe.augment)
        epochs = f"{schedule.epochs}, {frozen or 'none'}"
        cells = [f"`{model}`", recipe.optimizer.name, rate, str(schedule.batch_size), epochs, recipe.resize, steps]
        lines.append(_row(cells))
    return "\n".join(lines)


def anchors_table(family):
    """The anchors of a family's models, in pixels of the input; a line a head or a set of levels."""
    return "\n".join(ANCHORS[family]())


def _yolo_anchors():
    lines = ["| model | stride | anchors, width x height |", f"|{' --- |' * 3}"]
    for model in FAMILIES["yolo"].models:
        spec = model_spec(model, 80)
        for stride, anchors in zip(spec.strides, spec.anchors, strict=True):
            lines.append(_row([f"`{model}`", str(stride), ", ".join(f"{w:g}x{h:g}" for w, h in anchors)]))
    return lines


def _ssd_anchors():
    lines = [
        "| `model.anchor_preset` | cells a side | sizes | ratios, and their inverse | in all |",
        f"|{' --- |' * 5}",
    ]
    for name, boxes in SSD_ANCHORS.items():
        ratios = "; ".join("1, " + ", ".join(map(str, of_level)) for of_level in boxes.ratios)
        count = sum(side**2 * each for side, each in zip(boxes.cells, boxes.anchors_per_cell, strict=True))
        sizes = ", ".join(f"{size:g}" for size in boxes.sizes)
        lines.append(_row([f"`{name}`", ", ".join(map(str, boxes.cells)), sizes, ratios, f"{count:,}"]))
    return lines


def _retinanet_anchors():
    lines = [
        "| `model.anchor_preset` | sizes at strides 8, 16, 32, 64, 128 | height / width | a cell |",
        f"|{' --- |' * 4}",
    ]
    for name, anchors in RETINANET_ANCHORS.items():
        sizes = "; ".join(", ".join(f"{size:.0f}" for size in of_level) for of_level in anchors.sizes)
        ratios = anchors.ratios if not anchors.shapes else [high / wide for wide, high in anchors.shapes]
        texts = ", ".join(f"{ratio:g}" for ratio in ratios)
        lines.append(_row([f"`{name}`", sizes, texts, str(anchors.anchors_per_cell[0])]))
    return lines


ANCHORS = {"yolo": _yolo_anchors, "ssd": _ssd_anchors, "retinanet": _retinanet_anchors}


def family_page(family, counted):
    """The text of docs/models/FAMILY.md with its tables. See `front_table`."""
    models = FAMILIES[family].models
    text = (FAMILY / f"{family}.md").read_text(encoding="utf-8")
    text = replaced(text, "sizes", models_table(counted, models))
    text = replaced(text, "recipes", recipes_table(models))
    if family in ANCHORS:
        text = replaced(text, "anchors", anchors_table(family))
    if any(tags(model) for model in models):
        text = replaced(text, "weights", weights_list(models))
        text = replaced(text, "published", published_list(models))
    return text


def _row(cells):
    return f"| {' | '.join(cells)} |"


def replaced(text, name, table):
    """A page's text with this table between its marks `<!-- NAME -->` and `<!-- /NAME -->`."""
    before, begin, rest = text.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    if not end:
        raise ValueError(f"the page has no marks <!-- {name} --> … <!-- /{name} -->")
    return f"{before}{begin}\n{table}\n\n{end}{after}"


def pages(counted):
    """{path: text} of the pages with their tables. See `front_table`."""
    front = replaced(FRONT.read_text(encoding="utf-8"), "models", front_table(counted))
    models = replaced(MODELS.read_text(encoding="utf-8"), "models", models_table(counted))
    published = replaced(PUBLISHED.read_text(encoding="utf-8"), "published", published_list())
    families = {FAMILY / f"{family}.md": family_page(family, counted) for family in FAMILIES}
    return {FRONT: front, MODELS: replaced(models, "weights", weights_list()), PUBLISHED: published} | families


def committed():
    """The GFLOPs that docs/models.md has: {model: text}."""
    rows = [line.split("|") for line in MODELS.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    return {cells[1].strip(" `"): cells[5].strip() for cells in rows if len(cells) == 7}


def as_text(count):
    """GFLOPs with a decimal: a number -> text."""
    return f"{count:.1f}"


def _size(size):
    return str(size[0]) if size[0] == size[1] else f"{size[0]}x{size[1]}"


def _published(model, entry):
    if entry is None or not entry.published:
        return ""
    name, value = next(iter(entry.published.items()))
    size = entry.input_size or input_size(model)
    other = "" if size == input_size(model) else f"@{min(size)}"
    return f"{METRICS[name]}{other} {re.match(r'[0-9.]+', str(value))[0]}"


if __name__ == "__main__":
    for path, text in pages({model: as_text(gflops(model)) for model in ARCHITECTURES}).items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
