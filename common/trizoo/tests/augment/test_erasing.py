import numpy as np
import pytest

from trizoo.augment.erasing import cutout, grid_mask, hidden_share, hide_and_seek, random_erasing
from trizoo.ground.sample import Sample

WHITE = 255


def white(width=60, height=40):
    boxes = np.array([[1, 2, 30, 20]], np.float32)
    return Sample(
        np.full((height, width, 3), WHITE, np.uint8), boxes, np.array([7]), np.zeros((height, width), np.uint8)
    )


def holes(sample):
    """bool (H, W): where a white sample was painted over; every other pixel is still white."""
    hidden = (sample.image == 128).all(axis=-1)
    assert (sample.image[~hidden] == WHITE).all()
    return hidden


def runs(line):
    """Lengths of the True stretches in a line of booleans, those that touch its ends left out."""
    edges = np.flatnonzero(np.diff(line.astype(int)))
    starts, ends = edges[~line[edges]], edges[line[edges]]
    ends = ends[ends > starts[0]] if len(starts) else ends[:0]
    return ends - starts[: len(ends)]


@pytest.mark.parametrize("operation", [cutout, grid_mask])
def test_boxes_labels_and_mask_stay_and_the_input_is_untouched(operation):
    sample = white()
    result = operation(sample, np.random.default_rng(0), 1)
    assert result.boxes is sample.boxes
    assert result.labels is sample.labels
    assert result.mask is sample.mask
    assert (sample.image == WHITE).all()
    assert holes(result).any()


def test_a_hole_is_a_rectangle_of_the_asked_size_anywhere_inside():
    places = []
    for seed in range(300):
        hidden = holes(cutout(white(), np.random.default_rng(seed), 1, size=(0.1, 0.3)))
        columns, rows = np.flatnonzero(hidden.any(axis=0)), np.flatnonzero(hidden.any(axis=1))
        width, height = columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]
        assert hidden.sum() == width * height
        assert 6 <= width <= 18  # 0.1 and 0.3 of 60
        assert 4 <= height <= 12  # of 40
        places.append((columns[0], rows[0], columns[-1], rows[-1]))
    assert np.min(places, axis=0)[:2].tolist() == [0, 0]
    assert np.max(places, axis=0)[2:].tolist() == [59, 39]


def test_several_holes_and_a_hole_of_everything():
    hidden = holes(cutout(white(), np.random.default_rng(1), 1, holes=3, size=(0.1, 0.1)))
    assert 24 < hidden.sum() <= 3 * 24  # 6 x 4 each, they may overlap
    assert holes(cutout(white(), np.random.default_rng(0), 1, size=(1, 1))).all()
    assert holes(cutout(white(1, 1), np.random.default_rng(0), 1)).all()  # a pixel at least


def test_the_grid_repeats_in_units_and_leaves_the_asked_share():
    begins = set()
    for seed in range(50):
        hidden = holes(grid_mask(white(240, 160), np.random.default_rng(seed), 1, unit=(0.25, 0.25), keep=0.6))
        # units of 40 pixels, squares of 16: (16 / 40) ** 2 of the image, give or take what the borders cut
        assert abs(hidden.mean() - 0.16) < 0.04
        columns, rows = hidden.any(axis=0), hidden.any(axis=1)
        assert np.array_equal(hidden, np.outer(rows, columns))
        assert set(runs(columns)) | set(runs(rows)) == {16}
        assert set(runs(~columns)) | set(runs(~rows)) == {24}
        begins.add((int(columns.argmax()), int(rows.argmax())))
    assert len(begins) > 30


def test_a_grid_that_keeps_all_or_nothing():
    assert not holes(grid_mask(white(), np.random.default_rng(0), 1, keep=1)).any()
    assert holes(grid_mask(white(), np.random.default_rng(0), 1, keep=0)).all()
    assert grid_mask(white(1, 1), np.random.default_rng(0), 1).size == (1, 1)


@pytest.mark.parametrize(("operation", "count"), [(cutout, 5), (grid_mask, 4)])
@pytest.mark.parametrize("probability", [0, 0.5, 1])
def test_erasing_always_takes_as_many_draws(operation, count, probability):
    for seed in range(4):
        rng, reference = np.random.default_rng(seed), np.random.default_rng(seed)
        operation(white(), rng, probability)
        reference.random(count)
        assert rng.random() == reference.random()


@pytest.mark.parametrize("operation", [cutout, grid_mask, random_erasing, hide_and_seek])
def test_erasing_happens_as_often_as_asked(operation):
    rng, sample = np.random.default_rng(0), white(4, 4)
    happened = sum(operation(sample, rng, 0.25) is not sample for _ in range(800))
    assert 150 < happened < 250  # 200 +- 4 standard deviations, sqrt(800 * 0.25 * 0.75) = 12.2


@pytest.mark.parametrize(
    ("operation", "parameters", "message"),
    [
        (cutout, {"size": (0, 0.5)}, r"size is \(0, 0.5\)"),
        (cutout, {"size": (0.5, 1.5)}, r"size is \(0.5, 1.5\)"),
        (cutout, {"holes": 0}, "holes is 0"),
        (cutout, {"probability": -1}, "probability is -1"),
        (grid_mask, {"unit": (0.5, 0.4)}, r"unit is \(0.5, 0.4\)"),
        (grid_mask, {"keep": 1.1}, r"keep is 1.1"),
        (random_erasing, {"area": (0, 0.5)}, r"area is \(0, 0.5\)"),
        (random_erasing, {"area": (0.5, 1.1)}, r"area is \(0.5, 1.1\)"),
        (random_erasing, {"aspect": (2, 1)}, r"aspect is \(2, 1\)"),
        (random_erasing, {"max_hidden": 1.1}, "max_hidden is 1.1"),
        (random_erasing, {"probability": 2}, "probability is 2"),
        (hide_and_seek, {"patch": (0.3, 0.2)}, r"patch is \(0.3, 0.2\)"),
        (hide_and_seek, {"patch": (0.5, 1.5)}, r"patch is \(0.5, 1.5\)"),
        (hide_and_seek, {"hide": -0.1}, "hide is -0.1"),
        (hide_and_seek, {"max_hidden": -1}, "max_hidden is -1"),
        (hide_and_seek, {"probability": 2}, "probability is 2"),
    ],
)
def test_erasing_names_bad_parameters(operation, parameters, message):
    with pytest.raises(ValueError, match=message):
        operation(white(), np.random.default_rng(0), **parameters)


def grey_erasing(sample, rng, **parameters):
    """Random erasing whose pixels can be told from a white image's."""
    return random_erasing(sample, rng, **parameters, noise=False)


def test_an_erased_rectangle_has_the_asked_area_and_aspect_anywhere_inside():
    places, aspects = [], []
    for seed in range(400):
        hidden = holes(grey_erasing(white(200, 100), np.random.default_rng(seed), probability=1, area=(0.05, 0.1)))
        columns, rows = np.flatnonzero(hidden.any(axis=0)), np.flatnonzero(hidden.any(axis=1))
        width, height = columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]
        assert hidden.sum() == width * height
        assert 0.048 < hidden.mean() < 0.102  # to a rounded pixel a side
        aspects.append(width / height)
        places.append((columns[0], rows[0], columns[-1], rows[-1]))
    assert 0.28 < min(aspects) < 0.35
    assert 3 < max(aspects) < 3.5
    assert 0.4 < np.mean(np.array(aspects) > 1) < 0.6  # wide and high ones alike: 0.3 is about 1 / 3.3
    assert np.min(places, axis=0)[:2].tolist() == [0, 0]
    assert np.max(places, axis=0)[2:].tolist() == [199, 99]


def test_an_erased_side_is_no_longer_than_the_images():
    tall = holes(grey_erasing(white(20, 100), np.random.default_rng(0), probability=1, area=(1, 1), aspect=(3, 3)))
    # 2000 pixels at 3 : 1 would be 77 x 26
    assert tall.any(axis=1).sum() == 26
    assert tall.any(axis=0).all()
    assert holes(grey_erasing(white(1, 1), np.random.default_rng(0), probability=1)).all()


def test_random_pixels_fill_what_is_erased():
    sample = white(100, 100)
    result = random_erasing(sample, np.random.default_rng(4), 1, area=(0.3, 0.3))
    inside = result.image[result.mask == 255]
    assert len(inside) == pytest.approx(3000, rel=0.02)
    assert abs(inside.mean() - 127.5) < 3  # 73.9 / sqrt(9000) = 0.8
    assert (result.image[result.mask != 255] == WHITE).all()


def test_patches_of_one_grid_are_hidden_each_on_its_own():
    shares = []
    for seed in range(100):
        hidden = holes(hide_and_seek(white(60, 44), np.random.default_rng(seed), 1, patch=(0.25, 0.25), max_hidden=1))
        # patches of 0.25 * 44 = 11 pixels: 4 rows, 5 columns and one of 5 pixels
        cells = hidden[::11, ::11]
        assert np.array_equal(hidden, cells.repeat(11, axis=0).repeat(11, axis=1)[:44, :60])
        shares.append(cells)
    shares = np.mean(shares, axis=0)
    assert shares.shape == (4, 6)
    assert abs(shares.mean() - 0.5) < 0.05  # 0.5 / sqrt(2400) = 0.01
    assert shares.min() > 0.3  # 0.5 / sqrt(100) = 0.05
    assert shares.max() < 0.7


def test_patches_are_as_large_as_asked():
    sides = set()
    for seed in range(200):
        hidden = holes(hide_and_seek(white(100, 100), np.random.default_rng(seed), 1, patch=(0.1, 0.2), max_hidden=1))
        edges = np.flatnonzero(np.diff(hidden.astype(int), axis=1).any(axis=0)) + 1
        sides.add(int(np.gcd.reduce(edges)))
    assert min(sides) == 10
    assert max(sides) == 20


def test_all_patches_or_none():
    assert not holes(hide_and_seek(white(), np.random.default_rng(0), 1, hide=0)).any()
    everything = hide_and_seek(white(), np.random.default_rng(0), 1, hide=1)
    assert holes(everything).all()
    assert (everything.mask == 255).all()
    assert len(everything.boxes) == len(everything.labels) == 0
    assert len(hide_and_seek(white(), np.random.default_rng(0), 1, hide=1, max_hidden=1).boxes) == 1
    assert hide_and_seek(white(1, 1), np.random.default_rng(0), 1).size == (1, 1)


@pytest.mark.parametrize("operation", [grey_erasing, hide_and_seek])
def test_the_mask_is_ignored_exactly_where_nothing_is_seen(operation):
    sample = white()
    for seed in range(30):
        result = operation(sample, np.random.default_rng(seed), probability=1)
        assert np.array_equal(result.mask == 255, holes(result))
        assert (result.mask[~holes(result)] == 0).all()
    assert (sample.image == WHITE).all()
    assert (sample.mask == 0).all()
    assert operation(sample.replace(mask=None), np.random.default_rng(0), probability=1).mask is None


@pytest.mark.parametrize(("operation", "parameters"), [(grey_erasing, {"area": (0.1, 0.9)}), (hide_and_seek, {})])
def test_a_box_goes_once_more_than_the_asked_share_is_hidden(operation, parameters):
    boxes = np.array([[0, 0, 60, 40], [3, 4, 13, 12], [40, 20, 45, 38]], np.float32)
    sample, counts = white().replace(boxes=boxes, labels=np.array([5, 6, 7])), set()
    for seed in range(60):
        result = operation(sample, np.random.default_rng(seed), probability=1, max_hidden=0.4, **parameters)
        hidden = holes(result)
        kept = [
            label
            for label, (xmin, ymin, xmax, ymax) in zip((5, 6, 7), boxes.astype(int), strict=True)
            if hidden[ymin:ymax, xmin:xmax].mean() <= 0.4
        ]
        assert result.labels.tolist() == kept
        assert result.boxes.tolist() == boxes[[label - 5 for label in kept]].tolist()
        counts.add(len(kept))
    assert len(counts) >= 3  # the test isn't satisfied by keeping or dropping all


def test_the_hidden_share_of_boxes_by_hand():
    hidden = np.zeros((4, 6), np.uint8)
    hidden[1:3, 2:5] = 1
    boxes = np.array(
        [
            [2, 1, 5, 3],  # the very rectangle
            [0, 0, 6, 4],  # 6 of 24 pixels
            [0, 0, 2, 4],  # beside it
            [1.5, 1, 2.5, 2],  # half of a pixel's width is hidden
            [4.5, 2.5, 5.5, 3.5],  # a quarter of a pixel
            [5, -4, 9, 4],  # in the image 1 x 4, none hidden
            [-3, 0, 4, 2],  # in the image 4 x 2, of which 2 x 1
            [3, 2, 3, 2],  # no area
            [9, 9, 12, 12],  # outside
        ],
        np.float32,
    )
    expected = [1, 0.25, 0, 0.5, 0.25, 0, 0.25, 1, 1]
    np.testing.assert_allclose(hidden_share(boxes, hidden), expected, atol=1e-12)
    assert hidden_share(np.zeros((0, 4), np.float32), hidden).shape == (0,)


@pytest.mark.parametrize("operation", [random_erasing, hide_and_seek])
@pytest.mark.parametrize("probability", [0, 0.5, 1])
def test_hiding_always_takes_one_draw_and_gives_the_same_again(operation, probability):
    for seed in range(4):
        rng, reference = np.random.default_rng(seed), np.random.default_rng(seed)
        first = operation(white(), rng, probability)
        reference.random()
        assert rng.random() == reference.random()
        again = operation(white(), np.random.default_rng(seed), probability)
        assert np.array_equal(first.image, again.image)


@pytest.mark.parametrize("operation", [random_erasing, hide_and_seek])
def test_hiding_refuses_a_mask_of_another_size(operation):
    with pytest.raises(ValueError, match=r"mask has shape \(3, 3\)"):
        operation(white().replace(mask=np.zeros((3, 3), np.uint8)), np.random.default_rng(0), 1)
