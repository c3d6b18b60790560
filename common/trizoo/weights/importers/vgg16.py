"""The fully connected layers of VGG16 as the convolutions that SSD has instead."""

from trizoo.families import model_spec
from trizoo.weights.initial import initial_array
from trizoo.weights.names import NUM_CLASSES

KEPT = 4  # of the 4096 channels every fourth stays, 1024
APART = 3  # of fc6's 7x7 places those at 0, 3 and 6; the convolution is dilated by 6 for it (Chen et al. 2015)
FC6, FC7 = "backbone.fc6.conv", "backbone.fc7.conv"
REINITIALISED = (
    "fc6 and fc7 aren't in it and are re-initialised, so freeze.epochs=0 would be better: a frozen backbone never "
    "learns them"
)
NO_HEAD = (
    "its last layer takes 4096 channels, of which the zoo's VGG16 keeps every fourth (Liu et al. 2016), so it is "
    "re-initialised"
)


def reduced(fc6, fc7):
    """fc6 (weight (4096, 512, 7, 7), bias) and fc7 (weight (4096, 4096), bias) decimated, by canonical name.

    Weights of shape (1024, 512, 3, 3) and (1024, 1024, 1, 1), as Liu et al. 2016, section 3.1.
    """
    (weight6, bias6), (weight7, bias7) = fc6, fc7
    return {
        f"{FC6}.weight": weight6[::KEPT, :, ::APART, ::APART],
        f"{FC6}.bias": bias6[::KEPT],
        f"{FC7}.weight": weight7[::KEPT, ::KEPT, None, None],
        f"{FC7}.bias": bias7[::KEPT],
    }


def reinitialised(shapes, model):
    """fc6 and fc7 of a file that hasn't them, as a model has them from scratch.

    Args:
        shapes: {name: shape}
    """
    names = [f"{module}.{leaf}" for module in (FC6, FC7) for leaf in ("weight", "bias")]
    return {name: initial_array(name, shapes[name], 0, model_spec(model, NUM_CLASSES)) for name in names}
