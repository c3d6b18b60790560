"""BCCD (github.com/Shenggan/BCCD_Dataset), real blood cells in VOC layout, for the tests that use it where it is."""

import os
from pathlib import Path

import pytest

BCCD = Path(os.environ.get("TRIZOO_BCCD", Path(__file__).parents[4] / "shared" / "data" / "bccd"))
needs_bccd = pytest.mark.skipif(not BCCD.is_dir(), reason="TRIZOO_BCCD names no folder, see CONTRIBUTING")
