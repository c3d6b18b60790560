import numpy as np

from trizoo.pictures.legend import draw_legend
from trizoo.pictures.palette import mask_colours


def test_every_class_but_the_first_has_its_colour_in_the_legend():
    legend = draw_legend(["background", "cat", "dog"], 400)
    assert legend.dtype == np.uint8
    assert legend.shape[1:] == (400, 3)
    for colour in mask_colours(3)[1:]:
        assert (legend == colour).all(axis=2).sum() > 100  # a swatch of 15 x 15 less its edge


def test_what_has_no_room_in_a_row_stands_in_the_next():
    names = [f"class number {k}" for k in range(12)]
    wide, narrow = draw_legend(names, 3000), draw_legend(names, 300)
    assert narrow.shape[0] > 3 * wide.shape[0]
    for colour in mask_colours(12)[1:]:
        assert (narrow == colour).all(axis=2).any()


def test_a_name_longer_than_the_legend_is_cut():
    assert draw_legend(["x" * 200], 100).shape[1] == 100
