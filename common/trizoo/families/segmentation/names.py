"""Names and shapes of the graphs that options make, out of those of a model's own: {name: shape}, in order."""

LEAVES = ("weight", "bias", "running_mean", "running_var")  # of a batch norm
STEM, DEEP_STEM_CHANNELS = "backbone.stem.", (64, 64, 128)
FIRST_BLOCK = ("backbone.stages.0.blocks.0.conv1.conv.weight", "backbone.stages.0.blocks.0.shortcut.conv.weight")
HEAD, PREDICTS = "head.conv.", "head.predict_class.weight"


def with_full_convolutions(shapes):
    """Full 3x3 convolutions behind the backbone in the place of separable ones."""
    found = {}
    for name, shape in shapes.items():
        if name.startswith("backbone."):
            found[name] = shape
        elif ".depthwise." not in name:
            whole = (*shape[:2], 3, 3) if name.endswith(".pointwise.conv.weight") else shape
            found[name.replace(".pointwise.", ".")] = whole
    return found


def with_deep_stem(shapes):
    """Three 3x3 convolutions in the place of a ResNet's first one."""
    found, inputs = {}, 3
    for number, outputs in enumerate(DEEP_STEM_CHANNELS, 1):
        found[f"{STEM}conv{number}.conv.weight"] = (outputs, inputs, 3, 3)
        found |= {f"{STEM}conv{number}.bn.{leaf}": (outputs,) for leaf in LEAVES}
        inputs = outputs
    found |= {name: shape for name, shape in shapes.items() if not name.startswith(STEM)}
    return found | {name: (found[name][0], inputs, *found[name][2:]) for name in FIRST_BLOCK if name in found}


def with_head_channels(shapes, channels):
    """So many channels in the block before the logits."""
    found = dict(shapes)
    for name, (outputs, *rest) in shapes.items():
        if name.startswith(HEAD):
            found[name] = (channels, *rest)
        elif name == PREDICTS:
            found[name] = (outputs, channels, *rest[1:])
    return found
