"""bubbliiiing's repositories of detectors for PyTorch: yolo3-, yolov4-, yolov4-tiny-, ssd-, retinanet-.

Names and graphs: nets/*.py of github.com/bubbliiiing/{yolo3,yolov4,yolov4-tiny,ssd,retinanet}-pytorch; normalisation,
anchors and how boxes are coded: utils/*.py there. A file has to hold a whole network, or the backbone that trainings
begin with: one that was changed is refused. Those for pixels are in `bubbliiiing_masks`.
"""

import re
from functools import partial

import numpy as np

from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.weights.importers.amdegroot import RULES as SSD_RULES
from trizoo.weights.importers.amdegroot import SCALE
from trizoo.weights.importers.imported import ChangedError
from trizoo.weights.importers.renaming import as_float32, rename, require_backbone, take
from trizoo.weights.importers.torchvision import MOBILENET_V2_RULES, PART, resnet_rules
from trizoo.weights.names import NUM_CLASSES, load_names

BYTES = {"mean": (0.0, 0.0, 0.0), "std": (255.0, 255.0, 255.0)}
PLAIN = {"scale_xy": 1.0}  # the centre is the sigmoid itself, where Darknet's YOLOv4 has the grid sensitivity
# of R, G, B, which ssd- and retinanet-pytorch take from the numbers of B, G, R
SSD_MEANS = {"mean": (104.0, 117.0, 123.0), "std": (1.0, 1.0, 1.0)}
SSD_MOBILENET = {"anchor_preset": "ssd300-mobilenetv2-bubbliiiing", "l2_norm": True}
RETINANET_MEANS = {"mean": (103.53, 116.28, 123.675), "std": (57.375, 57.12, 58.395)}
OWN_ANCHORS = (
    "anchors aren't in the file: the repository's own are taken, unless --anchors gives those that it was trained with"
)
POOL = (
    "its first pool begins a pixel further right and below than the zoo's: anchors make up for it, but not at the "
    "input's left and upper borders; fine-tuning does"
)
BLOCKS = (1, 2, 8, 8, 4)  # of CSPDarknet53's stages


def darknet53_rules(prefix):
    """Rules of yolo3-pytorch's backbone, whose names begin so."""
    return (
        (r"backbone\.stem\.(conv|bn)", rf"{prefix}\g<1>1"),
        (
            r"backbone\.stages\.(\d)\.down\.(conv|bn)",
            lambda match: f"{prefix}layer{int(match[1]) + 1}.ds_{match[2]}",
        ),
        (
            r"backbone\.stages\.(\d)\.blocks\.(\d)\.conv(\d)\.(conv|bn)",
            lambda match: f"{prefix}layer{int(match[1]) + 1}.residual_{match[2]}.{match[4]}{match[3]}",
        ),
    )


def csp_darknet53_rules(prefix):
    """Rules of yolov4-pytorch's backbone, whose names begin so."""
    parts = {"down": "downsample_conv", "bypass": "split_conv0", "enter": "split_conv1", "merge": "concat_conv"}
    return (
        (r"backbone\.stem\.(conv|bn)", rf"{prefix}conv1.\1"),
        (
            r"backbone\.stages\.(\d)\.(down|bypass|enter|merge)\.(conv|bn)",
            lambda match: f"{prefix}stages.{match[1]}.{parts[match[2]]}.{match[3]}",
        ),
        (
            r"backbone\.stages\.(\d)\.leave\.(conv|bn)",
            lambda match: f"{prefix}stages.{match[1]}.blocks_conv.{BLOCKS[int(match[1])]}.{match[2]}",
        ),
        (
            r"backbone\.stages\.(\d)\.blocks\.(\d)\.conv(\d)\.(conv|bn)",
            lambda match: f"{prefix}stages.{match[1]}.blocks_conv.{match[2]}.block.{int(match[3]) - 1}.{match[4]}",
        ),
    )


def csp_tiny_rules(prefix):
    """Rules of yolov4-tiny-pytorch's backbone, whose names begin so."""
    return (
        (r"backbone\.conv(\d)\.(conv|bn)", rf"{prefix}conv\1.\2"),
        (
            r"backbone\.blocks\.(\d)\.conv(\d)\.(conv|bn)",
            lambda match: f"{prefix}resblock_body{int(match[1]) + 1}.conv{match[2]}.{match[3]}",
        ),
    )


def _numbered(ours, theirs):
    """A rule of convolutions that we number from 1, and a list of theirs from 0."""
    return rf"{ours}\.conv(\d)\.(conv|bn)", lambda match: f"{theirs}.{int(match[1]) - 1}.{match[2]}"


def _head(ours, theirs, first):
    """Rules of a head: its block has this place in a list of theirs, and what predicts is behind that."""
    return (rf"{ours}\.conv\.(conv|bn)", rf"{theirs}.{first}.\1"), (rf"{ours}\.predict", f"{theirs}.{first + 1}")


YOLOV3_RULES = (
    *darknet53_rules("backbone."),
    *(_numbered(f"neck_p{5 - level}", f"last_layer{level}") for level in range(3)),
    *(rule for level in range(3) for rule in _head(f"head_p{5 - level}", f"last_layer{level}", 5)),
    (r"lateral_p(4|3)\.(conv|bn)", lambda match: f"last_layer{5 - int(match[1])}_conv.{match[2]}"),
)
YOLOV4_RULES = (
    *csp_darknet53_rules("backbone."),
    (
        r"spp\.conv(\d)\.(conv|bn)",  # three before the pools, three behind them
        lambda match: f"conv{(int(match[1]) + 2) // 3}.{(int(match[1]) - 1) % 3}.{match[2]}",
    ),
    (r"lateral_p(4|3)\.(conv|bn)", lambda match: f"upsample{5 - int(match[1])}.upsample.0.{match[2]}"),
    (r"lateral_c(4|3)\.(conv|bn)", r"conv_for_P\1.\2"),
    *(
        _numbered(ours, f"make_five_conv{number}")
        for number, ours in enumerate(("up_p4", "up_p3", "neck_p4", "neck_p5"), 1)
    ),
    (r"down_p(4|5)\.(conv|bn)", lambda match: f"down_sample{int(match[1]) - 3}.{match[2]}"),
    *(rule for level in (3, 4, 5) for rule in _head(f"head_p{level}", f"yolo_head{6 - level}", 0)),
)
YOLOV4_TINY_RULES = (
    *csp_tiny_rules("backbone."),
    (r"neck_p5\.(conv|bn)", r"conv_for_P5.\1"),
    (r"lateral_p4\.(conv|bn)", r"upsample.upsample.0.\1"),
    *(rule for level in (5, 4) for rule in _head(f"head_p{level}", f"yolo_headP{level}", 0)),
)
ATTENTION = {"attention_c4": "feat1_att", "attention_c5": "feat2_att", "attention_p4": "upsample_att"}
KINDS = {
    "se": {"fc.0.weight": "reduce", "fc.2.weight": "expand"},
    "cbam8": {
        "channelattention.fc1.weight": "reduce",
        "channelattention.fc2.weight": "expand",
        "spatialattention.conv1.weight": "spatial",
    },
    "eca": {"conv.weight": "along"},
}
RANKS = {"se": 2, "cbam8": 4, "eca": 3}


def _as_mobilenet(theirs, match):
    """What torchvision's features are called where they are a network's `mobilenet`."""
    return theirs(match).replace("features.", "mobilenet.", 1)


def _place(match):
    """Place of a convolution, or its norm, in an inverted residual: of its first 1x1, or of its 3x3."""
    return f"{('expand', 'depthwise').index(match[2])}.{PART[match[3]]}"


ANCHORS = 9  # of a cell of retinanet-pytorch: three sizes of three shapes
RETINANET_RULES = (
    *resnet_rules("backbone_net.model."),
    (r"fpn\.lateral_c(\d)\.conv", r"fpn.P\1_1"),
    (r"fpn\.output_p(\d)\.conv", r"fpn.P\1_2"),
    (r"fpn\.p6\.conv", "fpn.P6"),
    (r"fpn\.p7\.conv", "fpn.P7_2"),
    (r"head_class\.tower\.(\d)\.conv", lambda match: f"classificationModel.conv{int(match[1]) + 1}"),
    (r"head_class\.predict_class", "classificationModel.output"),
    (r"head_box\.tower\.(\d)\.conv", lambda match: f"regressionModel.conv{int(match[1]) + 1}"),
    (r"head_box\.predict_box", "regressionModel.output"),
)
SSD_MOBILENET_RULES = (
    *((ours, partial(_as_mobilenet, theirs)) for ours, theirs in MOBILENET_V2_RULES),
    (r"extras\.(\d)\.(expand|depthwise)\.(conv|bn)", lambda match: f"extras.{match[1]}.conv.{_place(match)}"),
    (r"extras\.(\d)\.project\.(conv|bn)", lambda match: f"extras.{match[1]}.conv.{2 + PART[match[2]]}"),
    (r"heads\.(\d)\.predict_box", r"loc.\1"),
    (r"heads\.(\d)\.predict_class", r"conf.\1"),
)
OF_SHARED_NAMES = "yolo_headP5.1.weight"  # in a file some of whose names are ours
# a name that only such a file has -> its model, rules, and what it is
YOLOS = {
    "last_layer0.6.weight": ("yolov3", YOLOV3_RULES, "yolo3-pytorch's YOLOv3"),
    "yolo_head3.1.weight": ("yolov4", YOLOV4_RULES, "yolov4-pytorch's YOLOv4"),
    OF_SHARED_NAMES: ("yolov4-tiny", YOLOV4_TINY_RULES, "yolov4-tiny-pytorch's YOLOv4-tiny"),
}
BACKBONES = {
    "layer1.ds_conv.weight": (darknet53_rules(""), "yolo3-pytorch's Darknet53"),
    "stages.0.downsample_conv.conv.weight": (csp_darknet53_rules(""), "yolov4-pytorch's CSPDarknet53"),
    "resblock_body1.conv1.conv.weight": (csp_tiny_rules(""), "yolov4-tiny-pytorch's backbone"),
}


def import_arrays(arrays, model, source):
    """The Imported of arrays with these names, None for other names.

    Raises UserError for another model's, and for a network that was changed.
    """
    for name, (its, rules, what) in YOLOS.items():
        if name in arrays:
            return _yolo(arrays, rules, its, what, model, source)
    for name, (rules, what) in BACKBONES.items():
        if name in arrays:
            imported = take(arrays, rename(model, rules), model, source)
            require_backbone(imported, (), what, model, source)
            return imported._replace(settings=BYTES)
    if "regressionModel.output.weight" in arrays and "backbone_net.model.conv1.weight" in arrays:
        return _retinanet(arrays, model, source)
    # ssd.pytorch of amdegroot has the same names, but writes the normalisation before what follows VGG16
    order = [name for name in arrays if name in ("extras.0.weight", "L2Norm.weight")]
    if order == ["extras.0.weight", "L2Norm.weight"] and "vgg.0.weight" in arrays:
        what = "ssd-pytorch's SSD300"
        require(model, "ssd300-vgg16", what, source)
        imported = whole(take(arrays, rename(model, SSD_RULES) | SCALE, model, source), what, model, source)
        return imported._replace(settings=SSD_MEANS | {"anchor_preset": "ssd300-bubbliiiing"})
    if "mobilenet.0.0.weight" in arrays and "L2Norm.weight" in arrays:
        return _ssd_mobilenet(arrays, model, source)
    return None


def require(model, its, what, source):
    if model != its:
        raise UserError(f"{source} is {what} and no {model}; --model {its} is needed")


def whole(imported, what, model, source):
    """An Imported that lacks nothing and has nothing else; ChangedError for another."""
    if imported.missing or imported.unexpected:
        odd = f"lacks {imported.missing[0]}" if imported.missing else f"also holds {imported.unexpected[0]}"
        raise ChangedError(
            f"{source} is {what} but {odd}, so it isn't the graph of {model}; an unchanged one is needed",
            (len(imported.missing) + len(imported.unexpected)) / max(1, len(imported.arrays)),
        )
    return imported


def _yolo(arrays, rules, its, what, model, source):
    require(model, its, what, source)
    attention, kind = {}, None
    if its == "yolov4-tiny":
        attention, kind, arrays = _attention(arrays, source)
    imported = whole(take(arrays, rename(model, rules), model, source), what, model, source)
    settings = BYTES | ({} if its == "yolov3" else PLAIN) | ({"attention": kind} if kind else {})
    return imported._replace(
        arrays=imported.arrays | attention,
        settings=settings,
        notes=(OWN_ANCHORS,),
        # of six anchors the first is no head's
        anchor_places=(1, 2, 3, 4, 5) if its == "yolov4-tiny" else None,
    )


def _attention(arrays, source):
    """Blocks of attention by our names, which kind they are, None for none, and the other arrays."""
    theirs = tuple(f"{name}." for name in ATTENTION.values())
    rest = {name: array for name, array in arrays.items() if not name.startswith(theirs)}
    given = {name: as_float32(name, array, source) for name, array in arrays.items() if name not in rest}
    if not given:
        return {}, None, rest
    for kind, ends in KINDS.items():
        if given.keys() == {f"{block}.{end}" for block in ATTENTION.values() for end in ends}:
            return _blocks(given, kind, source), kind, rest
    raise UserError(
        f"{source} is yolov4-tiny-pytorch's YOLOv4-tiny with {next(iter(given))}, of another attention than SE, CBAM "
        f"and ECA; one with these, or without, is needed"
    )


def _blocks(given, kind, source):
    """Blocks of attention by our names; kernels become (out, in, h, w), and have biases of 0 where ours have any."""
    found = {}
    for ours, block in ATTENTION.items():
        for end, layer in KINDS[kind].items():
            array = given[f"{block}.{end}"]
            if array.ndim != RANKS[kind]:
                raise UserError(f"{source} holds {block}.{end} of shape {array.shape}; one of another rank is needed")
            if array.ndim < 4:
                array = array[:, :, None] if array.ndim == 3 else array[:, :, None, None]
            found[f"{ours}.{layer}.weight"] = array
            if layer in ("reduce", "expand"):
                found[f"{ours}.{layer}.bias"] = np.zeros(len(array), np.float32)
    return found


def _ssd_mobilenet(arrays, model, source):
    what, settings = "ssd-pytorch's SSD300 on MobileNetV2", SSD_MEANS | SSD_MOBILENET
    require(model, "ssd300-mobilenetv2", what, source)
    shapes = model_spec(model, NUM_CLASSES, **settings).names(load_names(model))
    names = rename(model, SSD_MOBILENET_RULES, shapes) | {"l2_norm.scale": "L2Norm.weight"}
    return whole(take(arrays, names, model, source, shapes), what, model, source)._replace(settings=settings)


def _retinanet(arrays, model, source):
    what = "retinanet-pytorch's RetinaNet"
    if not re.fullmatch(r"retinanet-resnet\d+", model):
        raise UserError(f"{source} is {what} and no {model}; --model retinanet-resnet50, or one as deep, is needed")
    imported = whole(take(arrays, rename(model, RETINANET_RULES), model, source), what, model, source)
    for name, array in imported.arrays.items():
        if ".predict_class." in name and (array.ndim == 0 or len(array) % ANCHORS):
            raise UserError(f"{source} has {name} of shape {array.shape}; outputs of {ANCHORS} anchors are needed")
    return imported._replace(
        arrays={name: _in_our_order(name, array) for name, array in imported.arrays.items()},
        settings=RETINANET_MEANS | {"anchor_preset": "retinanet-bubbliiiing", "p6_from_c5": True},
        recipe={"input_size": (600, 600), "resize": "letterbox"},
        notes=(POOL,),
    )


def _in_our_order(name, array):
    """Rows of what predicts: ours are ratios, then sizes; theirs sizes, then ratios, and boxes y, x, height, width."""
    if ".predict_" not in name:
        return array
    rows = array.reshape(3, 3, -1, *array.shape[1:]).swapaxes(0, 1)
    if ".predict_box." in name:
        rows = rows[:, :, [1, 0, 3, 2]]
    return rows.reshape(array.shape)
