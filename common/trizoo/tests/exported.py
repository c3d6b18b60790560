"""What the tests of exported files share: checkpoints with weights made from names, images, and made-up outputs."""

import json

import numpy as np
import pytest

import trizoo
from trizoo.commands.main import main
from trizoo.data.synthetic import draw_image, synthesize
from trizoo.deploy.endings import SAVED_MODEL
from trizoo.deploy.runtimes import read_notes
from trizoo.deploy.targets import TARGETS
from trizoo.families import architecture, model_spec
from trizoo.parity.probe import loss_section
from trizoo.parity.pseudo import pseudo_arrays
from trizoo.recipes.load import to_dict
from trizoo.recipes.schema import Recipe
from trizoo.training.specs import spec_of
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
# kind of data -> the classifier that is exported, and the metrics that must stay
CLASSIFIERS = {
    "classification": ("classify-resnet18", ("top1", "top5", "mF1", "calibration_error")),
    "multilabel": ("multilabel-resnet18", ("mAP", "mF1", "F1", "all_right")),
}
SIZES = MODELS | {name: (96, 64) for name, _ in CLASSIFIERS.values()}


def write_checkpoint(zoo, folder, framework, model, data, options=None, **changes):
    """Writes a checkpoint of one of SIZES: its path.

    Args:
        framework: that it says it is of
        data: its data set
        options: of the recipe's model section
        changes: of the recipe
    """
    recipe = Recipe(
        model={"name": model, **(options or {})},
        classes=("background", *CLASSES) if architecture(model).task == "segmentation" else CLASSES,
        input_size=SIZES[model],
        loss=loss_section(model),
        data={"root": str(data)},
        **{"predict": {"score": 0.2, "nms": 0.4, "nms_method": method_of(model)}, **changes},
    )
    path = folder / f"{model}{len(list(folder.iterdir()))}.h5"
    arrays = pseudo_arrays(zoo.shapes(zoo.build(spec_of(recipe), zoo.device("cpu"), seed=None)))
    save(path, Checkpoint(arrays, to_dict(recipe), framework, state={"origin": {"licence": "CC0"}}))
    return path


def method_of(model):
    """Which NMS the model's checkpoint is made with: YOLOv3-tiny's votes, as its recipe's."""
    return "vote" if model == "yolov3-tiny" else "hard"


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


def assert_classifier_is_exported(zoo, framework, target, folder, capsys, flags=(), kind="classification"):
    """A classifier's file ends in probabilities, is read again, gives the checkpoint's classes and its metrics.

    Args:
        framework: of the checkpoint
        target: of the export
        folder: an empty one
        flags: more of export's
        kind: one of CLASSIFIERS
    """
    name, kept = CLASSIFIERS[kind]
    data = synthesize(folder / "data", images=24, size=(96, 64), classes=CLASSES, kind=kind)
    (folder / "checkpoints").mkdir()
    path, out = write_checkpoint(zoo, folder / "checkpoints", framework, name, data), folder / "out"
    ending = TARGETS[target].ending
    out = out.with_suffix(ending) if ending != SAVED_MODEL else out
    assert main(["export", str(path), "--to", target, "--out", str(out), *flags]) == 0
    assert "probabilities to" in capsys.readouterr().out
    opened = read_notes(out).open()
    assert (opened.metadata.kind, opened.metadata.outputs) == ("probabilities", ("probabilities",))
    images = np.stack([image(SIZES[name], number) for number in range(3)])
    (shares,), (logits,) = opened(images), opened.raw(images)
    assert shares.shape == (3, len(CLASSES))
    np.testing.assert_allclose(shares, model_spec(name, len(CLASSES)).probabilities(logits), atol=1e-5)

    options = {"confidence": 0} if kind == "multilabel" else {}
    expected, found = (
        trizoo.load(source, *which, precision="fp32")(image(), **options)
        for source, *which in ((path, framework), (out,))
    )
    assert found.names == expected.names
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)
    metrics = []
    for number, (weights, which) in enumerate(((path, ["--framework", framework]), (out, []))):
        told = folder / f"{number}.json"
        command = ["evaluate", "--weights", str(weights), "--data", str(data), "--json", str(told), *which]
        assert main([*command, "--precision", "fp32"]) == 0
        metrics.append(json.loads(told.read_text(encoding="utf-8")))
    for metric in kept:
        assert metrics[1][metric] == pytest.approx(metrics[0][metric], abs=1e-4)


def make_unfinite(outputs, every):
    """Makes a value of every so many rows nan in the first output, infinite in the second."""
    for raw, value in zip(outputs, (np.nan, np.inf), strict=True):
        raw.reshape(-1, raw.shape[-1])[::every, -1] = value


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
