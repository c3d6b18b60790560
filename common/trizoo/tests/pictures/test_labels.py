"""Labels: their places at boxes, never one over another."""

import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw

from trizoo.pictures.fonts import default_font, load_font
from trizoo.pictures.labels import leader, make_label, place_labels

FREE = (10**6, 10**6)  # a picture in which everything has room


def rectangles(sizes, places):
    """left, top, right, bottom, the last two exclusive, of those that have a place."""
    return [
        (left, top, left + size[0], top + size[1])
        for size, place in zip(sizes, places, strict=True)
        if place is not None
        for left, top in [place]
    ]


def overlap(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def assert_apart(found, picture):
    assert [pair for pair in itertools.combinations(found, 2) if overlap(*pair)] == []
    for left, top, right, bottom in found:
        assert left >= 0
        assert top >= 0
        assert right <= picture[0]
        assert bottom <= picture[1]


@pytest.mark.parametrize("seed", range(5))
def test_labels_of_forty_crowded_boxes_are_all_there_and_none_lies_on_another(seed):
    random, picture = np.random.default_rng(seed), (640, 480)
    first = random.integers(150, 350, (40, 2))  # all of them within 250 pixels
    boxes = np.concatenate([first, first + random.integers(5, 50, (40, 2))], axis=1)
    sizes = [(int(width), 17) for width in random.integers(30, 90, 40)]
    places = place_labels(sizes, boxes.tolist(), picture)
    assert None not in places
    assert_apart(rectangles(sizes, places), picture)


def test_boxes_in_one_place_have_their_labels_around_it_in_order():
    # box: columns 100 to 199, rows 100 to 199; labels 40 x 10, which keep a pixel apart from one another
    places = place_labels([(40, 10)] * 4, [(100, 100, 199, 199)] * 4, FREE)
    assert places[0] == (100, 90)  # above; inside at the top, and left of the box, would touch that
    assert places[1] == (100, 200)  # below
    assert places[2] == (200, 100)  # right of it; above, at the right end, would touch that
    assert places[3] == (160, 200)  # below at its right end: 200 - 40


def test_a_label_is_inside_where_there_is_no_room_above_and_below_a_box_too_small_for_it():
    assert place_labels([(40, 10)], [(20, 4, 119, 99)], (200, 200)) == [(20, 4)]
    assert place_labels([(40, 10)], [(20, 4, 39, 15)], (200, 200)) == [(20, 16)]  # 20 x 12 holds no 40 x 10


def test_labels_at_the_edges_are_moved_into_the_picture():
    # right edge: 200 - 40 = 160; the lower edge has room above
    assert place_labels([(40, 10)], [(190, 50, 199, 90)], (200, 200)) == [(160, 40)]
    assert place_labels([(40, 10)], [(0, 190, 9, 199)], (200, 200)) == [(0, 180)]


def test_the_first_has_the_first_choice():
    sizes, boxes = [(40, 10), (40, 10)], [(50, 50, 90, 90), (60, 52, 100, 92)]
    first, second = place_labels(sizes, boxes, FREE)
    assert first == (50, 40)
    assert second != (60, 42)
    first, second = place_labels(sizes, boxes[::-1], FREE)
    assert first == (60, 42)


def test_a_label_without_a_usual_place_takes_the_nearest_and_a_line_leads_there():
    picture, box = (100, 100), (40, 40, 49, 49)
    # twelve labels of 30 x 12 are more than have room at the sides of one box of 10 x 10
    sizes = [(30, 12)] * 12
    places = place_labels(sizes, [box] * 12, picture)
    assert None not in places
    assert_apart(rectangles(sizes, places), picture)
    lines = [leader(place, size, box) for place, size in zip(places, sizes, strict=True)]
    assert lines[:2] == [None] * 2  # above and below
    ends = [line[1] for line in lines if line]
    assert len(ends) >= 4
    assert all(40 <= x <= 49 and 40 <= y <= 49 for x, y in ends)


@pytest.mark.parametrize("seed", range(40))
def test_where_any_place_is_left_it_is_found(seed):
    """Against a search of every pixel of a small picture."""
    random, picture = np.random.default_rng(seed), (24, 16)
    sizes = [(int(w), int(h)) for w, h in zip(random.integers(2, 9, 25), random.integers(2, 6, 25), strict=True)]
    first = random.integers(0, 14, (25, 2))
    boxes = np.concatenate([first, first + random.integers(0, 3, (25, 2))], axis=1).tolist()
    places = place_labels(sizes, boxes, picture)
    assert_apart(rectangles(sizes, places), picture)
    taken = np.zeros((picture[1], picture[0]), bool)  # labels and the pixel around them
    for (width, height), place in zip(sizes, places, strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(taken, (height, width))
        assert (place is None) == bool(windows.any((2, 3)).all())
        if place is not None:
            left, top = place
            taken[max(0, top - 1) : top + height + 1, max(0, left - 1) : left + width + 1] = True


def test_a_full_picture_leaves_labels_out():
    places = place_labels([(50, 10)] * 30, [(0, 0, 5, 5)] * 30, (60, 60))
    assert places.count(None) == 30 - 5  # one above another with a pixel between: 5 * 10 + 4 of 60 rows
    assert place_labels([(70, 10)], [(0, 0, 5, 5)], (60, 60)) == [None]


def test_nothing_has_no_labels():
    assert place_labels([], [], (10, 10)) == []


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ((100, 85), ((119, 94), (119, 100))),  # 10 rows that end in row 94; the box begins in row 100
        ((100, 90), None),  # touches it from above
        ((230, 150), ((230, 154), (199, 154))),  # at the right
        ((50, 50), ((89, 59), (100, 100))),  # obliquely, corner to corner
        ((120, 120), ((120, 124), (100, 124))),  # within, nearest to the left side
        ((120, 100), None),  # within, at the upper side
    ],
)
def test_a_leader_is_the_shortest_line(place, line):
    assert leader(place, (40, 10), (100, 100, 199, 199)) == line


def test_a_text_is_cut_to_fit_and_its_ending_kept():
    font = load_font(default_font(), 12)
    whole = make_label("a long name", font, (400, 100), " 0.50")
    assert whole.text == "a long name 0.50"
    cut = make_label("a long name", font, (80, 100), " 0.50")
    assert cut.text.endswith("… 0.50")
    assert cut.size[0] <= 80
    assert make_label("a long name", font, (20, 100), " 0.50") is None
    assert make_label("a", font, (400, 20)) is None  # higher than half of the picture


def test_a_label_fills_its_place_and_no_more():
    label = make_label("name", load_font(default_font(), 20), (200, 100))
    picture = Image.new("RGB", (200, 100))
    label.draw(ImageDraw.Draw(picture), (30, 40), (255, 0, 0), (255, 255, 255))
    rows, columns = np.nonzero(np.asarray(picture).any(axis=2))
    width, height = label.size
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (40, 39 + height, 30, 29 + width)
    assert (np.asarray(picture)[40:, 30:] == 255).all(axis=2).any()  # letters
