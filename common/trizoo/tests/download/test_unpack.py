import errno
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from trizoo.download import unpack as module
from trizoo.download.unpack import Unpacked, unpack
from trizoo.ground.errors import UserError

FILES = {"VOCdevkit/VOC2007/a.txt": b"one", "VOCdevkit/VOC2007/empty": b"", "VOCdevkit/图 片.jpg": b"\xff" * 3000}
KINDS = ("zip", "tar", "tar.gz")


def pack(path, files, kind):
    """An archive with these files, their folders first."""
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("VOCdevkit/", b"")
            for name, content in files.items():
                archive.writestr(name, content)
        return path
    with tarfile.open(path, {"tar": "w", "tar.gz": "w:gz"}[kind]) as archive:
        folder = tarfile.TarInfo("VOCdevkit")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def special(path, name, kind, **fields):
    """A tar with one member of a special type, or a zip with one of a special mode."""
    if path.suffix == ".zip":
        info = zipfile.ZipInfo(name)
        info.external_attr = fields["mode"] << 16
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(info, fields.get("linkname", ""))
        return path
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = fields.get("linkname", "")
    with tarfile.open(path, "w") as archive:
        archive.addfile(info)
    return path


def there(root):
    """Relative name -> content of the files below root, without locks."""
    found = (path for path in root.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


@pytest.fixture
def root(tmp_path):
    return tmp_path / "数据 root"


@pytest.mark.parametrize("kind", KINDS)
def test_files_come_out_as_they_went_in(tmp_path, root, kind):
    archive = pack(tmp_path / "a", FILES, kind)
    assert unpack(archive, root, kind) == Unpacked(3, 0, ())
    assert there(root) == FILES
    assert not (root / ".unpacking.tmp").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_files_that_are_there_whole_stay(tmp_path, root, kind):
    archive = pack(tmp_path / "a", FILES, kind)
    unpack(archive, root, kind)
    (root / "VOCdevkit/VOC2007/a.txt").unlink()
    kept = (root / "VOCdevkit/图 片.jpg").stat()
    assert unpack(archive, root, kind) == Unpacked(1, 2, ())
    assert there(root) == FILES
    assert (root / "VOCdevkit/图 片.jpg").stat().st_ino == kept.st_ino


@pytest.mark.parametrize("content", [b"two", b"on", b"onee", b""])
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_with_other_content_is_not_overwritten(tmp_path, root, kind, content):
    (root / "VOCdevkit/VOC2007").mkdir(parents=True)
    (root / "VOCdevkit/VOC2007/a.txt").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.txt is there with other content"):
        unpack(pack(tmp_path / "a", FILES, kind), root, kind)
    assert (root / "VOCdevkit/VOC2007/a.txt").read_bytes() == content


def test_a_folder_in_the_place_of_a_file_is_a_sentence(tmp_path, root):
    (root / "VOCdevkit/VOC2007/a.txt").mkdir(parents=True)
    with pytest.raises(UserError, match="other content"):
        unpack(pack(tmp_path / "a", FILES, "tar"), root, "tar")


@pytest.mark.parametrize(
    "name", ["../out", "a/../../out", "/out", "//out", "C:/out", "c:out", "..\\out", "a\\..\\..\\out", "a/.."]
)
@pytest.mark.parametrize("kind", KINDS)
def test_names_that_lead_out_are_refused(tmp_path, root, kind, name):
    archive = pack(tmp_path / "a", {"VOCdevkit/first": b"1", name: b"out"}, kind)
    with pytest.raises(UserError, match="leads out of its folder"):
        unpack(archive, root, kind)
    assert there(root) == {"VOCdevkit/first": b"1"}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a", root.name])


@pytest.mark.parametrize("target", ["/etc/passwd", "../a", "VOCdevkit/other"])
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_in_a_tar_are_left_out_and_told(tmp_path, root, kind, target):
    archive = special(tmp_path / "a.tar", "link", kind, linkname=target)
    assert unpack(archive, root, "tar") == Unpacked(0, 0, ("link",))
    assert not os.path.lexists(root / "link")


def test_links_in_a_zip_are_left_out_and_told(tmp_path, root):
    archive = special(tmp_path / "a.zip", "link", None, mode=stat.S_IFLNK | 0o777, linkname="/etc/passwd")
    assert unpack(archive, root, "zip") == Unpacked(0, 0, ("link",))
    assert not os.path.lexists(root / "link")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_in_a_tar_are_refused(tmp_path, root, kind):
    with pytest.raises(UserError, match="a device"):
        unpack(special(tmp_path / "a.tar", "thing", kind), root, "tar")
    assert not (root / "thing").exists()


def test_devices_in_a_zip_are_refused(tmp_path, root):
    with pytest.raises(UserError, match="a device"):
        unpack(special(tmp_path / "a.zip", "thing", None, mode=stat.S_IFCHR | 0o666), root, "zip")


def test_links_that_are_there_are_not_gone_through(tmp_path, root):
    (tmp_path / "elsewhere").mkdir()
    root.mkdir()
    (root / "VOCdevkit").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="reached by a link"):
        unpack(pack(tmp_path / "a", FILES, "tar"), root, "tar")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_root_that_is_itself_a_link_will_do(tmp_path, root):
    (tmp_path / "disk").mkdir()
    root.symlink_to(tmp_path / "disk")
    unpack(pack(tmp_path / "a", FILES, "tar"), root, "tar")
    assert there(tmp_path / "disk") == FILES


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_bombs_are_refused_before_they_go_off(tmp_path, root, kind):
    archive = pack(tmp_path / "a", {"bomb": bytes(30 << 20)}, kind)
    assert archive.stat().st_size < 50_000
    with pytest.raises(UserError, match="not to be believed"):
        unpack(archive, root, kind)
    assert there(root) == {}


def test_too_many_members_are_refused(tmp_path, root, monkeypatch):
    monkeypatch.setattr(module, "MOST_MEMBERS", 3)
    with pytest.raises(UserError, match="3 files"):
        unpack(pack(tmp_path / "a", FILES, "tar"), root, "tar")


@pytest.mark.parametrize("kind", KINDS)
def test_archives_cut_short_are_a_sentence(tmp_path, root, kind):
    archive = pack(tmp_path / "a", {**FILES, "last": os.urandom(40_000)}, kind)
    archive.write_bytes(archive.read_bytes()[:-20_000])
    with pytest.raises(UserError, match=r"is damaged|can't be read"):
        unpack(archive, root, kind)
    assert "last" not in there(root)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_archive_is_a_sentence(tmp_path, root, kind):
    (tmp_path / "a").write_bytes(b"<html>" * 500)
    with pytest.raises(UserError, match=r"^[^\n]+$"):
        unpack(tmp_path / "a", root, kind)


def test_flipped_bytes_in_a_zip_are_found(tmp_path, root):
    archive = pack(tmp_path / "a", {"noise": os.urandom(200_000)}, "zip")
    content = bytearray(archive.read_bytes())
    content[100_000] ^= 1
    archive.write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        unpack(archive, root, "zip")
    assert there(root) == {}


def test_an_encrypted_zip_is_a_sentence(tmp_path, root):
    archive = pack(tmp_path / "a", {"secret": b"x"}, "zip")
    content = bytearray(archive.read_bytes())
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 8] |= 1  # general purpose bit 0 of the last entry: encrypted (APPNOTE 4.4.4)
    content[content.rindex(b"PK\x03\x04") + 6] |= 1
    archive.write_bytes(content)
    with pytest.raises(UserError, match="encrypted"):
        unpack(archive, root, "zip")


def test_a_member_shorter_than_it_says_is_a_sentence(tmp_path, root):
    archive = pack(tmp_path / "a", {"short": b"x" * 100}, "zip")
    content = bytearray(archive.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 24] += 1  # uncompressed size in the central directory (APPNOTE 4.3.12)
    archive.write_bytes(content)
    with pytest.raises(UserError, match="has 100 bytes instead of 101"):
        unpack(archive, root, "zip")
    assert there(root) == {}
    assert not (root / ".unpacking.tmp").exists()


def test_a_full_disk_is_a_sentence_and_going_on_works(tmp_path, root, monkeypatch):
    archive = pack(tmp_path / "a", FILES, "tar")
    replace = Path.replace

    def full(self, target):
        if target.name == "empty":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UserError, match="make room"):
        unpack(archive, root, "tar")
    assert there(root) == {"VOCdevkit/VOC2007/a.txt": b"one"}
    monkeypatch.undo()
    assert unpack(archive, root, "tar") == Unpacked(2, 1, ())


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_wanted_stays_packed(tmp_path, root, kind):
    archive = pack(tmp_path / "a", FILES, kind)
    assert unpack(archive, root, kind, only=lambda name: name.endswith(".txt")) == Unpacked(1, 0, ())
    assert there(root) == {"VOCdevkit/VOC2007/a.txt": b"one"}


@pytest.mark.parametrize(
    ("name", "content", "words"), [("../out", b"", "leads out"), ("bomb", bytes(30 << 20), "not to be believed")]
)
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_what_is_not_wanted_makes_an_archive_refused_all_the_same(tmp_path, root, kind, name, content, words):
    archive = pack(tmp_path / "a", {name: content, "wanted": b"1"}, kind)
    with pytest.raises(UserError, match=words):
        unpack(archive, root, kind, only=lambda name: name == "wanted")
    assert there(root) == {}


def test_an_empty_archive_is_fine(tmp_path, root):
    assert unpack(pack(tmp_path / "a", {}, "tar"), root, "tar") == Unpacked(0, 0, ())


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_is_large_is_not_read(tmp_path, kind):
    """8 GB are announced, of which nothing follows."""
    info = tarfile.TarInfo("a")
    info.type, info.size = kind, 8 << 30
    (tmp_path / "a.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(UserError, match="8,589,934,592 bytes of headers, of which it may have 65,536"):
        unpack(tmp_path / "a.tar", tmp_path / "out", "tar")


def test_what_is_said_of_all_members_is_bounded(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w", pax_headers={f"k{n}": "v" for n in range(2000)}) as archive:
        archive.addfile(tarfile.TarInfo("a"))
    with pytest.raises(UserError, match="more than 1,000 things are said of all members"):
        unpack(tmp_path / "a.tar", tmp_path / "out", "tar")


def test_a_directory_that_is_large_is_not_read(tmp_path, monkeypatch):
    pack(tmp_path / "a.zip", FILES, "zip")
    monkeypatch.setattr(module, "MOST_OF_DIRECTORY", 100)
    with pytest.raises(UserError, match="bytes of headers, of which it may have 100"):
        unpack(tmp_path / "a.zip", tmp_path / "out", "zip")


def test_a_file_without_a_name_is_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo(""))
    with pytest.raises(UserError, match="holds a file without a name"):
        unpack(tmp_path / "a.tar", tmp_path / "out", "tar")
