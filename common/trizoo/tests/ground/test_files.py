"""Files that are whole whatever happens."""

import errno

import pytest

from trizoo.ground.errors import UserError
from trizoo.ground.files import replacing, write_atomically


def test_text_is_written_as_utf8_and_bytes_as_they_are(tmp_path):
    write_atomically(tmp_path / "a", "细胞\n")
    write_atomically(tmp_path / "b", b"\r\n\x00")
    assert (tmp_path / "a").read_bytes() == "细胞\n".encode()
    assert (tmp_path / "b").read_bytes() == b"\r\n\x00"


def test_a_failure_leaves_the_previous_file_and_nothing_else(tmp_path):
    path = tmp_path / "a"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "\ud800")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")

    def fail(temporary, error):
        temporary.write_text("half", encoding="utf-8")
        raise error

    with pytest.raises(KeyboardInterrupt), replacing(path) as temporary:
        fail(temporary, KeyboardInterrupt())
    with pytest.raises(UserError, match=r"a\.txt.*No space"), replacing(path) as temporary:
        fail(temporary, OSError(errno.ENOSPC, "No space left on device"))
    assert [(file.name, file.read_text(encoding="utf-8")) for file in tmp_path.iterdir()] == [("a.txt", "old")]


def test_a_name_of_the_greatest_length_can_be_written(tmp_path):
    with replacing(tmp_path / ("n" * 251 + ".txt")) as temporary:
        temporary.write_text("", encoding="utf-8")
    assert len(next(tmp_path.iterdir()).name) == 255
