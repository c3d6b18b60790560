import numpy as np
import pytest

from trizoo.gallery.turned import Turned
from trizoo.ground.errors import UserError
from trizoo.tests.galleries import mean_colours


def corner(images, batch_size=8, *, skip=False):
    """A pipeline: the colour of the top left pixel, of length 1."""
    for image in images:
        colour = image[0, 0].astype(np.float32)
        yield colour / np.linalg.norm(colour)


def picture():
    """2x2: red, green, blue, and red again, from the top left on."""
    return np.array([[[9, 0, 0], [0, 9, 0]], [[0, 0, 9], [9, 0, 0]]], np.uint8)


def test_a_vector_is_the_mean_of_four_quarter_turns_of_length_one():
    (vector,) = Turned(corner)([picture()])
    # each corner is top left once: (2, 1, 1) / 4, and of length 1: / sqrt(6 / 16)
    assert vector == pytest.approx(np.array([2, 1, 1]) / np.sqrt(6), abs=1e-6)
    assert vector.dtype == np.float32


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_turned_picture_has_the_vector_of_the_picture(turn):
    first, second = Turned(corner)([picture(), np.rot90(picture(), turn)])
    assert np.array_equal(first, second)


def test_the_network_is_asked_for_batches_of_turns():
    def sizes(images, batch_size, *, skip=False):
        shapes = [image.shape for image in images]
        yield from (np.array([height, width], np.float32) for height, width, _ in shapes)

    wide, high = np.zeros((2, 5, 3), np.uint8), np.zeros((5, 2, 3), np.uint8)
    assert len(list(Turned(sizes)([wide, high], 3))) == 2


def test_pictures_that_cannot_be_read_keep_their_places(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    bad, grey = tmp_path / "bad.png", np.full((4, 4, 3), 200, np.uint8)
    found = list(Turned(mean_colours)([bad, grey, bad, bad, grey, bad], skip=True))
    assert [isinstance(one, UserError) for one in found] == [True, False, True, True, False, True]
    answers = Turned(mean_colours)([grey, bad, grey])
    assert len(next(answers)) == 3
    with pytest.raises(UserError, match=r"bad\.png"):
        next(answers)


def test_no_pictures_have_no_vectors():
    assert list(Turned(corner)([])) == []
