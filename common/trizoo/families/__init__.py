"""Families of models: a room each. Here: which there are, and the spec of a model by its name.

A family's room holds spec.py (names, options, loss section), targets.py, decode.py (outputs to detections) and
reference.py (the NumPy loss that tests hold the frameworks against; nothing that runs for a user imports it).
"""

from trizoo.families.base.spec import Architecture, Family, ModelSpec
from trizoo.families.classification.spec import CLASSIFICATION
from trizoo.families.embedding.spec import EMBEDDING
from trizoo.families.keypoints.spec import KEYPOINTS
from trizoo.families.multilabel.spec import MULTILABEL
from trizoo.families.retinanet.spec import RETINANET
from trizoo.families.segmentation.spec import SEGMENTATION
from trizoo.families.ssd.spec import SSD
from trizoo.families.yolo.spec import YOLO
from trizoo.ground.errors import UserError

__all__ = ["ARCHITECTURES", "FAMILIES", "Architecture", "Family", "ModelSpec", "architecture", "check_input_size"]
__all__ += ["backbone_of", "family_of", "model_spec", "register_family", "spec_config"]

FAMILIES = {
    "yolo": YOLO,
    "ssd": SSD,
    "retinanet": RETINANET,
    "segmentation": SEGMENTATION,
    "keypoints": KEYPOINTS,
    "classification": CLASSIFICATION,
    "embedding": EMBEDDING,
    "multilabel": MULTILABEL,
}
ARCHITECTURES = {name: known for family in FAMILIES.values() for name, known in family.models.items()}


def register_family(name, family):
    """Adds a Family of one's own to FAMILIES, and its models to ARCHITECTURES. Raises ValueError for names in use."""
    if not isinstance(name, str) or not isinstance(family, Family):
        raise TypeError(f"the family is {name!r}, {family!r}; a name and a trizoo.families.Family are needed")
    taken = [name] if name in FAMILIES else sorted(family.models.keys() & ARCHITECTURES.keys())
    if taken:
        raise ValueError(f"{taken[0]!r} is in use already; choose another name for the family or the model")
    FAMILIES[name] = family
    ARCHITECTURES.update(family.models)


def architecture(name):
    """The named architecture; UserError with the names there are for an unknown one."""
    if name not in ARCHITECTURES:
        raise UserError(f"unknown model {name!r}; one of {', '.join(ARCHITECTURES)} is needed")
    return ARCHITECTURES[name]


def family_of(name):
    """The Family that a model belongs to; UserError with the names there are for an unknown model."""
    known = architecture(name)
    return next(family for family in FAMILIES.values() if family.models.get(name) is known)


def model_spec(name, num_classes, *, mean=(0.0, 0.0, 0.0), std=(255.0, 255.0, 255.0), **options):
    """The ModelSpec of a model for `num_classes` classes.

    Args:
        mean, std: of an image's R, G, B in 0..255, see `ModelSpec`
        options: of a recipe's model section, None = the model's own

    Raises:
        UserError: for an unknown name, and for options that the model hasn't or that don't fit it
        ValueError: for less than 1 class
    """
    if num_classes < 1:
        raise ValueError(f"num_classes is {num_classes}; at least 1 is needed")
    known = architecture(name)
    given = {option: value for option, value in options.items() if value is not None}
    for option in given:
        if option not in known.options.model_fields:
            able = [other for other, about in ARCHITECTURES.items() if option in about.options.model_fields]
            raise UserError(
                f"model.{option} is {given[option]!r}, which {name} doesn't have; none, or one of {', '.join(able)}, "
                f"would do"
            )
    return known.spec(name, num_classes, mean=tuple(mean), std=tuple(std), **given)


def spec_config(spec):
    """The arguments that `model_spec` makes an equal spec of, as JSON."""
    normalisation = {"mean": [float(value) for value in spec.mean], "std": [float(value) for value in spec.std]}
    options = spec.settings(architecture(spec.name))
    return {"name": spec.name, "num_classes": spec.num_classes, **normalisation, **options}


def backbone_of(section):
    """The name of the backbone that a recipe's model section, as a dict, stands on; None for one of the model's own."""
    return section.get("backbone") or architecture(section["name"]).backbone


def check_input_size(name, size):
    """UserError unless the model takes images of this (width, height); it names the nearest legal sizes."""
    architecture(name).check_input_size(name, size)


def size_around(name, size):
    """The least (width, height) that the model takes and in which an image of this size has room.

    It is the image's own, or both sides are multiples of `size_multiple`. Raises UserError where there is none.
    """
    multiple = architecture(name).size_multiple
    larger = tuple(-(-side // multiple) * multiple for side in size)
    if takes(name, larger) and not takes(name, size):
        return larger
    check_input_size(name, size)
    return tuple(size)


def takes(name, size):
    """Whether the model takes images of this (width, height)."""
    try:
        check_input_size(name, size)
    except UserError:
        return False
    return True
