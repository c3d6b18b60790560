"""SSD300 of github.com/amdegroot/ssd.pytorch, and its VGG16: the anchors and the means of the original, in RGB."""

from trizoo.ground.errors import UserError
from trizoo.weights.importers.renaming import rename, require_backbone, take
from trizoo.weights.importers.torchvision import FEATURES

OTHERS = (
    "it is taken for one of amdegroot's; if it is of an early ssd-pytorch of bubbliiiing's, whose network's class is "
    "SSD and not SSD300, load and save it once with a later one, which puts the arrays in the order it is known by"
)
# mean of data/config.py and augmentations.py, which are BGR there before voc0712.py turns the pixels to RGB
CAFFE_RGB = {"mean": (123.0, 117.0, 104.0), "std": (1.0, 1.0, 1.0)}


def vgg_rules(prefix):
    """Rules of VGG16 with the reduced layers, a list of layers whose names begin so."""
    return (
        (
            r"backbone\.stages\.(\d)\.convs\.(\d)\.conv",
            lambda match: f"{prefix}{FEATURES[int(match[1])][int(match[2])]}",
        ),
        (r"backbone\.fc6\.conv", f"{prefix}31"),
        (r"backbone\.fc7\.conv", f"{prefix}33"),
    )


RULES = (
    *vgg_rules("vgg."),
    (r"extras\.(\d)\.conv(\d)\.conv", lambda match: f"extras.{2 * int(match[1]) + int(match[2]) - 1}"),
    (r"heads\.(\d)\.predict_box", r"loc.\1"),
    (r"heads\.(\d)\.predict_class", r"conf.\1"),
)
SCALE = {"l2_norm.scale": "L2Norm.weight"}


def import_arrays(arrays, model, source):
    """The Imported of arrays with these names, None for other names. Raises UserError for another model's."""
    if "L2Norm.weight" in arrays and "vgg.0.weight" in arrays:
        if model != "ssd300-vgg16":
            raise UserError(f"{source} is an SSD300 on VGG16 and no {model}; --model ssd300-vgg16 is needed")
        imported = take(arrays, rename(model, RULES) | SCALE, model, source)
        return imported._replace(settings=CAFFE_RGB | {"anchor_preset": "ssd300-caffe"}, notes=(OTHERS,))
    if "0.weight" in arrays and "33.weight" in arrays:
        imported = take(arrays, rename(model, vgg_rules("")), model, source)
        require_backbone(imported, (), "VGG16 with reduced layers", model, source)
        return imported._replace(settings=CAFFE_RGB)
    return None
