"""Files that are whole whatever happens."""

import pytest

from common.files import write_atomically


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
