"""Networks pass whole through `torch.export`, at sizes that change, and through `torch.compile`."""

from pathlib import Path

import pytest
import torch
from torch.export import Dim, export

from torch_zoo.families import FAMILIES
from trizoo.families import architecture
from trizoo.parity.probe import loss_section, pseudo_model, step_batch
from trizoo.parity.pseudo import pseudo_images

NAMES = (
    "yolov3-tiny",
    "ssd300-mobilenetv2",
    "retinanet-resnet18",
    "deeplabv3plus-mobilenetv2",
    "pspnet-mobilenetv2",
)
README = Path(__file__).parents[2] / "README.md"
OLD = tuple(map(int, torch.__version__.split(".")[:2])) < (2, 5)


@pytest.fixture(autouse=True)
def _forget_what_was_compiled():
    torch.compiler.reset()


def images_of(count, size):
    return torch.from_numpy(pseudo_images(count, size))


def free_shapes(name):
    """The dimensions that may change in an exported model, the (width, height) to export at, and another."""
    known, batch = architecture(name), Dim("batch")
    if known.only_size:
        return {0: batch}, known.only_size, known.only_size
    if not known.takes_any_size:
        multiple = known.size_multiple
        return {0: batch, 1: multiple * Dim("rows"), 2: multiple * Dim("columns")}, (96, 64), (64, 160)
    # a side of one cell is a constant to torch.export, and the coarsest cells of RetinaNet have 128 pixels
    least = 129 if name.startswith("retinanet") else 32
    sides = {1: Dim("height", min=least, max=4096), 2: Dim("width", min=least, max=4096)}
    return {0: batch, **sides}, (least + 64, least + 33), (least, least + 130)


def relative(output, expected):
    return float((output - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("name", NAMES)
def test_an_exported_program_gives_the_same_heads_at_another_size(zoo, name):
    if OLD and name.startswith("retinanet"):
        pytest.skip(f"PyTorch {torch.__version__} can't export upsampling to a size that changes")
    model = pseudo_model(zoo, name, zoo.device("cpu")).eval()
    shapes, size, other_size = free_shapes(name)
    with torch.no_grad():
        program = export(model, (images_of(2, size),), dynamic_shapes=(shapes,)).module()
        for count in (1, 3):
            images = images_of(count, other_size)
            heads, expected = program(images), model(images)
            assert len(heads) == len(expected)
            assert all(relative(*pair) < 1e-5 for pair in zip(heads, expected, strict=True))


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        ("yolov3-tiny", "aot_eager"),  # its activations are in place, which this one has to undo
        ("ssd300-mobilenetv2", "eager"),
        ("retinanet-resnet18", "eager"),
        ("deeplabv3plus-mobilenetv2", "eager"),
    ],
)
def test_a_compiled_network_is_one_graph_with_the_same_heads_and_gradients(zoo, name, backend):
    model = pseudo_model(zoo, name, zoo.device("cpu"), calmed=True)
    compiled = torch.compile(model, fullgraph=True, backend=backend)  # in which a break is an error
    loss, batch = FAMILIES[model.spec.family].loss(model.spec, loss_section(name)), step_batch(name)
    images = torch.from_numpy(batch.images[:2])
    targets = {key: torch.as_tensor(value) for key, value in batch.targets.items()}
    targets = {key: value[:2] if value.ndim else value for key, value in targets.items()}

    model.eval()
    with torch.no_grad():
        assert all(relative(*pair) < 1e-5 for pair in zip(compiled(images), model(images), strict=True))

    def gradients(network):
        model.zero_grad()
        loss(network(images), targets, (images.shape[2], images.shape[1]))["loss"].backward()
        return torch.cat([parameter.grad.flatten() for parameter in model.parameters()])

    model.train()
    found, expected = gradients(compiled), gradients(model)
    assert float((found - expected).norm() / expected.norm()) < 1e-4


def test_the_readmes_lines_export_a_model():
    text = README.read_text(encoding="utf-8")
    lines = [line.removeprefix("    ") for line in text.splitlines() if line.startswith("    ")]
    names = {}
    exec("\n".join(lines[lines.index("import torch") :]), names)
    assert [tuple(head.shape) for head in names["heads"]] == [(1, 10, 19, 3, 7), (1, 20, 38, 3, 7)]
