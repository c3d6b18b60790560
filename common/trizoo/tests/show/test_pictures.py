import numpy as np
import pytest

from trizoo.ground.sample import Sample
from trizoo.pictures.draw_class import draw_class, draw_classes
from trizoo.pictures.draw_masks import draw_mask
from trizoo.pictures.legend import draw_legend
from trizoo.pictures.palette import class_colours, mask_colours
from trizoo.show.pictures import annotated, large_side, sheet


def sample(width, height, mask=None):
    boxes = np.array([[width / 4, height / 4, width / 2, height / 2]], np.float32)
    return Sample(np.full((height, width, 3), 90, np.uint8), boxes, np.array([1]), mask)


@pytest.mark.parametrize(
    ("size", "shape"), [((64, 48), (480, 640, 3)), ((2000, 1000), (320, 640, 3)), ((10, 640), (640, 10, 3))]
)
def test_every_picture_has_the_same_longer_side(size, shape):
    assert annotated(sample(*size), ("a", "b")).shape == shape


def test_boxes_are_where_they_are_in_the_image():
    picture = annotated(sample(64, 48), ("a", "b"))
    # x10: the box is 16, 12 to 32, 24 -> columns 160 to 319, rows 120 to 239
    colour = class_colours(2)[1]
    rows, columns = np.nonzero((picture == colour).all(axis=2))
    assert (columns.min(), columns.max(), rows.max()) == (160, 319, 239)
    assert (picture[239, 160:320] == colour).all()


def test_masks_keep_their_class_ids_at_any_size():
    mask = np.zeros((48, 64), np.uint8)
    mask[:, 32:] = 2
    picture = annotated(sample(64, 48, mask), ("a", "b", "c"))
    assert picture.shape == (480, 640, 3)
    assert (picture[:, :320] == 90).all()
    assert (picture[:, 320] == mask_colours(3)[2]).all()
    np.testing.assert_array_equal(picture[::10, 400], draw_mask(sample(64, 48).image, mask, 3)[:, 40])


def test_an_image_has_the_names_of_its_classes_and_a_blended_one_their_shares():
    names, grey = ("a", "b"), np.full((480, 640, 3), 90, np.uint8)
    alone, blended = (sample(64, 48).replace(shares=shares) for shares in ({1: 1.0}, {0: 0.25, 1: 0.75}))
    np.testing.assert_array_equal(annotated(alone, names), draw_class(grey, 1, names))
    np.testing.assert_array_equal(annotated(blended, names), draw_classes(grey, [1, 0], names, [0.75, 0.25]))
    np.testing.assert_array_equal(annotated(sample(64, 48).replace(shares={}), names), grey)


def test_an_image_alone_is_large_but_not_larger_than_it_need_be():
    assert large_side((64, 48)) == 1280
    assert large_side((1400, 1000)) == 1400
    assert large_side((3000, 4000)) == 1600


def test_a_sheet_of_masks_has_its_legend_below():
    pictures = [np.zeros((640, 640, 3), np.uint8)] * 5
    plain, legend = sheet(pictures), sheet(pictures, ("a", "b"))
    assert plain.shape == (2 * 480 + 4, 4 * 480 + 3 * 4, 3)  # square cells as the pictures are
    np.testing.assert_array_equal(legend[: len(plain)], plain)
    np.testing.assert_array_equal(legend[len(plain) :], draw_legend(("a", "b"), 1932))
