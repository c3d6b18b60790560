import threading
from contextlib import suppress
from dataclasses import replace
from functools import partial

import h5py
import numpy as np
import pytest

from trizoo.gallery import file
from trizoo.gallery.file import change, held, load, save
from trizoo.gallery.gallery import Gallery
from trizoo.ground.errors import UserError
from trizoo.ground.lock import Lock
from trizoo.tests.galleries import EMBEDDING, entries, gallery
from trizoo.weights import checkpoint


def test_what_is_written_is_read(tmp_path):
    whole = replace(gallery(names=("cat", "猫", "a/b c")), threshold=0.25, chosen=True, metric="l2")
    save(tmp_path / "g.h5", whole)
    back = load(tmp_path / "g.h5")
    assert (back.names, back.paths, back.embedding) == (whole.names, whole.paths, EMBEDDING)
    assert (back.metric, back.threshold, back.chosen) == ("l2", 0.25, True)
    assert np.array_equal(back.vectors, whole.vectors)
    assert np.array_equal(back.digests, whole.digests)


def test_a_gallery_in_a_models_place_and_a_model_in_a_gallerys_are_called_so(tmp_path):
    save(tmp_path / "g.h5", gallery())
    with pytest.raises(UserError, match=r"g\.h5 is a gallery and no checkpoint; --gallery takes it"):
        checkpoint.load(tmp_path / "g.h5")
    model = checkpoint.Checkpoint(model={"a": np.zeros(1, np.float32)}, recipe={}, framework="fake")
    checkpoint.save(tmp_path / "m.h5", model)
    with pytest.raises(UserError, match=r"m\.h5 is a checkpoint and no gallery"):
        load(tmp_path / "m.h5")


def test_an_empty_gallery_and_no_threshold_are_read(tmp_path):
    save(tmp_path / "g.h5", Gallery(EMBEDDING))
    back = load(tmp_path / "g.h5")
    assert (len(back), back.threshold, back.chosen) == (0, None, False)


def test_a_gallery_of_turned_pictures_says_so_in_a_format_that_older_versions_refuse(tmp_path):
    save(tmp_path / "g.h5", replace(gallery(), turned=True))
    save(tmp_path / "old.h5", gallery())
    assert (load(tmp_path / "g.h5").turned, load(tmp_path / "old.h5").turned) == (True, False)
    with h5py.File(tmp_path / "g.h5") as turned, h5py.File(tmp_path / "old.h5") as old:
        assert (turned.attrs["gallery"], old.attrs["gallery"]) == (2, 1)
        assert "turned" not in old.attrs


def test_the_same_gallery_gives_the_same_bytes_however_it_came_about(tmp_path):
    pictures = entries(30, ("a", "b"))
    save(tmp_path / "at_once.h5", Gallery(EMBEDDING).joined(pictures))
    save(tmp_path / "grown.h5", Gallery(EMBEDDING).joined(pictures[20:]))
    change(tmp_path / "grown.h5", lambda before: before.joined(pictures[:20]))
    assert (tmp_path / "grown.h5").read_bytes() == (tmp_path / "at_once.h5").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["at_once.h5", "grown.h5"]


def joined(new, before):
    return before.joined(new)


def test_many_at_once_lose_no_row(tmp_path):
    save(tmp_path / "g.h5", Gallery(EMBEDDING))

    def add(number):
        for step in range(5):
            new = entries(2, (f"name{number}",), start=100 * number + 2 * step)
            change(tmp_path / "g.h5", partial(joined, new))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert load(tmp_path / "g.h5").counts == {f"name{number}": 10 for number in range(4)}


def test_a_gallery_that_another_process_changes_for_long_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(file, "WAIT", 0.0)
    monkeypatch.setattr(file, "STEP", 0.0)
    lock = Lock(tmp_path / ".g.h5.lock")
    with pytest.raises(UserError, match="is being changed by process"), held(tmp_path / "g.h5"):
        pass
    lock.release()


def test_a_failed_change_leaves_the_file(tmp_path):
    save(tmp_path / "g.h5", gallery())
    before = (tmp_path / "g.h5").read_bytes()
    with pytest.raises(UserError):
        change(tmp_path / "g.h5", lambda whole: whole.without(["nobody"]))
    assert (tmp_path / "g.h5").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["g.h5"]


def test_no_gallery_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"there is no gallery .*build makes one"):
        load(tmp_path / "g.h5")
    (tmp_path / "text.h5").write_text("not a gallery")
    with pytest.raises(UserError, match="is no gallery"):
        load(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["a"] = 1
    with pytest.raises(UserError, match="is an HDF5 file and no gallery"):
        load(tmp_path / "other.h5")
    with pytest.raises(UserError, match="is a folder; the file of a gallery is needed"):
        load(tmp_path)


def broken(tmp_path, change_file):
    save(tmp_path / "g.h5", replace(gallery(), threshold=0.5))
    with h5py.File(tmp_path / "g.h5", "r+") as file:
        change_file(file)
    return tmp_path / "g.h5"


def put(name, value):
    def change_file(file):
        del file[f"gallery/{name}"]
        file[f"gallery/{name}"] = value

    return change_file


def stated(name, value):
    return lambda file: file.attrs.__setitem__(name, value)


@pytest.mark.parametrize(
    ("change_file", "words"),
    [
        (put("labels", np.zeros(3, np.int32)), "aren't of one length"),
        (put("labels", np.full(20, 2, np.int32)), "a picture has no name"),
        (put("labels", np.full(20, -1, np.int32)), "a picture has no name"),
        (put("labels", np.zeros(20, np.int64)), "int32 is needed"),
        (put("vectors", np.full((20, 8), np.nan, np.float32)), "aren't finite"),
        (put("vectors", np.zeros((20, 8, 1), np.float32)), "float32 is needed"),
        (put("digests", np.zeros((20, 4), np.uint8)), "aren't of one length"),
        (put("paths", np.full(4, 65, np.uint8)), "a text has no end"),
        (lambda file: file.pop("gallery/names"), "no array 'names'"),
        (lambda file: file.pop("gallery"), "has no arrays"),
        (stated("gallery", 99), "format 99.*a newer version is needed"),
        (stated("metric", "hamming"), "has the metric 'hamming'"),
        (stated("metric", 3), "no 'metric' of type str"),
        (stated("embedding", "[]"), "doesn't say which model"),
        (stated("embedding", "{" * 100_000), "doesn't say which model"),
        (stated("embedding", '{"model": 1, "sha256": 2, "input_size": 3, "resize": 4}'), "doesn't say which model"),
        (stated("gallery", 0), "its format is 0"),
        (stated("threshold", np.nan), "its threshold is nan"),
        (stated("threshold", 7.0), "its threshold is 7"),
        (put("names", np.frombuffer(b"cat\0cat\0", np.uint8)), "a name is there twice"),
        (put("vectors", np.full((20, 8), 1e30, np.float32)), "aren't of length 1"),
    ],
)
def test_a_damaged_gallery_is_a_sentence(tmp_path, change_file, words):
    with pytest.raises(UserError, match=words):
        load(broken(tmp_path, change_file))


def test_a_file_that_is_cut_short_or_changed_anywhere_is_read_or_a_sentence(tmp_path):
    save(tmp_path / "g.h5", gallery(4, dimensions=2))
    whole = (tmp_path / "g.h5").read_bytes()
    random = np.random.default_rng(0)
    for number in range(300):
        data = bytearray(whole[: random.integers(len(whole))] if number % 3 == 0 else whole)
        if number % 3 and len(data):
            data[random.integers(len(data))] ^= 1 << random.integers(8)
        (tmp_path / "changed.h5").write_bytes(data)
        with suppress(UserError):
            load(tmp_path / "changed.h5")


def test_a_folder_is_no_gallery_to_change(tmp_path):
    for place in (tmp_path, "."):
        with pytest.raises(UserError, match="is a folder; the file of a gallery is needed"):
            change(place, lambda before: before)


def test_a_gallery_without_room_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="can't be written"):
        save(tmp_path / "file" / "g.h5", gallery())
