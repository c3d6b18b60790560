import hashlib
import io
import json
import tarfile
import zipfile
from functools import partial

import pytest

from trizoo.commands.main import run
from trizoo.download import manifest
from trizoo.download.datasets import download_dataset
from trizoo.ground.errors import UserError

main = partial(run, "data", prog="trizoo data")

MANIFEST = """
class_lists: {}
normalisations: {}
licences: {}
weights: {}
datasets:
  pets:
    title: Pets
    root: VOCdevkit/VOC2007
    parts:
      trainval: {format: tar, urls: [%s], bytes: %d, checksums: {sha256: "%s"}, trust: good}
      val: {format: zip, urls: [%s], bytes: %d, checksums: {sha256: "%s"}, trust: good}
      names: {format: file, target: VOCdevkit/names.txt, urls: [%s], bytes: %d, checksums: {sha256: "%s"}, trust: good}
      test: {format: tar.gz, urls: [%s], bytes: %d, checksums: {sha256: "%s"}, trust: good, optional: true}
"""


def tar(path, files, mode="w", link=None):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        if link:
            info = tarfile.TarInfo(link)
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(info)
    return path


@pytest.fixture
def pets(tmp_path, monkeypatch):
    """The data set "pets" in a manifest, its archives on this disk: their folder."""
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    paths = [
        tar(mirror / "trainval.tar", {"VOCdevkit/VOC2007/a.txt": b"a"}, link="VOCdevkit/link"),
        mirror / "val.zip",
        mirror / "list.txt",
        tar(mirror / "test.tgz", {"VOCdevkit/VOC2007/t.txt": b"t"}, "w:gz"),
    ]
    with zipfile.ZipFile(paths[1], "w") as archive:
        archive.writestr("VOCdevkit/VOC2007/v.txt", b"v")
    paths[2].write_text("a\n")
    values = [
        value
        for path in paths
        for value in (path.as_uri(), path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
    ]
    (tmp_path / "weights_manifest.yaml").write_text(MANIFEST % tuple(values))
    manifest.read_manifest.cache_clear()
    monkeypatch.setattr(manifest, "PLACES", (tmp_path / "weights_manifest.yaml",))
    monkeypatch.setenv("TRIZOO_HOME", str(tmp_path / "home"))
    yield mirror
    manifest.read_manifest.cache_clear()


def there(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def visible(root):
    return [name for name in there(root) if not name.split("/")[-1].startswith(".")]


WHOLE = ["VOCdevkit/VOC2007/a.txt", "VOCdevkit/VOC2007/v.txt", "VOCdevkit/names.txt"]


def test_all_parts_that_are_not_optional_come(pets, tmp_path):
    said = []
    root = tmp_path / "数据"
    assert download_dataset("pets", root, report=said.append) == root / "VOCdevkit" / "VOC2007"
    assert visible(root) == WHOLE
    assert not (root / "archives").exists()
    assert "pets/trainval: 1 links in the archive left out, such as VOCdevkit/link" in said


def test_what_is_there_is_not_brought_again(pets, tmp_path):
    download_dataset("pets", tmp_path / "root", report=lambda _: None)
    for path in pets.iterdir():
        path.unlink()
    said = []
    download_dataset("pets", tmp_path / "root", report=said.append)
    assert [line.split(";")[0] for line in said] == [
        f"pets {part}: already there" for part in ("trainval", "val", "names")
    ]


def test_parts_come_by_name(pets, tmp_path):
    download_dataset("pets", tmp_path / "root", parts=["test"], report=lambda _: None)
    assert visible(tmp_path / "root") == ["VOCdevkit/VOC2007/t.txt"]
    download_dataset("pets", tmp_path / "root", parts=["val"], report=lambda _: None)
    assert json.loads((tmp_path / "root" / ".trizoo-pets.json").read_text()) == ["test", "val"]


def test_archives_can_be_kept_and_used(pets, tmp_path):
    root = tmp_path / "root"
    download_dataset("pets", root, keep=True, report=lambda _: None)
    assert visible(root / "archives") == ["trainval.tar", "val.zip"]
    (root / ".trizoo-pets.json").unlink()
    (root / "VOCdevkit/VOC2007/a.txt").unlink()
    for path in pets.iterdir():
        path.unlink()
    said = []
    download_dataset("pets", root, keep=True, offline=True, report=said.append)
    assert visible(root) == sorted([*WHOLE, "archives/trainval.tar", "archives/val.zip"])
    assert "pets/val: 0 files unpacked, 1 were there" in said


def test_an_interrupted_unpacking_goes_on(pets, tmp_path):
    root = tmp_path / "root"
    (root / "VOCdevkit/VOC2007").mkdir(parents=True)
    (root / "VOCdevkit/VOC2007/v.txt").write_bytes(b"other")
    with pytest.raises(UserError, match=r"v\.txt is there with other content"):
        download_dataset("pets", root, report=lambda _: None)
    assert visible(root / "archives") == ["val.zip"]
    (root / "VOCdevkit/VOC2007/v.txt").unlink()
    download_dataset("pets", root, report=lambda _: None)
    assert visible(root) == WHOLE


@pytest.mark.parametrize(
    ("name", "parts", "sentence"),
    [
        ("pet", None, r"'pet' is no data set of weights_manifest.yaml \(did you mean pets\?\)"),
        ("pets", ["vall"], r"'vall' is no part of pets \(did you mean val"),
    ],
)
def test_unknown_names_are_sentences(pets, tmp_path, name, parts, sentence):
    with pytest.raises(UserError, match=sentence):
        download_dataset(name, tmp_path / "root", parts=parts)
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize("text", ["{", "\xff"])
def test_a_damaged_marker_is_a_sentence(pets, tmp_path, text):
    root = tmp_path / "root"
    root.mkdir()
    (root / ".trizoo-pets.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"\.trizoo-pets\.json can't be read"):
        download_dataset("pets", root, report=lambda _: None)


def test_the_command_prints_what_data_takes_last(pets, tmp_path, capsys):
    root = tmp_path / "root"
    assert main(["download", "pets", str(root), "--parts", "trainval", "val", "--keep"]) == 0
    assert capsys.readouterr().out == f"{root / 'VOCdevkit' / 'VOC2007'}\n"
    assert main(["download", "pets", str(root), "--offline", "--parts", "val"]) == 0
