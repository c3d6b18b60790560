import struct

import numpy as np
import pytest

from trizoo.ground.errors import UserError
from trizoo.weights.readers import darknet, read

FLOATS = np.array([1.5, -2, 0.1], "<f4")


@pytest.mark.parametrize(
    ("header", "about"),
    [
        (struct.pack("<iiiq", 0, 2, 5, 32013312), {"version": "0.2.5", "seen": 32013312, "header_bytes": 20}),
        (struct.pack("<iiiq", 0, 2, 0, 2**40), {"version": "0.2.0", "seen": 2**40, "header_bytes": 20}),
        (struct.pack("<iiiq", 1, 0, 0, 7), {"version": "1.0.0", "seen": 7, "header_bytes": 20}),
        (struct.pack("<iiii", 0, 1, 0, 7), {"version": "0.1.0", "seen": 7, "header_bytes": 16}),
    ],
)
def test_seen_images_take_8_bytes_from_version_0_2_on_and_4_before(tmp_path, header, about):
    (tmp_path / "any.name").write_bytes(header + FLOATS.tobytes())
    weights = read(tmp_path / "any.name")
    assert (weights.kind, weights.about) == ("darknet", about)
    assert weights.arrays["floats"].dtype == np.float32
    assert np.array_equal(weights.arrays["floats"], FLOATS)


def test_what_was_written_is_read_again(tmp_path):
    darknet.write(tmp_path / "a.weights", [FLOATS[:1], FLOATS[1:].reshape(2, 1)], seen=2**33)
    assert (tmp_path / "a.weights").read_bytes() == struct.pack("<iiiq", 0, 2, 5, 2**33) + FLOATS.tobytes()
    assert read(tmp_path / "a.weights").about["seen"] == 2**33


def test_part_of_a_float_at_the_end_is_told(tmp_path):
    (tmp_path / "a.weights").write_bytes(struct.pack("<iiiq", 0, 2, 5, 0) + FLOATS.tobytes()[:-1])
    with pytest.raises(UserError, match="holds 2 floats and 3 bytes more"):
        read(tmp_path / "a.weights")


def test_a_header_that_is_cut_short(tmp_path):
    (tmp_path / "a.weights").write_bytes(struct.pack("<iiii", 0, 2, 5, 0))
    with pytest.raises(UserError, match="8 bytes are wanted at byte 12, the file has 16"):
        read(tmp_path / "a.weights")


@pytest.mark.parametrize("version", [(0, 0, 0), (1001, 2, 0), (0, -2, 0), (0, 2, 10**6)])
def test_other_versions_are_not_taken_for_darknet(tmp_path, version):
    (tmp_path / "a.weights").write_bytes(struct.pack("<iiiq", *version, 0) + FLOATS.tobytes())
    with pytest.raises(UserError, match="no weight file that is known"):
        read(tmp_path / "a.weights")
