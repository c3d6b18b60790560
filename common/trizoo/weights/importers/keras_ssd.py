"""SSD300 on VGG16 of ssd-keras and ssd-tf2 of bubbliiiing.

Names and graph: nets/{VGG16,vgg,ssd}.py of github.com/bubbliiiing/ssd-{keras,tf2}; anchors: utils/anchors.py there. It
takes Caffe's BGR, so the first kernel's channels are turned round.
"""

from trizoo.ground.errors import UserError
from trizoo.weights.importers.imported import ChangedError
from trizoo.weights.importers.keras import CAFFE, turned
from trizoo.weights.importers.renaming import rename, take

LEVELS = ("conv4_3_norm", "fc7", "conv6_2", "conv7_2", "conv8_2", "conv9_2")
OTHERS = (
    "it is taken for one of bubbliiiing's: ssd_keras of pierluigiferrari has the same names, but means of 123, 117, "
    "104 and anchors that reach over the input's borders, so boxes at borders would be worse"
)
RULES = (
    (r"backbone\.stages\.(\d)\.convs\.(\d)\.conv", lambda match: f"conv{int(match[1]) + 1}_{int(match[2]) + 1}"),
    (r"backbone\.(fc6|fc7)\.conv", r"\1"),
    (r"extras\.(\d)\.conv(\d)\.conv", lambda match: f"conv{int(match[1]) + 6}_{match[2]}"),
    (r"heads\.(\d)\.predict_box", lambda match: f"{LEVELS[int(match[1])]}_mbox_loc"),
    (r"heads\.(\d)\.predict_class", lambda match: f"{LEVELS[int(match[1])]}_mbox_conf"),
)


def import_arrays(arrays, model, source):
    """The Imported of arrays as `keras_layers.named` gives them, None for other layers than these.

    Raises UserError for another model's, and for a network that was changed.
    """
    if f"{LEVELS[0]}_mbox_loc.weight" not in arrays:
        return None
    if model != "ssd300-vgg16":
        raise UserError(f"{source} is an SSD300 on VGG16 and no {model}; --model ssd300-vgg16 is needed")
    names = rename(model, RULES) | {"l2_norm.scale": f"{LEVELS[0]}.weight"}
    imported = take(arrays, names, model, source)
    if imported.missing or imported.unexpected:
        odd = f"lacks {imported.missing[0]}" if imported.missing else f"also holds {imported.unexpected[0]}"
        raise ChangedError(f"{source} is an SSD but {odd}, so it isn't {model}'s graph; an unchanged SSD300 is needed")
    return imported._replace(
        arrays=turned(imported.arrays),
        settings=CAFFE | {"anchor_preset": "ssd300-bubbliiiing"},
        notes=(OTHERS,),
    )
