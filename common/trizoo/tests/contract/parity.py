"""Every check of `trizoo.parity.probe` against the committed goldens.

That a changed optimiser fails them is in PyTorch's test_parity.py; changed graphs (padding, eps, slope, order of
concatenation) are in each zoo's test_models.py, since a change is made in the framework's own words. YOLOv3's checks
take long and are in `python -m trizoo.parity`.
"""

import pytest

from trizoo.parity import probe
from trizoo.parity.golden import TOLERANCES, differences, load_golden

MODEL = "yolov3-tiny"


@pytest.fixture(scope="module")
def found(zoo):
    """{check: distance from the golden}."""
    return differences(load_golden(MODEL), probe.probe(zoo, MODEL))


@pytest.mark.parametrize("check", TOLERANCES)
def test_the_check_is_within_its_bound(found, check):
    assert found[check] <= TOLERANCES[check]
