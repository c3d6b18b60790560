import numpy as np
import pytest

from trizoo.pictures.draw_masks import blend, colours, cut_out, draw_mask, stripes
from trizoo.pictures.palette import mask_colours

MASK = np.array([[0, 1], [255, 2]], np.uint8)
IMAGE = np.full((2, 2, 3), 100, np.uint8)


def test_colours_lie_over_the_classes_and_not_over_background_and_ignored_pixels():
    picture = blend(IMAGE, MASK, alpha=0.5)
    assert picture.dtype == np.uint8
    assert picture[0, 0].tolist() == picture[1, 0].tolist() == [100, 100, 100]
    assert picture[0, 1].tolist() == [114, 50, 50]  # VOC's colour of 1 is 128, 0, 0
    assert picture[1, 1].tolist() == [50, 114, 50]  # of 2: 0, 128, 0


def test_colours_alone_are_vocs():
    assert colours(MASK).tolist() == [[[0, 0, 0], [128, 0, 0]], [[224, 224, 192], [0, 128, 0]]]


def test_a_cut_out_is_transparent_where_there_is_no_object():
    picture = cut_out(IMAGE, MASK)
    assert picture[..., 3].tolist() == [[0, 255], [0, 255]]
    assert np.array_equal(picture[..., :3], IMAGE)


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"mask is uint8 \(2, 2\); uint8 \(3, 2\)"):
        blend(np.zeros((3, 2, 3), np.uint8), MASK)


def test_a_mask_to_judge_lies_faintly_over_its_class_with_its_border_in_full():
    mask = np.zeros((9, 9), np.uint8)
    mask[2:7, 2:7] = 1
    picture = draw_mask(np.full((9, 9, 3), 100, np.uint8), mask, 2)
    colour = mask_colours(2)[1].astype(int)
    assert (picture[mask == 0] == 100).all()
    inside = np.zeros((9, 9), bool)
    inside[3:6, 3:6] = True
    assert (picture[inside] == (100 * 0.55 + colour * 0.45 + 0.5).astype(int)).all()  # 45 % of the colour
    assert (picture[(mask == 1) & ~inside] == colour).all()


def test_an_image_is_grey_under_a_class_and_keeps_its_own_colours_beside_it():
    image = np.full((9, 9, 3), (200, 20, 20), np.uint8)
    mask = np.zeros((9, 9), np.uint8)
    mask[:, 4:] = 1
    picture = draw_mask(image, mask, 2)
    assert (picture[:, :4] == (200, 20, 20)).all()
    # 0.299 * 200 + 0.701 * 20 = 73.8
    assert (picture[:, 5:] == (73.82 * 0.55 + mask_colours(2)[1] * 0.45 + 0.5).astype(int)).all()


def test_borders_are_as_thick_as_the_lines_of_boxes():
    mask = np.zeros((560, 560), np.uint8)
    mask[100:200, 100:200] = 1
    mask[100:200, 200:300] = 2
    picture = draw_mask(np.full((560, 560, 3), 100, np.uint8), mask, 3)
    one, other = mask_colours(3)[1:]
    # 560 / 280 = 2 pixels on either side of column 200, and 2 rows below the upper edge in row 100
    assert [(picture[150, column] == one).all() for column in (197, 198, 199)] == [False, True, True]
    assert [(picture[150, column] == other).all() for column in (200, 201, 202)] == [True, True, False]
    assert [(picture[row, 150] == one).all() for row in (99, 100, 101, 102)] == [False, True, True, False]


def test_a_mask_of_one_class_alone_has_no_border():
    picture = draw_mask(np.full((4, 4, 3), 100, np.uint8), np.ones((4, 4), np.uint8), 2)
    assert (picture == picture[0, 0]).all()


def test_what_is_ignored_is_striped():
    mask = np.zeros((20, 20), np.uint8)
    mask[:, 10:] = 255
    image = np.full((20, 20, 3), 100, np.uint8)
    picture = draw_mask(image, mask, 2)
    assert (picture[:, :10] == 100).all()
    assert (picture[:, 10:] == stripes(image)[:, 10:]).all()
    assert {*np.unique(stripes(image))} == {181, 76}  # 40 + 0.6 * 235 = 181 and 40 + 0.6 * 60 = 76


def test_a_class_beyond_the_last_is_refused():
    with pytest.raises(ValueError, match="mask holds 2; 0 to 1 are classes"):
        draw_mask(IMAGE, MASK, 2)
