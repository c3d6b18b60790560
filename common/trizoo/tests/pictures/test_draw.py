"""Pictures of boxes: which pixels change, in which colour, at any size."""

import logging
import subprocess
import sys

import numpy as np
import pytest

from trizoo.ground.sample import Detections
from trizoo.pictures import tags
from trizoo.pictures.draw import contact_sheet, draw_boxes, draw_detections
from trizoo.pictures.labels import Label
from trizoo.pictures.palette import class_colours, text_colours


def grey(width, height):
    return np.full((height, width, 3), 90, np.uint8)


def detections(boxes, scores, labels):
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), np.array(labels, np.int64)
    )


def changed(before, after):
    return (before != after).any(axis=2)


def test_class_colours_are_distinct_and_don_t_depend_on_the_number_of_classes():
    colours = class_colours(1000)
    assert colours.shape == (1000, 3)
    assert colours.dtype == np.uint8
    assert len(np.unique(colours, axis=0)) == 1000
    for count in (0, 1, 20, 64, 65, 80, 999):
        np.testing.assert_array_equal(class_colours(count), colours[:count])
    assert class_colours(5000).shape == (5000, 3)


def test_the_first_twenty_colours_are_far_apart():
    colours = class_colours(20).astype(int)
    distance = np.abs(colours[:, None] - colours[None]).max(axis=2) + 1000 * np.eye(20, dtype=int)
    assert distance.min() >= 50


def test_text_has_a_contrast_of_4_5_on_every_colour():
    colours = np.concatenate([class_colours(1000), np.random.default_rng(0).integers(0, 256, (1000, 3), np.uint8)])

    def luminance(colour):  # WCAG 2.1, relative luminance, one colour at a time
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (colour / 255).tolist()]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    inks = text_colours(colours)
    assert set(np.unique(inks)) == {0, 255}
    for colour, ink in zip(colours, inks, strict=True):
        low, high = sorted((luminance(colour), luminance(ink)))
        assert (high + 0.05) / (low + 0.05) > 4.5


def test_a_negative_number_of_classes_is_refused():
    with pytest.raises(ValueError, match="-1"):
        class_colours(-1)


def test_lines_lie_on_the_first_and_last_pixel_of_the_box():
    # [10, 40) x [30, 50): columns 10 to 39, rows 30 to 49; a ring one pixel thick has 2 * 30 + 2 * 18 = 96 pixels.
    image = grey(100, 60)
    picture = draw_boxes(image, np.array([[10.2, 29.8, 39.6, 50.4]], np.float32), [0], ["a"], thickness=1, font_size=40)
    rows, columns = np.nonzero(changed(image, picture))  # a font this large leaves out the label: 40 > 60 / 2
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (30, 49, 10, 39)
    assert len(rows) == 96
    assert (picture[30, 10] == class_colours(1)[0]).all()


def test_thick_lines_stay_within_a_small_box():
    image = grey(40, 40)
    picture = draw_boxes(image, np.array([[10, 10, 13, 12]], np.float32), [0], ["a"], thickness=9, font_size=30)
    rows, columns = np.nonzero(changed(image, picture))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 11, 10, 12)


def test_the_input_is_not_changed_and_may_be_read_only():
    image = grey(64, 48)
    image.flags.writeable = False
    picture = draw_boxes(image[::-1], np.array([[5, 5, 30, 30]], np.float32), [0], ["a"])
    assert (image == 90).all()
    assert (picture != 90).any()
    assert picture.flags.writeable


def test_the_label_is_above_the_box_and_inside_at_the_upper_edge():
    image = grey(400, 400)
    above = changed(image, draw_boxes(image, np.array([[50, 200, 300, 300]], np.float32), [0], ["name"]))
    assert above[190, 55]
    assert not above[210, 60]
    inside = changed(image, draw_boxes(image, np.array([[50, 2, 300, 300]], np.float32), [0], ["name"]))
    assert inside[8, 55]
    assert not inside[:2].any()


def test_a_label_at_the_right_edge_is_moved_into_the_image():
    image = grey(400, 400)
    marks = changed(image, draw_boxes(image, np.array([[390, 200, 400, 300]], np.float32), [0], ["a long name"]))
    assert marks[190, 399]
    assert marks[190, 345]


def test_a_label_shows_the_score():
    image, box = grey(300, 300), [[20, 100, 200, 200]]
    first = draw_detections(image, detections(box, [0.87], [0]), ["a"])
    assert (first != draw_detections(image, detections(box, [0.37], [0]), ["a"])).any()
    assert (first != draw_boxes(image, np.array(box, np.float32), [0], ["a"])).any()
    # Two decimals are shown: 0.871 looks like 0.87.
    np.testing.assert_array_equal(first, draw_detections(image, detections(box, [0.871], [0]), ["a"]))


def test_the_highest_score_is_drawn_last():
    # The upper line of class 0 and the left line of class 1 cross in row 100, column 60; class 2 has the box, and so
    # the place of the label, of class 1. Whatever their order in the arrays, class 1 has the highest score.
    image, colours = grey(300, 300), class_colours(3)
    boxes = np.array([[50, 100, 200, 200], [60, 90, 250, 250], [60, 90, 250, 250]])
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        found = detections(boxes[order], np.array([0.3, 0.9, 0.8])[order], np.array([0, 1, 2])[order])
        picture = draw_detections(image, found, ["a", "b", "c"], font_size=4)
        assert (picture[100, 60] == colours[1]).all()  # lines
        assert (picture[89, 60] == colours[1]).all()  # labels


def test_no_label_covers_another_in_a_crowd(monkeypatch):
    found = []
    monkeypatch.setattr(Label, "draw", lambda self, pen, place, colour, ink: found.append((*place, *self.size)))
    generator = np.random.default_rng(2)
    first = generator.uniform(200, 300, (40, 2))
    boxes = np.concatenate([first, first + generator.uniform(10, 60, (40, 2))], axis=1)
    scores, labels = generator.uniform(0.1, 1, 40), generator.integers(0, 3, 40)
    draw_detections(grey(640, 480), detections(boxes, scores, labels), ["person", "traffic light", "dining table"])
    assert len(found) == 40
    labelled = np.zeros((480, 640), int)
    for left, top, width, height in found:
        labelled[top : top + height, left : left + width] += 1
    assert labelled.max() == 1
    assert labelled.sum() == sum(width * height for _, _, width, height in found)  # all of them in the image


def test_a_label_apart_from_its_box_has_a_line_to_it(monkeypatch):
    monkeypatch.setattr(tags, "place_labels", lambda sizes, boxes, picture: [(10, 10)])
    image = grey(300, 300)
    marks = changed(image, draw_boxes(image, np.array([[100, 200, 200, 280]], np.float32), [0], ["a"], thickness=1))
    # a line from the label, at most 30 pixels a side, to the box's upper left corner: one or two pixels a row
    assert (marks[60:195].sum(axis=1) >= 1).all()
    assert (marks[60:195].sum(axis=1) <= 2).all()


def test_lines_and_letters_grow_with_the_image():
    def marks(size):
        image = grey(size, size)
        box = np.array([[0.2, 0.5, 0.8, 0.9]], np.float32) * size
        return changed(image, draw_boxes(image, box, [0], ["name"])).mean()

    assert marks(2000) == pytest.approx(marks(500), rel=0.15)  # the same share of the picture


def test_boxes_outside_are_left_out_and_boxes_partly_outside_are_cut():
    image = grey(100, 80)
    outside = [[-30, 5, 0, 20], [100, 5, 140, 20], [5, -9, 20, -1], [5, 80, 20, 90]]
    np.testing.assert_array_equal(draw_boxes(image, np.array(outside, np.float32), [0] * 4, ["a"]), image)
    wide = np.array([[-np.inf, -1e9, 1e9, np.inf]], np.float32)
    marks = changed(image, draw_boxes(image, wide, [0], ["a"], thickness=1, font_size=60))
    assert marks[0].all()
    assert marks[-1].all()
    assert marks.sum() == 2 * 100 + 2 * 78


@pytest.mark.parametrize(("width", "height"), [(1, 1), (8, 8), (1000, 12), (12, 1000), (37, 50)])
def test_small_and_narrow_images_keep_their_size(width, height):
    found = detections([[0, 0, width, height], [0.3, 0.3, 0.6, 0.6], [2, 2, 2, 2]], [0.9, 0.5, 0.4], [0, 1, 1])
    picture = draw_detections(grey(width, height), found, ["a name that is longer than the image is wide", "b"])
    assert picture.shape == (height, width, 3)
    assert changed(grey(width, height), picture)[0, 0]


def test_a_large_image_with_a_thousand_classes_is_drawn():
    generator = np.random.default_rng(1)
    first = generator.uniform(-100, [6000, 4000], (200, 2))
    boxes = np.concatenate([first, first + generator.uniform(0, 900, (200, 2))], axis=1)
    found = detections(boxes, np.linspace(1, 0, 200), generator.integers(0, 1000, 200))
    picture = draw_detections(grey(6000, 4000), found, [f"class {k}" for k in range(1000)])
    assert picture.shape == (4000, 6000, 3)


def test_without_detections_the_picture_is_the_image():
    image = grey(30, 20)
    np.testing.assert_array_equal(draw_detections(image, Detections.empty(), ["a"]), image)
    np.testing.assert_array_equal(draw_detections(image, Detections.empty(), []), image)


def test_a_name_without_a_font_is_drawn_as_its_number(caplog):
    image, box = grey(200, 200), np.array([[20, 100, 150, 150]], np.float32)
    with caplog.at_level(logging.WARNING):
        number = draw_boxes(image, box, [0], ["\U0010fffd"])
    assert len(caplog.records) == 1
    np.testing.assert_array_equal(number, draw_boxes(image, box, [0], ["#0"]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": np.zeros((4, 4), np.uint8)}, r"\(4, 4\)"),
        ({"image": np.zeros((4, 4, 3), np.float32)}, "float32"),
        ({"image": np.zeros((0, 4, 3), np.uint8)}, "at least one pixel"),
        ({"image": "a.jpg"}, "str"),
        ({"labels": [2]}, "labels holds 2; 0 to 1"),
        ({"labels": [-1]}, "labels holds -1"),
        ({"labels": [0, 1]}, r"\(1, 2, None\)"),
        ({"scores": [0.1, 0.2]}, r"\(1, 1, 2\)"),
        ({"boxes": np.array([[0, 0, np.nan, 2]])}, "nan in row 0"),
        ({"thickness": 0}, "thickness is 0"),
        ({"font_size": -2}, "font_size is -2"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    arguments = {"image": grey(20, 20), "boxes": np.array([[1, 1, 9, 9.0]]), "labels": [0], "class_names": ["a", "b"]}
    with pytest.raises(ValueError, match=message):
        draw_boxes(**{**arguments, **change})


def test_a_contact_sheet_letterboxes_each_image_on_its_cell():
    wide, tall = np.full((10, 40, 3), 10, np.uint8), np.full((40, 20, 3), 200, np.uint8)
    sheet = contact_sheet([wide, tall, wide], 2, (80, 60), gap=4)
    # Two columns of 80 and two rows of 60 with a gap of 4 between: 164 x 124.
    assert sheet.shape == (124, 164, 3)
    # 40 x 10 at twice its size is 80 x 20: 20 rows of ground above and below.
    assert (sheet[:20, :80] == 128).all()
    assert (sheet[20:40, :80] == 10).all()
    assert (sheet[40:60, :80] == 128).all()
    # 20 x 40 at 1.5 times is 30 x 60: 25 columns of ground on either side of columns 84 + 25 to 84 + 55.
    assert (sheet[:60, 84:109] == 128).all()
    assert (sheet[:60, 109:139] == 200).all()
    assert (sheet[60:64] == 255).all()
    assert (sheet[64:, 80:] == 255).all()  # no fourth image


def test_a_contact_sheet_is_no_wider_than_its_images_and_shrinks_large_ones():
    assert contact_sheet([grey(600, 300)], 5, (30, 30)).shape == (30, 30, 3)
    assert contact_sheet([grey(3, 9000)], 1, (30, 30)).shape == (30, 30, 3)


@pytest.mark.parametrize(("images", "columns", "name"), [([], 2, "number of images"), ([grey(2, 2)], 0, "columns")])
def test_an_empty_contact_sheet_is_refused(images, columns, name):
    with pytest.raises(ValueError, match=f"{name} is 0"):
        contact_sheet(images, columns, (10, 10))


def test_importing_neither_loads_a_framework_nor_matplotlib():
    code = (
        "import sys, trizoo.pictures.draw, trizoo.tasks.writers, trizoo.data.sources\n"
        "print([name for name in ('matplotlib', 'torch', 'tensorflow', 'keras', 'jax') if name in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"
