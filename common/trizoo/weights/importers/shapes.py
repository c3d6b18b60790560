"""Shapes of an importer's arrays against those of the network that will be built for them.

What doesn't hang on a recipe is as in the names file. What predicts has as many outputs an anchor as its first bias
says, and a RetinaNet's P6 takes what the recipe will make it of.
"""

from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.weights.classes import outputs_of, predicts_classes
from trizoo.weights.names import NUM_CLASSES, load_names

# channels of what yolov4-tiny's blocks weigh
ATTENTION = {"attention_c4": 256, "attention_c5": 512, "attention_p4": 128}
REDUCTION, ECA = 16, 5  # channels : those of SE's hidden layer; channels that ECA spans at any of these numbers
P6, C5 = "fpn.p6.conv.weight", "fpn.lateral_c5.conv.weight"


def check_shapes(imported, model, source):
    """UserError for the first array of an Imported whose shape isn't that of its model.

    Args:
        source: how errors call the file
    """
    for name, shape in wanted_shapes(imported, model, source).items():
        given = imported.arrays[name].shape if name in imported.arrays else shape
        if given != shape:
            raise UserError(
                f"{source} holds {name}, as {model} calls it, of shape {given}, and {shape} is needed; weights of an "
                f"unchanged network of this model are needed"
            )


def wanted_shapes(imported, model, source):
    """{name: shape} of a model, built for the classes of an Imported and with its settings."""
    spec = model_spec(model, NUM_CLASSES, **imported.settings)
    shapes = spec.names(load_names(model))
    per_anchor, _ = outputs_of(imported.arrays, model, source)
    for name, (rows, *rest) in shapes.items():
        if per_anchor and predicts_classes(name):
            shapes[name] = (rows // (spec.besides + NUM_CLASSES) * per_anchor, *rest)
        elif predicts_classes(name) and name in imported.arrays:  # without a bias its own rows say how many
            shapes[name] = (*imported.arrays[name].shape[:1], *rest)
    if P6 in shapes:
        outputs, _, *kernel = shapes[P6]
        shapes[P6] = (outputs, shapes[C5][1] if spec.p6_from_c5 else outputs, *kernel)
    return shapes | _attention(imported.settings.get("attention"))


def _attention(kind):
    """{name: shape} of yolov4-tiny's blocks of a kind, "se" or "eca"."""
    shapes = {}
    for block, channels in ATTENTION.items() if kind else ():
        if kind == "eca":
            shapes[f"{block}.along.weight"] = (1, 1, 1, ECA)
            continue
        for layer, outputs, inputs in (
            ("reduce", channels // REDUCTION, channels),
            ("expand", channels, channels // REDUCTION),
        ):
            shapes |= {f"{block}.{layer}.weight": (outputs, inputs, 1, 1), f"{block}.{layer}.bias": (outputs,)}
    return shapes
