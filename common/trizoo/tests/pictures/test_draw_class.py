import numpy as np

from trizoo.pictures.draw_class import draw_class, draw_classes
from trizoo.pictures.palette import class_colours

NAMES = ("cat", "dog")


def test_names_stand_one_below_the_other():
    image = np.full((200, 200, 3), 90, np.uint8)
    one, both = draw_class(image, 1, NAMES, 0.5), draw_classes(image, [1, 0], NAMES, [0.5, None])
    rows = [np.flatnonzero((both == colour).all(axis=2).any(axis=1)) for colour in class_colours(2)]
    assert rows[1][-1] < rows[0][0]
    assert (both[: rows[1][-1] + 1] == one[: rows[1][-1] + 1]).all()
    assert (image == 90).all()


def test_as_many_names_as_have_room_are_drawn_and_none_of_none():
    image = np.full((30, 200, 3), 90, np.uint8)
    many = draw_classes(image, [0, 1] * 20, NAMES)
    assert (many != image).any()
    assert many.shape == image.shape
    assert (draw_classes(image, [], NAMES) == image).all()
