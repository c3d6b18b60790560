import numpy as np
import pytest

from trizoo.augment.erasing import cutout, grid_mask
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


@pytest.mark.parametrize("operation", [cutout, grid_mask])
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
    ],
)
def test_erasing_names_bad_parameters(operation, parameters, message):
    with pytest.raises(ValueError, match=message):
        operation(white(), np.random.default_rng(0), **parameters)
