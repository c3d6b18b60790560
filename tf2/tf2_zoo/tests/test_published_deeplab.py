"""TensorFlow's DeepLab, as in every framework, and that its golden is what the published graph gives."""

import numpy as np
import pytest

from tf2_zoo.tests.published_deeplab import Published
from trizoo.parity.golden import difference, summarize
from trizoo.parity.pseudo import pseudo_images
from trizoo.tests.contract.published_deeplab import *  # noqa: F403
from trizoo.tests.contract.published_deeplab import CASES, GOLDEN, case, golden_of, made_up


def published(backbone, side, output_stride):
    logits = Published(made_up(backbone), backbone, output_stride)(pseudo_images(1, (side, side))).numpy()
    return {f"{case(backbone, side, output_stride)}/{key}": value for key, value in summarize([logits]).items()}


@pytest.mark.parametrize(("backbone", "side", "output_stride"), CASES)
def test_the_golden_is_the_published_graphs(backbone, side, output_stride):
    if not GOLDEN.exists():  # so deleting it makes it again
        np.savez_compressed(GOLDEN, **{key: value for each in CASES for key, value in published(*each).items()})
        pytest.skip(f"{GOLDEN.name} was missing and is written")
    found = published(backbone, side, output_stride)
    assert difference(golden_of(case(backbone, side, output_stride)), found) < 1e-7
