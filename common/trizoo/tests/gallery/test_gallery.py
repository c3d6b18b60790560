import numpy as np
import pytest

from trizoo.gallery.gallery import Entry, Gallery, unit
from trizoo.ground.errors import UserError
from trizoo.tests.galleries import EMBEDDING, entries, gallery


def same(one, other):
    assert (one.names, one.paths) == (other.names, other.paths)
    assert np.array_equal(one.vectors, other.vectors)
    assert np.array_equal(one.digests, other.digests)
    return True


def test_rows_are_sorted_by_name_and_path_whenever_they_came():
    pictures = entries(12, ("dog", "ant", "cat"))
    whole = Gallery(EMBEDDING).joined(pictures)
    assert whole.names == ("ant",) * 4 + ("cat",) * 4 + ("dog",) * 4
    assert whole.paths[:4] == ("00001.jpg", "00004.jpg", "00007.jpg", "00010.jpg")
    assert same(whole, Gallery(EMBEDDING).joined(pictures[7:]).joined(pictures[:7]))
    assert same(whole, Gallery(EMBEDDING).joined(pictures[::-1]))


def test_adding_pictures_equals_a_rebuild_exactly():
    before, new = entries(3000, ("a", "b", "c"), 32), entries(1000, ("b", "d"), 32, start=3000)
    assert same(Gallery(EMBEDDING).joined(before).joined(new), Gallery(EMBEDDING).joined([*before, *new]))


def test_removing_what_was_added_gives_the_gallery_of_before():
    before = gallery()
    after = before.joined(entries(5, ("new",), start=20))
    assert after.counts == {"cat": 10, "dog": 10, "new": 5}
    assert same(after.without(["new"]), before)


def test_a_picture_is_there_once_under_a_name():
    one = Entry("cat", "a.jpg", b"1" * 32, np.ones(4, np.float32))
    other = Entry("dog", "a.jpg", b"1" * 32, np.ones(4, np.float32))
    again = Entry("cat", "b.jpg", b"1" * 32, np.ones(4, np.float32))
    assert Gallery(EMBEDDING).joined([one, other, again]).paths == ("a.jpg", "a.jpg")
    assert Gallery(EMBEDDING).joined([one]).joined([again]).counts == {"cat": 1}


def test_vectors_of_a_cosine_gallery_have_length_one():
    assert np.allclose(np.linalg.norm(gallery().vectors, axis=1), 1, atol=1e-6)
    assert unit(np.array([[3, 4], [0, 0]], np.float32)).tolist() == [[np.float32(0.6), np.float32(0.8)], [0, 0]]


def test_keys_stay_whatever_is_added():
    before = gallery()
    after = before.joined(entries(5, ("ant",), start=20))
    key_of = dict(zip(after.paths, after.keys.tolist(), strict=True))
    assert [key_of[path] for path in before.paths] == before.keys.tolist()
    assert len(set(after.keys.tolist())) == 25
    assert (after.keys >= 0).all()


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(UserError, match="holds no picture of 'catt', did you mean 'cat'"):
        gallery().without(["catt"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sha256": "cd" * 32}, "holds vectors of other weights"),
        ({"input_size": [96, 96]}, r"of input size \[64, 64\]"),
        ({"resize": "stretch"}, "of resize letterbox"),
        ({"model": "embed-resnet50"}, "of model embed-resnet18"),
    ],
)
def test_vectors_of_another_model_are_refused(change, words):
    with pytest.raises(UserError, match=words):
        gallery().check_embedding({**EMBEDDING, **change})
    gallery().check_embedding(dict(EMBEDDING))


def test_vectors_of_another_length_and_nan_are_errors():
    with pytest.raises(UserError, match="holds vectors of 8 numbers, and the embedding gives 5"):
        gallery().joined([Entry("a", "a.jpg", b"x" * 32, np.ones(5, np.float32))])
    with pytest.raises(ValueError, match="vectors hold nan"):
        gallery().joined([Entry("a", "a.jpg", b"x" * 32, np.full(8, np.nan, np.float32))])


def test_names_are_removed_however_their_spaces_are_written():
    whole = gallery(names=("red cup", "dog"))
    assert whole.without([" red\ncup"]).counts == {"dog": 10}
