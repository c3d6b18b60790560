"""Where results go is looked at before any work, and what isn't an earlier result of the command stays."""

import json
import os
from functools import partial
from pathlib import Path

import pytest

from trizoo.ground import results
from trizoo.ground.errors import UserError
from trizoo.ground.results import (
    check_file,
    check_folder,
    check_place,
    check_unchanged,
    has_keys,
    has_mark,
    is_marked_folder,
    mark_folder,
)

CHECK = partial(check_file, option="--json", is_ours=has_keys("a", "b", without=("c",)))


def test_a_new_file_will_do_and_nothing_is_made_by_looking(tmp_path):
    CHECK(tmp_path / "new" / "folder" / "m.json")
    check_folder(tmp_path / "other", "--out", is_marked_folder("trizoo predict"))
    assert list(tmp_path.iterdir()) == []


def test_json_is_replaced_where_its_keys_are_ours(tmp_path):
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"a": 1, "b": 2, "more": 3}), encoding="utf-8")
    CHECK(path)


@pytest.mark.parametrize(
    "text",
    ["", "my notes", "[1, 2]", '{"a": 1}', '{"a": 1, "b": 2, "c": 3}', "[" * 100_000, '{"a": 1, "b": 2', "\udcff"],
    ids=["empty", "text", "list", "a key less", "another kind", "deep", "cut short", "no UTF-8"],
)
def test_json_of_others_is_refused(tmp_path, text):
    path = tmp_path / "m.json"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(UserError, match=r"m\.json is there already and is no earlier result of this command; name ano"):
        CHECK(path)


def test_json_of_many_bytes_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "m.json"
    path.write_text('{"a": 1, "b": 2}', encoding="utf-8")
    monkeypatch.setattr(results, "MOST_BYTES", 15)
    with pytest.raises(UserError, match="no earlier result"):
        CHECK(path)


def test_without_a_way_to_know_ones_own_nothing_is_replaced(tmp_path):
    (tmp_path / "w.h5").touch()
    with pytest.raises(UserError, match=r"w\.h5 is there already; name another file with --out"):
        check_file(tmp_path / "w.h5", "--out")


def test_a_folder_and_a_device_and_a_link_to_nothing_are_no_files_to_write(tmp_path):
    with pytest.raises(UserError, match="is a folder; --json needs the name of a file"):
        CHECK(tmp_path)
    with pytest.raises(UserError, match="/dev/null is there already"):
        CHECK("/dev/null")
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    with pytest.raises(UserError, match="link is there already"):
        CHECK(tmp_path / "link")


def test_a_place_that_takes_no_files_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file/below/m\.json can't be written, since .*file takes no files"):
        CHECK(tmp_path / "file" / "below" / "m.json")


def test_a_folder_that_cannot_be_made_is_called_by_its_own_name(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file/out can't be written, since .*file takes no files"):
        check_folder(tmp_path / "file" / "out", "--out", is_marked_folder("trizoo predict"))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no /proc")
def test_a_place_that_exists_and_takes_no_files_is_refused():
    with pytest.raises(UserError, match=r"/proc/m\.json can't be written, since /proc takes no files"):
        check_place("/proc/m.json")


def test_a_mark_counts_at_both_ends_of_a_file_that_begins_as_its_kind_does(tmp_path):
    path, is_ours = tmp_path / "x", has_mark(b"%PDF", b"by me")
    for content, ours in (
        (b"%PDF by me", True),
        (b"%PDF" + b"." * 100_000 + b"by me", True),
        (b"by me %PDF", False),
        (b"%PDF by you", False),
        (b"%PDF" + b"." * 100_000 + b"by me" + b"." * 100_000, False),
    ):
        path.write_bytes(content)
        assert is_ours(path) == ours, content[:20]
    assert not is_ours(tmp_path / "nothing")


def test_a_folder_is_new_empty_or_marked_by_the_same_command(tmp_path):
    check = partial(check_folder, option="--out", is_ours=is_marked_folder("trizoo predict"))
    check(tmp_path)
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(
        UserError, match="isn't empty and holds no earlier results of this command; name another folder"
    ):
        check(tmp_path)
    with pytest.raises(UserError, match=r"photo\.jpg is a file; --out needs the name of a folder"):
        check(tmp_path / "photo.jpg")
    mark_folder(tmp_path / "new" / "results", "trizoo predict")
    check(tmp_path / "new" / "results")
    mark_folder(Path(tmp_path / "other"), "trizoo else")
    with pytest.raises(UserError, match="holds no earlier results of this command"):
        check(tmp_path / "other")


def test_results_that_somebody_changed_are_known_once_all_were_written(tmp_path):
    path, other = tmp_path / "a.xml", tmp_path / "b.xml"
    path.write_text("corrected", encoding="utf-8")
    mark_folder(tmp_path, "trizoo predict")  # a command that was killed leaves results that are newer
    os.utime(path, ns=(2 * 10**18, 2 * 10**18))
    check_unchanged(tmp_path, [path, other])
    mark_folder(tmp_path, "trizoo predict", whole=True)
    check_folder(tmp_path, "--out", is_marked_folder("trizoo predict"))
    check_unchanged(tmp_path, [other, tmp_path / "missing.xml"])
    with pytest.raises(UserError, match=r"a\.xml was changed after it was written, .* move it, or name another --out"):
        check_unchanged(tmp_path, [other, path])
    os.utime(path, ns=(10**18, 10**18))
    check_unchanged(tmp_path, [path])
