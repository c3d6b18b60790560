"""What is beside an export while it is written, and after one that was killed."""

import os
from types import SimpleNamespace

import pytest

from trizoo.deploy import writing
from trizoo.ground.errors import UserError


@pytest.fixture
def export(monkeypatch):
    """Writes a file of this text by a target that calls `meanwhile` first; nothing is compared."""
    monkeypatch.setattr(writing, "read_notes", lambda path: SimpleNamespace(open=lambda: None))
    monkeypatch.setattr(writing, "check_batches", lambda *_: ([], "no images"))
    monkeypatch.setattr(writing, "compare", lambda *_: SimpleNamespace(breach=lambda: False))

    def write(out, text, meanwhile=lambda: None):
        def written(job, path):
            meanwhile()
            path.write_text(text)

        target = SimpleNamespace(ending=".onnx", write=written, files=lambda path: [path])
        job = SimpleNamespace(metadata=SimpleNamespace(dynamic_size=False), size=(8, 8), spec=None)
        return writing.write(target, job, out, None, None)

    return write


def test_a_second_export_to_one_file_is_refused_at_once_and_the_first_is_whole(export, tmp_path):
    out = tmp_path / "a.onnx"

    def second():
        with pytest.raises(UserError, match=r"a\.onnx is being written by process \d+ on \S+; wait .* another --out"):
            export(out, "second")
        export(tmp_path / "b.onnx", "another")

    assert export(out, "first", second).size == 5
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.onnx": "first", "b.onnx": "another"}


def test_an_export_that_fails_leaves_what_was_there(export, tmp_path):
    def full():
        raise OSError(28, "No space left on device")

    export(tmp_path / "a.onnx", "first")
    with pytest.raises(OSError, match="No space"):
        export(tmp_path / "a.onnx", "second", full)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["first"]


def test_what_a_killed_export_left_goes_with_the_next(export, tmp_path):
    left = tmp_path / ".trizoo-00000000-1-0123456789abcdef.tmp"
    left.mkdir()
    (left / "model.onnx").touch()
    os.utime(left, (0, 0))  # another machine's, of long ago
    export(tmp_path / "a.onnx", "first")
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]
