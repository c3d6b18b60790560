"""The Python door, as in every framework, and the training loop of one's own that docs/python.md shows."""

import numpy as np

from trizoo.tests.contract.python_door import *  # noqa: F403
from trizoo.tests.pages import code_blocks


def test_the_pages_training_loop_learns(here):
    loop, build = code_blocks("docs/python.md", "## A training loop of one's own")
    seen = {}
    exec(compile(loop, "docs/python.md", "exec"), seen)  # the project's own text
    assert np.isfinite(float(seen["terms"]["loss"].detach()))
    exec(compile(build, "docs/python.md", "exec"), seen)
    assert float(seen["network"].head_p5.predict.weight.detach().abs().max()) > 0
