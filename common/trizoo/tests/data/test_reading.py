"""Files that are no ordinary ones end in a sentence, and nothing waits for them."""

import os

import pytest

from trizoo.data.image_tree import files_below
from trizoo.data.reading import json_files, list_entries, read_bytes, read_json, read_marker, read_text, text_lines
from trizoo.ground.errors import UserError


def test_a_pipe_and_a_device_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "a.json")
    (tmp_path / "b.json").symlink_to("/dev/zero")
    for name in ("a.json", "b.json"):
        for read in (read_text, lambda path: read_json(path, "list"), lambda path: read_bytes(path, 9, "list")):
            with pytest.raises(UserError, match=rf"{name} is no ordinary file"):
                read(tmp_path / name)
    assert (files_below(tmp_path, (".json",)), json_files(tmp_path)) == ([], [])


def test_a_file_of_too_many_bytes_is_not_read(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"1234567890")
    assert read_bytes(tmp_path / "a.txt", 10, "list") == b"1234567890"
    with pytest.raises(UserError, match=r"a\.txt has 10 bytes; a list has at most 9"):
        read_bytes(tmp_path / "a.txt", 9, "list")


def test_a_pointer_of_git_lfs_is_not_the_file(tmp_path):
    (tmp_path / "a.json").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n")
    for read in (read_text, lambda path: read_json(path, "list"), lambda path: list(text_lines(path))):
        with pytest.raises(UserError, match=r"a\.json is a Git LFS pointer and not the file itself; `git lfs pull` f"):
            read(tmp_path / "a.json")


def test_entries_of_a_list_are_its_lines_without_blanks(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffa b\r\n\n  c\t\rd".encode())
    assert list_entries(tmp_path / "a.txt") == ["a b", "c", "d"]


def test_long_lines_and_long_lists_are_bounded(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("a" * 5000 + "\nb\n")
    assert list_entries(tmp_path / "a.txt") == ["a" * 4096, "b"]
    monkeypatch.setattr("trizoo.data.reading._MOST_ENTRIES", 1)
    with pytest.raises(UserError, match=r"a\.txt has more than 1 lines, so it is no list of images"):
        list_entries(tmp_path / "a.txt")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"[" * 100_000, b"\xff", b'{"a": "' + b"b" * (1 << 20) + b'"}'])
def test_what_is_no_marker_of_the_zoos_says_nothing(tmp_path, data):
    (tmp_path / "a.json").write_bytes(data)
    assert read_marker(tmp_path / "a.json") == {}
    assert read_marker(tmp_path / "b.json") == {}
    (tmp_path / "a.json").write_text('{"classes": []}')
    assert read_marker(tmp_path / "a.json") == {"classes": []}
