import numpy as np
import pytest

from trizoo.ground.errors import UserError
from trizoo.tests.weights.importers import published
from trizoo.weights.convert import convert
from trizoo.weights.importers import bubbliiiing, import_weights
from trizoo.weights.importers.renaming import rename
from trizoo.weights.importers.shapes import check_shapes
from trizoo.weights.names import load_names
from trizoo.weights.readers import Weights, safetensors

RETINANET = {
    theirs: load_names("retinanet-resnet18")[ours]
    for ours, theirs in rename("retinanet-resnet18", bubbliiiing.RETINANET_RULES).items()
} | {"fpn.P6.weight": (256, 512, 3, 3)}  # of C5, which has 512 channels
SSD = published.ssd300_vgg16(4)
RESNET = published.resnet(18)
TINY = {
    theirs: load_names("yolov4-tiny")[ours]
    for ours, theirs in rename("yolov4-tiny", bubbliiiing.YOLOV4_TINY_RULES).items()
}
CHANNELS = {"feat1_att": 256, "feat2_att": 512, "upsample_att": 128}
SE = {
    f"{block}.fc.{place}.weight": (channels // 16, channels)[:: 1 if place == 0 else -1]
    for block, channels in CHANNELS.items()
    for place in (0, 2)
}
ECA = {f"{block}.conv.weight": (1, 1, 5) for block in CHANNELS}


def checked(shapes, model):
    weights = Weights("pytorch", published.filled(shapes), {})
    check_shapes(import_weights(weights, model, "a.pth"), model, "a.pth")


@pytest.mark.parametrize(
    ("shapes", "model"),
    [
        (RETINANET, "retinanet-resnet18"),
        (published.retinanet(3, depth=18), "retinanet-resnet18"),
        (published.retinanet(3, v2=True), "retinanet-resnet50-v2"),
        (SSD, "ssd300-vgg16"),
        (RESNET, "classify-resnet18"),
        (RESNET, "retinanet-resnet18"),
        (published.deeplabv3(50), "deeplabv3-resnet50"),
        (TINY | SE, "yolov4-tiny"),
        (TINY | ECA, "yolov4-tiny"),
    ],
)
def test_unchanged_networks_of_any_number_of_classes_pass(shapes, model):
    checked(shapes, model)


@pytest.mark.parametrize(
    ("shapes", "model", "words"),
    [
        # P6 of P5, whose channels are 256, where this repository makes it of C5
        (
            RETINANET | {"fpn.P6.weight": (256, 256, 3, 3)},
            "retinanet-resnet18",
            r"fpn\.p6\.conv\.weight, as .* calls it, of shape \(256, 256, 3, 3\), and \(256, 512, 3, 3\)",
        ),
        (RETINANET | {"fpn.P6.weight": (256, 512, 1, 1)}, "retinanet-resnet18", r"and \(256, 512, 3, 3\) is needed"),
        (RETINANET | {"fpn.P6.bias": (255,)}, "retinanet-resnet18", r"of shape \(255,\), and \(256,\) is needed"),
        # 9 anchors of 80 classes by the bias, and of 40 by the kernel
        (
            RETINANET | {"classificationModel.output.weight": (360, 256, 3, 3)},
            "retinanet-resnet18",
            r"head_class\.predict_class\.weight, .* \(360, 256, 3, 3\), and \(720, 256, 3, 3\) is needed",
        ),
        (
            RETINANET | {"classificationModel.output.weight": (720, 128, 3, 3)},
            "retinanet-resnet18",
            r"and \(720, 256, 3, 3\) is needed",
        ),
        # the second level has six anchors, 24 outputs for 4 classes, a background among them
        (
            SSD | {"head.classification_head.module_list.1.bias": (25,)},
            "ssd300-vgg16",
            r"heads\.1\.predict_class\.bias, .* of shape \(25,\), and \(24,\) is needed",
        ),
        (
            TINY | SE | {"feat2_att.fc.0.weight": (64, 512)},
            "yolov4-tiny",
            r"attention_c5\.reduce\.weight, .* of shape \(64, 512, 1, 1\), and \(32, 512, 1, 1\) is needed",
        ),
        (TINY | ECA | {"feat1_att.conv.weight": (1, 1, 3)}, "yolov4-tiny", r"and \(1, 1, 1, 5\) is needed"),
        (RESNET | {"fc.weight": (1000, 500)}, "classify-resnet18", r"and \(1000, 512, 1, 1\) is needed"),
    ],
)
def test_an_array_of_another_shape_is_one_sentence(shapes, model, words):
    with pytest.raises(UserError, match=rf"^a\.pth holds [^\n]*{words}[^\n]*$"):
        checked(shapes, model)


def test_a_file_whose_checkpoint_could_not_be_loaded_is_not_converted(tmp_path):
    shapes = RETINANET | {"fpn.P6.weight": (256, 300, 3, 3)}
    arrays = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    safetensors.write(tmp_path / "a.safetensors", arrays)
    with pytest.raises(UserError, match=r"a\.safetensors holds fpn\.p6\.conv\.weight, .*; weights of an unchanged"):
        convert(tmp_path / "a.safetensors", tmp_path / "ours.h5")
    assert not (tmp_path / "ours.h5").exists()
