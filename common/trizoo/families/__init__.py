"""Which models there are, with the numbers that every framework, target and decoder must share: a module a family."""

from trizoo.families.base.spec import Architecture, ModelSpec
from trizoo.families.retinanet.spec import RETINANET_ARCHITECTURES
from trizoo.families.segmentation.spec import SEGMENTATION_ARCHITECTURES
from trizoo.families.ssd.spec import SSD_ARCHITECTURES
from trizoo.families.yolo.spec import ATTENTION, YOLO_ARCHITECTURES
from trizoo.ground.errors import UserError

__all__ = ["ARCHITECTURES", "ATTENTION", "Architecture", "ModelSpec", "architecture", "check_input_size", "model_spec"]

ARCHITECTURES = {
    **YOLO_ARCHITECTURES,
    **SSD_ARCHITECTURES,
    **RETINANET_ARCHITECTURES,
    **SEGMENTATION_ARCHITECTURES,
}


def architecture(name):
    """The named architecture; UserError with the names there are for an unknown one."""
    if name not in ARCHITECTURES:
        raise UserError(f"unknown model {name!r}; one of {', '.join(ARCHITECTURES)} is needed")
    return ARCHITECTURES[name]


def model_spec(name, num_classes, *, mean=(0.0, 0.0, 0.0), std=(255.0, 255.0, 255.0), **options):
    """The ModelSpec of a model for `num_classes` classes.

    options: of a recipe's model section, None = the model's own. Raises UserError for an unknown name, and for options
    that the model hasn't or that don't fit it.
    """
    if num_classes < 1:
        raise ValueError(f"num_classes is {num_classes}; at least 1 is needed")
    known = architecture(name)
    given = {option: value for option, value in options.items() if value is not None}
    for option in given:
        if option not in known.OPTIONS:
            able = [other for other, about in ARCHITECTURES.items() if option in about.OPTIONS]
            raise UserError(
                f"model.{option} is {given[option]!r}, which {name} doesn't have; none, or one of {', '.join(able)}, "
                f"would do"
            )
    return known.spec(name, num_classes, mean=tuple(mean), std=tuple(std), **given)


def check_input_size(name, size):
    """UserError unless the model takes images of this (width, height); it names the nearest legal sizes."""
    architecture(name).check_input_size(name, size)
