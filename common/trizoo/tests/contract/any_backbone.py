"""Any backbone under any head, and group normalisation in every family: shapes, and numbers that a golden holds."""

from pathlib import Path

import numpy as np
import pytest

from trizoo.families import architecture, model_spec
from trizoo.families.base.backbones import BACKBONES
from trizoo.parity.golden import TOLERANCE, difference, summarize
from trizoo.parity.probe import drawn_batch
from trizoo.parity.pseudo import calm, pseudo_arrays, pseudo_images
from trizoo.recipes.schema import Recipe
from trizoo.weights.initial import initial_arrays

GOLDEN = Path(__file__).with_suffix(".npz")
CLASSES = 3
LOSSES = (2.7410402297973633, 2.2349019050598145, 1.9148305654525757)  # of the first steps, in PyTorch
SIZE = (96, 64)  # (width, height), of models that take any
# what the golden holds: a model, and options of its spec
CASES = {
    "retinanet on mobilenetv2": ("retinanet-resnet18", {"backbone": "mobilenetv2"}),
    "retinanet on darknet53": ("retinanet-resnet18", {"backbone": "darknet53"}),
    "retinanet on xception65": ("retinanet-resnet18", {"backbone": "xception65"}),
    "deeplabv3plus on cspdarknet53": ("deeplabv3plus-mobilenetv2", {"backbone": "cspdarknet53"}),
    "deeplabv3plus on vgg16": ("deeplabv3plus-mobilenetv2", {"backbone": "vgg16"}),
    "deeplabv3plus on resnet18 at 8": ("deeplabv3plus-mobilenetv2", {"backbone": "resnet18", "output_stride": 8}),
    "deeplabv3plus in groups": ("deeplabv3plus-mobilenetv2", {"norm": "group"}),
    "pspnet on darknet53": ("pspnet-mobilenetv2", {"backbone": "darknet53"}),
    "deeplabv3 on caffe's resnet50": ("deeplabv3-resnet50", {"stride_on_1x1": True}),
    "ssd300 on resnet18": ("ssd300-vgg16", {"backbone": "resnet18"}),
    "ssd300 from 16 on resnet18": ("ssd300-mobilenetv2", {"backbone": "resnet18"}),
    "ssd300 in groups": ("ssd300-vgg16", {"norm": "group"}),
    "yolov3-tiny in groups": ("yolov3-tiny", {"norm": "group"}),
    "yolov4-tiny in groups": ("yolov4-tiny", {"norm": "group"}),
}


def made(zoo, name, options):
    """The spec and the network, with pseudo-weights."""
    spec, device = model_spec(name, CLASSES, **options), zoo.device("cpu")
    network = zoo.build(spec, device, seed=None)
    zoo.assign(network, pseudo_arrays(zoo.shapes(network)))
    return spec, network


def outputs(zoo, name, options):
    """What the network of a case gives of two images."""
    _, network = made(zoo, name, options)
    size = architecture(name).only_size or SIZE
    return zoo.predictor(network, "fp32", zoo.device("cpu"))(pseudo_images(1, size))


@pytest.mark.parametrize("case", CASES)
def test_a_case_equals_its_golden(zoo, case):
    measured = summarize(outputs(zoo, *CASES[case]))
    with np.load(GOLDEN, allow_pickle=False) as golden:
        expected = {key: golden[f"{case}/{key}"] for key in measured}
    measured, expected = ({f"/{key}": value for key, value in each.items()} for each in (measured, expected))
    assert difference(expected, measured) < TOLERANCE


@pytest.mark.parametrize("name", BACKBONES)
def test_a_backbone_has_the_channels_that_the_zoo_says_at_each_stride(make_backbone, name):
    known = BACKBONES[name]
    for output_stride in (8, 16, 32) if known.dilates else (16, 32):
        backbone = make_backbone(name, norm=known.norm, output_stride=output_stride)
        assert dict(backbone.channels) == known.at(output_stride)


@pytest.mark.usefixtures("seldom")
def test_a_retinanet_on_another_backbone_learns_as_in_the_other_frameworks(zoo):
    losses = losses_of_steps(zoo)
    np.testing.assert_allclose(losses, LOSSES, rtol=TOLERANCE)
    assert losses[-1] < losses[0]


def losses_of_steps(zoo):
    """The losses of the first steps of a RetinaNet on MobileNetV2."""
    spec, device = model_spec("retinanet-resnet18", 80, backbone="mobilenetv2"), zoo.device("cpu")
    network = zoo.build(spec, device, seed=None)
    zoo.assign(network, calm(initial_arrays(zoo.shapes(network), 0, spec)))
    recipe = Recipe(loss={"kind": "retinanet"}, optimizer={"clip_norm": 10.0})
    learner = zoo.learner(network, spec, recipe, device)
    batch = drawn_batch("retinanet-resnet18", 0, (64, 64))
    return [float(learner.step(batch, 0.001)["loss"]) for _ in range(3)]


def test_group_norms_leave_no_batch_norm(zoo):
    for name in (
        "yolov3",
        "yolov4",
        "yolov4-tiny",
        "ssd300-mobilenetv2",
        "pspnet-resnet50",
        "deeplabv3plus-xception65",
    ):
        spec = model_spec(name, CLASSES, norm="group")
        names = zoo.shapes(zoo.build(spec, zoo.device("cpu"), seed=None))
        assert not [each for each in names if ".bn." in each or ".running_" in each]
        assert [each for each in names if ".gn." in each]
        assert spec.least_values((300, 300)) is None
