"""What a person hears where memory is too small."""

import numpy as np
import pytest

from trizoo.ground.errors import UserError
from trizoo.ground.memory import explain_out_of_memory, keep_freed_memory

IMAGES = np.zeros((4, 48, 64, 3), np.uint8)


def test_running_out_of_memory_says_what_would_need_less():
    with pytest.raises(UserError, match=r"too small for 4 images of 64x48 at once; half the --batch-size"):  # noqa: SIM117
        with explain_out_of_memory(IMAGES, lambda error: "no memory" in str(error)):
            raise RuntimeError("no memory")


def test_other_errors_stay_as_they_are():
    with pytest.raises(RuntimeError, match=r"^shapes$"), explain_out_of_memory(IMAGES, lambda error: False):
        raise RuntimeError("shapes")


def test_keeping_freed_memory_can_be_asked_for_again():
    keep_freed_memory()
    keep_freed_memory()
