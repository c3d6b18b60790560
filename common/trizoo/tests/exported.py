"""What the tests of exported files share: checkpoints with weights made from names, images, and made-up outputs."""

import json

import numpy as np
import pytest

from trizoo.commands.main import main
from trizoo.data.synthetic import draw_image
from trizoo.families import architecture
from trizoo.parity.probe import loss_section
from trizoo.parity.pseudo import pseudo_arrays
from trizoo.recipes.load import to_dict
from trizoo.recipes.schema import Recipe
from trizoo.training.build import spec_of
from trizoo.weights.checkpoint import Checkpoint, save

CLASSES = ("circle", "square", "triangle")
# sizes that aren't square, so that width and height can't be taken for each other
MODELS = {
    "yolov3-tiny": (96, 64),
    "ssd300-mobilenetv2": (300, 300),
    "retinanet-resnet18": (160, 136),
    "deeplabv3plus-mobilenetv2": (72, 50),
    "keypoints-stride32": (160, 96),
}


def write_checkpoint(zoo, folder, framework, model, data, options=None, **changes):
    """Writes a checkpoint of one of MODELS: its path.

    Args:
        framework: that it says it is of
        data: its data set
        options: of the recipe's model section
        changes: of the recipe
    """
    recipe = Recipe(
        model={"name": model, **(options or {})},
        classes=("background", *CLASSES) if architecture(model).task == "segmentation" else CLASSES,
        input_size=MODELS[model],
        loss=loss_section(model),
        data={"root": str(data)},
        **{"predict": {"score": 0.2, "nms": 0.4}, **changes},
    )
    path = folder / f"{model}{len(list(folder.iterdir()))}.h5"
    arrays = pseudo_arrays(zoo.shapes(zoo.build(spec_of(recipe), zoo.device("cpu"), seed=None)))
    save(path, Checkpoint(arrays, to_dict(recipe), framework, state={"origin": {"licence": "CC0"}}))
    return path


def image(size=(130, 70), number=1):
    """A synthetic image of a (width, height)."""
    return draw_image(number, size, CLASSES, seed=0)[0]


def assert_same_metrics(pair, framework, data, folder):
    """`trizoo evaluate` of a checkpoint, on its framework, and of its export gives the same."""
    results = []
    for number, path in enumerate(pair):
        out = folder / f"{number}.json"
        flags = ["--framework", framework] if number == 0 else []
        assert main(["evaluate", "--weights", str(path), "--data", str(data), "--json", str(out), *flags]) == 0
        results.append(json.loads(out.read_text(encoding="utf-8")))
    for name in ("mAP50", "mAP"):
        assert results[1][name] == pytest.approx(results[0][name], abs=1e-3)


def outputs_of(spec, size, count, seed=0):
    """Random outputs of a network, of which some are likely: float32 arrays."""
    random = np.random.default_rng(seed)
    if spec.family == "yolo":
        cells = [(size[1] // stride, size[0] // stride, 3) for stride in spec.strides]
        shapes = [(count, *of_level, 5 + spec.num_classes) for of_level in cells]
    elif spec.family == "keypoints":
        shapes = [(count, size[1] // spec.stride, size[0] // spec.stride, 3 + spec.num_classes)]
    else:
        anchors = len(spec.grid(size).boxes)
        shapes = [(count, anchors, 4), (count, anchors, spec.num_classes + spec.besides)]
    return [random.normal(0, 2, shape).astype(np.float32) for shape in shapes]
