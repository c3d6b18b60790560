"""TensorFlow's DeepLab in each framework, against the published graph's own numbers.

The golden is that of `tf2_zoo.tests.published_deeplab`, an independent forward, in float64; the arrays are made up.
"""

import math
import zlib
from pathlib import Path

import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.parity.golden import difference, summarize
from trizoo.parity.pseudo import pseudo_images
from trizoo.tests.weights.importers import published
from trizoo.weights.importers import import_weights
from trizoo.weights.readers import Weights

GOLDEN = Path(__file__).with_suffix(".npz")
MODELS = {"mobilenetv2": "deeplabv3-mobilenetv2", "xception": "deeplabv3plus-xception65"}
# backbone, side of the square input, output stride; Xception takes too long at 513
CASES = [("mobilenetv2", 513, 16), ("mobilenetv2", 513, 8), ("xception", 97, 8)]
TOLERANCE = 1e-5  # of the greatest logit


def made_up(backbone):
    """A checkpoint's arrays from their names: features neither vanish nor explode."""
    arrays = {}
    for name, shape in published.tensorflow_deeplab(backbone).items():
        values = np.random.RandomState(zlib.crc32(name.encode())).random_sample(shape)
        leaf = name.rsplit("/", 1)[-1]
        if len(shape) == 4:
            fan_in = math.prod(shape[:2]) * (1 if leaf == "depthwise_weights" else shape[2])
            values = (values * 2 - 1) * math.sqrt(3 / fan_in)
        else:
            values = values + (0.5 if leaf in ("gamma", "moving_variance") else -0.5)
        arrays[name] = values.astype(np.float32)
    return arrays


def case(backbone, side, output_stride):
    """What a case is called in the golden."""
    return f"{backbone}-{side}-{output_stride}"


def golden_of(name):
    """What the golden holds of a case."""
    with np.load(GOLDEN, allow_pickle=False) as golden:
        return {key: golden[key] for key in golden.files if key.startswith(f"{name}/")}


@pytest.mark.usefixtures("seldom")
@pytest.mark.parametrize(("backbone", "side", "output_stride"), CASES)
def test_deeplab_gives_the_published_graphs_logits(zoo, backbone, side, output_stride):
    imported = import_weights(Weights("tensorflow", made_up(backbone), {}), MODELS[backbone])
    spec = model_spec(MODELS[backbone], 21, output_stride=output_stride, **imported.settings)
    model = zoo.build(spec, zoo.device("cpu"), seed=None)
    zoo.assign(model, imported.arrays)
    (logits,) = zoo.predictor(model, "fp32", zoo.device("cpu"))(pseudo_images(1, (side, side)))
    name = case(backbone, side, output_stride)
    assert (
        difference(golden_of(name), {f"{name}/{key}": value for key, value in summarize([logits]).items()}) < TOLERANCE
    )
