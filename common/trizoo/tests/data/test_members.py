import os

import pytest

from trizoo.data.members import byte_size, is_member, member_path, open_file


@pytest.fixture
def tar(tmp_path):
    path = tmp_path / "a.tar"
    path.write_bytes(b"0123456789")
    return path


def test_a_member_is_read_as_a_file_of_its_own(tar):
    path = member_path(tar, 2, 5, "in/a.txt")
    assert (path.name, path.suffix, byte_size(path)) == ("a.txt", ".txt", 5)
    assert (is_member(path), is_member(tar)) == (True, False)
    with open_file(path) as file:
        assert file.read() == b"23456"
        assert file.read() == b""
        assert file.seek(-2, os.SEEK_END) == 3
        assert file.read(9) == b"56"
        assert file.seek(1) == 1
        assert file.tell() == 1
        assert file.read(2) == b"34"
        assert file.seek(-1, os.SEEK_CUR) == 2
        assert file.seek(99) == 99
        assert file.read() == b""


def test_other_files_are_read_as_they_are(tar):
    assert (is_member(tar), byte_size(tar)) == (False, 10)
    with open_file(tar) as file:
        assert file.read() == b"0123456789"


def test_a_member_of_a_tar_that_became_shorter_ends_with_it(tar):
    with open_file(member_path(tar, 8, 5, "a.txt")) as file:
        assert file.read() == b"89"


def test_a_member_of_a_tar_that_is_gone_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_file(member_path(tmp_path / "b.tar", 0, 1, "a.txt"))


def test_names_cannot_lead_elsewhere(tar):
    for name in ("../../a\n.txt", "/etc/a\\.txt", "b/.."):
        path = member_path(tar, 0, 1, name)
        assert is_member(path)
        assert path.parent == tar / "0+1"
        assert "\n" not in str(path)
