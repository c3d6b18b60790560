"""Shapes of an importer's arrays against those of the network that will be built for them.

What doesn't hang on a recipe is as in the names file. What predicts has as many outputs an anchor as its first bias
says, and a RetinaNet's P6 takes what the recipe will make it of.
"""

from trizoo.families import model_spec
from trizoo.families.base.spec import NOT_OF_THE_GRAPH
from trizoo.ground.errors import UserError
from trizoo.weights.classes import outputs_of, predicts_classes
from trizoo.weights.names import NUM_CLASSES, load_names

# channels of what yolov4-tiny's blocks weigh
ATTENTION = {"attention_c4": 256, "attention_c5": 512, "attention_p4": 128}
REDUCTIONS = {"cbam": 16, "cbam8": 8, "se": 16}  # channels : those of the hidden layer
ECA, SPATIAL = 5, (1, 2, 7, 7)  # channels that ECA spans at any of these numbers; CBAM's kernel over pixels
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


def check_options(imported, model, options, source):
    """UserError where the model section of a recipe makes another graph than that of an Imported.

    Args:
        options: the section as a dict
        source: how errors call the file
    """
    graph = {key: value for key, value in options.items() if key not in NOT_OF_THE_GRAPH}
    own, spec = (model_spec(model, NUM_CLASSES, **given) for given in (imported.settings, graph))
    for option, attribute in (("backbone", "backbone"), ("norm", "norm"), ("norm", "backbone_norm")):
        has, wanted = getattr(own, attribute, None), getattr(spec, attribute, None)
        if has != wanted:
            raise UserError(
                f"model.{option} is {wanted}, and {source} holds {model} with {has or 'no normalisation'}, whose "
                f"arrays are others; leave it out"
            )
    shapes = wanted_shapes(imported, model, source, graph)
    for name, array in imported.arrays.items():
        if shapes.get(name) != array.shape:
            needed = f"would need shape {shapes[name]}" if name in shapes else "wouldn't have it"
            raise UserError(
                f"{source} holds {name}, as {model} calls it, of shape {array.shape}, and the graph that the recipe's "
                f"model section makes {needed}; leave out what was set there"
            )
    lacking = next((name for name in shapes if name not in imported.arrays and name not in imported.missing), None)
    if lacking is not None:
        raise UserError(
            f"{source} lacks {lacking}, as {model} calls it, which the graph that the recipe's model section makes "
            f"would need; leave out what was set there"
        )


def wanted_shapes(imported, model, source, options=None):
    """{name: shape} of a model, built for the classes of an Imported.

    Args:
        options: of its graph, None for the Imported's settings
    """
    options = imported.settings if options is None else options
    spec = model_spec(model, NUM_CLASSES, **options)
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
    return shapes | _attention(options.get("attention"))


def _attention(kind):
    """{name: shape} of yolov4-tiny's blocks of a kind, one of `trizoo.families.yolo.spec.ATTENTION`."""
    shapes = {}
    for block, channels in ATTENTION.items() if kind else ():
        if kind == "eca":
            shapes[f"{block}.along.weight"] = (1, 1, 1, ECA)
            continue
        hidden = channels // REDUCTIONS[kind]
        for layer, outputs, inputs in (("reduce", hidden, channels), ("expand", channels, hidden)):
            shapes |= {f"{block}.{layer}.weight": (outputs, inputs, 1, 1), f"{block}.{layer}.bias": (outputs,)}
        if kind != "se":
            shapes[f"{block}.spatial.weight"] = SPATIAL
    return shapes
