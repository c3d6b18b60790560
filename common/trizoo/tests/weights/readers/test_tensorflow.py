"""What needs no TensorFlow: which files are checkpoints, archives of them, and what is said without it.

What is read, the tests of tf2_zoo say.
"""

import io
import os
import sys
import tarfile
import tempfile
from functools import partial

import pytest

from trizoo.commands.main import run
from trizoo.ground.errors import UserError
from trizoo.weights.readers import read, tensorflow

main = partial(run, "weights", prog="trizoo weights")

INDEX = b"names and places" * 4 + tensorflow.MAGIC  # which only TensorFlow could tell from a real one
DATA = "deeplab/model.ckpt-30000.data-00000-of-00001"
FILES = {
    "deeplab": None,
    "deeplab/frozen_inference_graph.pb": b"a graph",
    "deeplab/model.ckpt-30000.index": INDEX,
    DATA: b"numbers",
}


def pack(path, files):
    """A .tar.gz; a value of None makes a folder, a text a link to there."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            if content is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
            else:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return path


def lay(folder, files):
    """The files themselves, without the folder that an archive has around them."""
    folder.mkdir()
    for name, content in files.items():
        if content is not None:
            (folder / name.rpartition("/")[2]).write_bytes(content)
    return folder


def refused(path):
    with pytest.raises(UserError, match=r"^[^\n]+$") as caught:
        read(path)
    return str(caught.value)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where archives are unpacked, to be empty again afterwards."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def without(monkeypatch):
    """As if TensorFlow weren't installed."""
    monkeypatch.setitem(sys.modules, "tensorflow", None)


@pytest.mark.parametrize("given", ["model.ckpt-30000", "model.ckpt-30000.index", "", "a.tgz"])
def test_without_tensorflow_a_sentence_says_what_to_install(tmp_path, without, temporary, given):
    folder = lay(tmp_path / "folder", FILES)
    path = pack(tmp_path / "a.tgz", FILES) if given == "a.tgz" else folder / given
    words = (
        "is a checkpoint of TensorFlow's, which only TensorFlow can read; pip install tensorflow, or tensorflow-cpu,"
    )
    assert refused(path) == f"{path} {words} is needed for it"
    assert list(temporary.iterdir()) == []


def test_the_command_takes_a_checkpoint_s_name(tmp_path, without):
    folder = lay(tmp_path / "folder", FILES)
    with pytest.raises(UserError, match=r"model\.ckpt-30000 is a checkpoint of TensorFlow's"):
        main(["convert", str(folder / "model.ckpt-30000"), "--out", str(tmp_path / "out.h5")])


def test_only_the_checkpoint_s_own_files_are_unpacked(tmp_path, temporary, monkeypatch):
    seen = []

    def look(index):
        seen.extend(path.name for path in index.parent.iterdir())
        return {}, {}

    monkeypatch.setattr(tensorflow, "read", look)
    read(pack(tmp_path / "a.tar.gz", FILES | {"deeplab/._model.ckpt-30000.index": b"of macOS"}))
    assert sorted(seen) == [
        "._model.ckpt-30000.index",
        "model.ckpt-30000.data-00000-of-00001",
        "model.ckpt-30000.index",
    ]
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"../model.ckpt.index": INDEX}, "leads out of its folder"),
        ({"/model.ckpt.index": INDEX}, "leads out of its folder"),
        (FILES | {"../../out": b"not wanted, and yet"}, "leads out of its folder"),
        ({"model.ckpt.index": "/etc/passwd"}, "without a checkpoint"),
        (FILES | {DATA: "/etc/passwd"}, "without its data"),
        ({"deeplab": "/etc", "deeplab/model.ckpt.index": INDEX}, "without its data"),
        (FILES | {"bomb.data-00000-of-00001": bytes(30 << 20)}, "not to be believed"),
        (FILES | {"deeplab/graph.pb": bytes(30 << 20)}, "not to be believed"),
        (FILES | {"deeplab/other.ckpt.index": INDEX}, "holds 2 checkpoints, model.ckpt-30000.index and other.ckpt"),
        ({"deeplab/model.ckpt-30000.index": INDEX}, "without its data"),
        ({"deeplab/frozen_inference_graph.pb": b"a graph"}, "without a checkpoint of TensorFlow's; what can be read: "),
        ({}, "without a checkpoint"),
    ],
)
def test_archives_of_others_are_a_sentence(tmp_path, temporary, files, words):
    assert words in refused(pack(tmp_path / "a.tar.gz", files))
    assert list(temporary.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "temporary"]


@pytest.mark.parametrize("cut", [100, 20_000])
def test_an_archive_cut_short_is_a_sentence(tmp_path, temporary, cut):
    path = pack(tmp_path / "a.tar.gz", FILES | {DATA: os.urandom(40_000)})
    path.write_bytes(path.read_bytes()[:-cut])
    assert any(words in refused(path) for words in ("damaged", "can't be read"))
    assert list(temporary.iterdir()) == []


def test_a_folder_of_several_checkpoints_needs_one_of_them(tmp_path):
    folder = lay(tmp_path / "folder", FILES | {"model.ckpt-40000.index": INDEX})
    assert "holds 2 checkpoints, model.ckpt-30000.index and model.ckpt-40000.index" in refused(folder)


def test_parts_of_a_checkpoint_say_which_part_is_needed(tmp_path):
    folder = lay(tmp_path / "folder", FILES)
    assert "the .index file beside it is needed" in refused(folder / "model.ckpt-30000.data-00000-of-00001")
    (folder / "renamed").write_bytes(INDEX)
    assert "NAME.index and beside it NAME.data-00000-of-00001 are needed" in refused(folder / "renamed")
    (folder / "model.ckpt-30000.data-00000-of-00001").unlink()
    assert "without its data" in refused(folder / "model.ckpt-30000")


def test_a_name_that_no_checkpoint_has_is_not_there(tmp_path):
    lay(tmp_path / "folder", FILES)
    assert "No such file" in refused(tmp_path / "folder" / "model.ckpt")
