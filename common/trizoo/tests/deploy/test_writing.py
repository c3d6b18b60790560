"""What is beside an export while it is written, and after one that was killed."""

import os

import pytest

from trizoo.ground.errors import UserError
from trizoo.tests.campaigns.made_up_export import export


def test_a_second_export_to_one_file_is_refused_at_once_and_the_first_is_whole(tmp_path):
    out = tmp_path / "a.onnx"

    def second():
        with pytest.raises(UserError, match=r"a\.onnx is being written by process \d+ on \S+; wait .* another --out"):
            export(out, "second")
        export(tmp_path / "b.onnx", "another")

    assert export(out, "first", meanwhile=second).size == 5
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.onnx": "first", "b.onnx": "another"}


def test_an_export_that_fails_leaves_what_was_there(tmp_path):
    def full():
        raise OSError(28, "No space left on device")

    export(tmp_path / "a.onnx", "first")
    with pytest.raises(OSError, match="No space"):
        export(tmp_path / "a.onnx", "second", meanwhile=full)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["first"]


def test_what_a_killed_export_left_goes_with_the_next(tmp_path):
    left = tmp_path / ".trizoo-00000000-1-0123456789abcdef.tmp"
    left.mkdir()
    (left / "model.onnx").touch()
    os.utime(left, (0, 0))  # another machine's, of long ago
    export(tmp_path / "a.onnx", "first")
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]
