import numpy as np
import pytest

from trizoo.augment.geometry import flip, keep_visible, random_placement, rotate, vertical_flip
from trizoo.ground.sample import Sample

BOXES = [(10, 20, 60, 50), (70, 5, 110, 40), (20, 60, 100, 85)]  # in 120 x 90


def blank(width, height):
    """A sample without boxes whose mask tells the image (0) from the canvas (255)."""
    image = np.zeros((height, width, 3), np.uint8)
    return Sample(image, np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros((height, width), np.uint8))


def shown(sample):
    """left, top, width, height of the part of the canvas that shows the image; it is a full rectangle."""
    inside = sample.mask != 255
    columns, rows = np.flatnonzero(inside.any(axis=0)), np.flatnonzero(inside.any(axis=1))
    width, height = columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]
    assert inside.sum() == width * height
    return columns[0], rows[0], width, height


def many(count, *arguments, **parameters):
    sample, size = arguments
    return np.array(
        [shown(random_placement(sample, size, np.random.default_rng(seed), **parameters)) for seed in range(count)]
    )


def test_random_placement_keeps_boxes_pixels_and_mask_together(paint, assert_in_step):
    sample = paint((120, 90), BOXES)
    found = [
        assert_in_step(random_placement(sample, size, np.random.default_rng(seed)), 3)
        for size in [(96, 96), (128, 64), (50, 110)]
        for seed in range(100)
    ]
    assert sum(found) > 500  # of 900: the test isn't satisfied by dropping boxes
    assert min(found) < 3  # and some were cropped away


def test_random_placement_without_randomness_is_the_letterboxed_size_somewhere_inside():
    # 120 x 90 -> 80 wide, 60 high, so left = 0 and top is 0 ... 20
    left, top, width, height = many(400, blank(120, 90), (80, 80), jitter=0, scale=(1, 1)).T
    assert (left == 0).all()
    assert (width == 80).all()
    assert (height == 60).all()
    assert set(top.tolist()) == set(range(21))
    assert abs(top.mean() - 10) < 1  # standard error of U{0 ... 20}: 6.06 / sqrt(400) = 0.3


@pytest.mark.parametrize(
    ("original", "size", "expected"),
    [
        ((90, 90), (100, 50), (50, 50)),  # aspect 1 is below the canvas's 2: the height fits first
        ((90, 30), (100, 50), (100, 33)),  # aspect 3 is above it: the width does
        ((30, 90), (50, 100), (33, 100)),
        ((90, 90), (50, 100), (50, 50)),
    ],
)
def test_random_placement_at_scale_one_fits_canvases_that_are_not_square(original, size, expected):
    _, _, *resized = many(1, blank(*original), size, jitter=0, scale=(1, 1))[0]
    assert tuple(resized) == expected


def test_random_placement_scales_the_fitting_side_uniformly():
    widths = many(400, blank(120, 90), (80, 80), jitter=0, scale=(0.25, 1))[:, 2]
    assert widths.min() in range(20, 23)  # 0.25 * 80 = 20
    assert widths.max() in range(78, 81)
    assert abs(widths.mean() - 50) < 3.5  # U(20, 80) has mean 50 and standard error 17.3 / sqrt(400) = 0.87
    assert abs(np.median(widths) - 50) < 5


def test_random_placement_varies_the_aspect_by_a_ratio_of_two_uniform_numbers():
    _, _, width, height = many(400, blank(100, 100), (200, 200), jitter=0.3, scale=(1, 1)).T
    aspect = width / height
    # 0.7 / 1.3 = 0.538 and 1.3 / 0.7 = 1.857 are the ends; log-symmetric, so a median of 1
    assert 0.53 < aspect.min() < 0.65
    assert 1.54 < aspect.max() < 1.87
    assert abs(np.median(aspect) - 1) < 0.06
    assert 0.19 < np.log(aspect).std() < 0.31  # sqrt(2 * 0.6^2 / 12) = 0.245


def test_random_placement_beyond_the_canvas_covers_it():
    placed = many(200, blank(120, 90), (80, 80), jitter=0, scale=(2, 2))  # 160 x 120
    assert (placed == (0, 0, 80, 80)).all()


def test_random_placement_beyond_the_canvas_reaches_every_part_of_the_image():
    # A ramp along the width, twice the canvas: the first column shown tells the offset, 0 ... 80 of 160
    sample = blank(160, 90)
    sample = sample.replace(mask=np.broadcast_to(np.arange(160, dtype=np.uint8), (90, 160)))
    first = [
        random_placement(sample, (80, 80), np.random.default_rng(seed), jitter=0, scale=(2, 2)).mask[40, 0]
        for seed in range(400)
    ]
    assert min(first) == 0
    assert max(first) == 80
    assert abs(np.mean(first) - 40) < 5  # 23.4 / sqrt(400) = 1.2


def test_random_placement_pads_with_grey_outside_the_image():
    placed = random_placement(blank(120, 90), (80, 80), np.random.default_rng(0), scale=(0.25, 0.5))
    assert (placed.image[placed.mask == 255] == 128).all()
    assert (placed.image[placed.mask == 0] == 0).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (2, 700)])
def test_random_placement_of_extreme_images(size):
    for seed in range(20):
        placed = random_placement(blank(*size), (64, 48), np.random.default_rng(seed))
        assert placed.size == (64, 48)
        assert min(shown(placed)[2:]) >= 1


def test_random_placement_of_a_sample_without_boxes_and_mask():
    sample = Sample(np.zeros((9, 8, 3), np.uint8), np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    placed = random_placement(sample, (16, 16), np.random.default_rng(0))
    assert placed.boxes.shape == (0, 4)
    assert placed.labels.shape == (0,)
    assert placed.mask is None


def test_random_placement_drops_boxes_of_which_too_little_is_seen():
    whole = np.array([[0, 0, 120, 90]], np.float32)
    sample = blank(120, 90).replace(boxes=whole, labels=np.array([0]))
    # At scale 2 a quarter of the image is seen.
    for min_visible, count in [(0.0, 1), (0.24, 1), (0.26, 0)]:
        rng = np.random.default_rng(0)
        placed = random_placement(sample, (120, 90), rng, jitter=0, scale=(2, 2), min_visible=min_visible)
        assert len(placed.boxes) == len(placed.labels) == count


@pytest.mark.parametrize(
    "operation",
    [
        lambda rng: random_placement(blank(40, 30), (20, 20), rng),
        lambda rng: random_placement(blank(7, 90), (64, 20), rng, jitter=0, scale=(2, 2)),
    ],
)
def test_random_placement_always_takes_five_draws(operation):
    rng, reference = np.random.default_rng(3), np.random.default_rng(3)
    operation(rng)
    reference.random(5)
    assert rng.random() == reference.random()


@pytest.mark.parametrize("function", [flip, vertical_flip])
@pytest.mark.parametrize("probability", [0, 0.5, 1])
def test_flips_always_take_one_draw(function, probability):
    rng, reference = np.random.default_rng(3), np.random.default_rng(3)
    function(blank(4, 4), rng, probability)
    reference.random()
    assert rng.random() == reference.random()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"jitter": 1}, "jitter is 1"),
        ({"jitter": -0.1}, "jitter is -0.1"),
        ({"scale": (0, 1)}, r"scale is \(0, 1\)"),
        ({"scale": (2, 1)}, r"scale is \(2, 1\)"),
    ],
)
def test_random_placement_names_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        random_placement(blank(4, 4), (8, 8), np.random.default_rng(0), **parameters)


@pytest.mark.parametrize("function", [flip, vertical_flip])
def test_flips_keep_boxes_pixels_and_mask_together(paint, assert_in_step, function):
    flipped = function(paint((120, 90), BOXES), np.random.default_rng(0), 1)
    assert assert_in_step(flipped, 3, tolerance=0) == 3


def test_flip_by_hand(paint):
    # 120 - 60 = 60, 120 - 10 = 110
    flipped = flip(paint((120, 90), BOXES[:1]), np.random.default_rng(0), 1)
    assert flipped.boxes.tolist() == [[60, 20, 110, 50]]
    assert flipped.boxes.dtype == np.float32


def test_vertical_flip_by_hand(paint):
    # 90 - 50 = 40, 90 - 20 = 70
    flipped = vertical_flip(paint((120, 90), BOXES[:1]), np.random.default_rng(0), 1)
    assert flipped.boxes.tolist() == [[10, 40, 60, 70]]


@pytest.mark.parametrize(("function", "axis"), [(flip, 1), (vertical_flip, 0)])
def test_flips_mirror_every_pixel_and_leave_the_input_alone(function, axis):
    rng = np.random.default_rng(0)
    image, mask = rng.integers(0, 256, (31, 57, 3), dtype=np.uint8), rng.integers(0, 256, (31, 57), dtype=np.uint8)
    sample = Sample(image.copy(), np.array([[1, 2, 3, 4]], np.float32), np.array([5]), mask.copy())
    flipped = function(sample, rng, 1)
    assert np.array_equal(flipped.image, np.flip(image, axis))
    assert np.array_equal(flipped.mask, np.flip(mask, axis))
    assert flipped.labels.tolist() == [5]
    assert flipped.image.flags.c_contiguous
    assert flipped.mask.flags.c_contiguous
    assert np.array_equal(sample.image, image)
    assert sample.boxes.tolist() == [[1, 2, 3, 4]]
    twice = function(flipped, rng, 1)
    assert np.array_equal(twice.image, image)
    assert twice.boxes.tolist() == [[1, 2, 3, 4]]


@pytest.mark.parametrize("function", [flip, vertical_flip])
def test_flips_without_mask_and_boxes(function):
    sample = Sample(np.zeros((1, 1, 3), np.uint8), np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    flipped = function(sample, np.random.default_rng(0), 1)
    assert flipped.mask is None
    assert flipped.boxes.shape == (0, 4)


@pytest.mark.parametrize("function", [flip, vertical_flip])
def test_flips_happen_as_often_as_asked(function):
    rng, sample = np.random.default_rng(0), blank(2, 2)
    assert all(function(sample, rng, 0) is sample for _ in range(50))
    assert all(function(sample, rng, 1) is not sample for _ in range(50))
    happened = sum(function(sample, rng, 0.25) is not sample for _ in range(2000))
    assert 420 < happened < 580  # 500 +- 4 standard deviations, sqrt(2000 * 0.25 * 0.75) = 19.4


@pytest.mark.parametrize("function", [flip, vertical_flip])
def test_flips_name_a_bad_probability(function):
    with pytest.raises(ValueError, match=r"probability is 1\.5"):
        function(blank(2, 2), np.random.default_rng(0), 1.5)


def test_keep_visible_clips_and_drops():
    boxes = np.array(
        [
            [10, 10, 20, 20],  # inside
            [-5, -5, 5, 120],  # clipped to 0, 0, 5, 80
            [99, 10, 130, 20],  # 1 pixel of width left: gone
            [98.9, 10, 130, 20],  # 1.1 left: stays
            [10, 79.5, 20, 99],  # half a pixel of height left: gone
            [120, 10, 130, 20],  # outside
            [30, 30, 30, 40],  # without area
        ],
        np.float32,
    )
    kept, labels = keep_visible(boxes, np.arange(7), 100, 80)
    np.testing.assert_allclose(kept, [[10, 10, 20, 20], [0, 0, 5, 80], [98.9, 10, 100, 20]], rtol=1e-6)
    assert labels.tolist() == [0, 1, 3]
    assert kept.dtype == np.float32
    assert boxes[1].tolist() == [-5, -5, 5, 120]


def test_keep_visible_with_another_smallest_side():
    boxes = np.array([[0, 0, 4, 9], [0, 0, 5, 9]], np.float32)
    assert keep_visible(boxes, np.arange(2), 100, 100, min_side=4)[1].tolist() == [1]


def test_keep_visible_by_the_fraction_of_the_area_left():
    # 4 of 10 columns are left, then 5 of 10
    boxes = np.array([[-6, 0, 4, 10], [-5, 0, 5, 10]], np.float32)
    assert keep_visible(boxes, np.arange(2), 100, 100, min_visible=0.5)[1].tolist() == [1]
    assert keep_visible(boxes, np.arange(2), 100, 100)[1].tolist() == [0, 1]


def test_keep_visible_of_nothing():
    boxes, labels = keep_visible(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), 10, 10)
    assert boxes.shape == (0, 4)
    assert labels.shape == (0,)


class AtAngle:
    """A generator whose next angle is this one, in degrees."""

    def __init__(self, angle):
        self.angle = angle

    def random(self):
        return 0.0

    def uniform(self, low, high):
        assert low <= self.angle <= high
        return self.angle


def test_rotate_keeps_boxes_pixels_and_mask_together(paint, assert_in_step):
    sample = paint((160, 140), [(40, 50, 70, 80), (90, 30, 115, 60), (60, 90, 120, 110)])
    for angle in range(-20, 21, 4):
        assert assert_in_step(rotate(sample, AtAngle(angle), 1, degrees=20), 3, tolerance=1.5) == 3


def test_rotate_turns_a_square_to_where_its_label_says():
    square = np.zeros((101, 101), np.uint8)
    square[40:61, 70:91] = 1  # its centre is 30 pixels right of the image's
    sample = Sample(np.repeat(square[..., None] * 200, 3, axis=2), np.array([[70, 40, 91, 61]]), np.array([0]), square)
    for angle in (-60, -10, 25, 90):
        result = rotate(sample, AtAngle(angle), 1, degrees=90)
        rows, columns = np.nonzero(result.mask == 1)
        x, y = 30 * np.cos(np.radians(angle)), -30 * np.sin(np.radians(angle))  # counter-clockwise, with y downwards
        expected = np.array([x + 50.5, y + 50.5])
        assert np.abs([columns.mean() + 0.5, rows.mean() + 0.5] - expected).max() < 0.3
        assert len(rows) == pytest.approx(21 * 21, rel=0.03)
        ((xmin, ymin, xmax, ymax),) = result.boxes
        assert np.abs([(xmin + xmax) / 2, (ymin + ymax) / 2] - expected).max() < 1e-3
        # the hull of a turned square of 21 pixels
        side = 21 * (abs(np.cos(np.radians(angle))) + abs(np.sin(np.radians(angle))))
        assert [xmax - xmin, ymax - ymin] == pytest.approx([side, side], rel=1e-4)


def test_rotate_by_a_right_angle_is_numpys():
    rng = np.random.default_rng(0)
    image, mask = rng.integers(0, 256, (30, 30, 3), np.uint8), rng.integers(0, 21, (30, 30), np.uint8)
    sample = Sample(image, np.array([[2, 3, 10, 8]], np.float32), np.array([4]), mask)
    result = rotate(sample, AtAngle(90), 1, degrees=90)
    inside = np.s_[1:-1, 1:-1]  # the cosine of 90 degrees is 6e-17, so a border pixel may lie outside
    off = result.image.astype(int) - np.rot90(image)
    assert set(np.unique(off[inside])) <= {-1, 0}  # Pillow rounds bilinear values down
    np.testing.assert_array_equal(result.mask[inside], np.rot90(mask)[inside])
    np.testing.assert_allclose(result.boxes, [[3, 20, 8, 28]], atol=1e-4)  # x = y, y = 30 - x
    assert result.labels.tolist() == [4]


def test_rotate_fills_what_comes_in_with_255_and_grey_and_keeps_labels_whole():
    sample = blank(120, 90)
    sample = sample.replace(mask=np.full_like(sample.mask, 7))
    for angle in (-10, 3, 10):
        result = rotate(sample, AtAngle(angle), 1)
        assert set(np.unique(result.mask)) == {7, 255}  # no value in between
        corners = result.mask[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert corners.tolist() == [255] * 4
        assert result.mask[45, 60] == 7
        grey = (result.image == 128).all(axis=2)
        # Pillow reads the nearest pixel in whole numbers of 1 / 65536: at the very border it may decide otherwise
        assert (grey != (result.mask == 255)).sum() <= 2
        # of each corner a triangle is cut; what lies outside is what a turned rectangle doesn't cover
        y, x = np.mgrid[:90, :120] + 0.5 - np.array([45, 60])[:, None, None]
        cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        outside = (np.abs(cosine * x - sine * y) > 60) | (np.abs(sine * x + cosine * y) > 45)
        assert (outside != (result.mask == 255)).sum() <= 2


def test_rotate_fills_with_the_asked_grey():
    assert rotate(blank(20, 20), AtAngle(10), 1, fill=9).image[0, 0].tolist() == [9, 9, 9]


def test_rotate_by_nothing_changes_nothing(paint):
    sample = paint((120, 90), BOXES)
    result = rotate(sample, np.random.default_rng(0), 1, degrees=0)
    np.testing.assert_array_equal(result.image, sample.image)
    np.testing.assert_array_equal(result.mask, sample.mask)
    np.testing.assert_array_equal(result.boxes, sample.boxes)


def test_rotate_drops_a_box_that_left_the_image_or_of_which_too_little_is_left(paint):
    sample = paint((200, 100), [(0, 0, 20, 10), (90, 40, 110, 60)])
    assert rotate(sample, AtAngle(-45), 1, degrees=45).labels.tolist() == [1]
    # by 3 degrees the first box's hull goes from y = -5.2 to 5.9
    assert rotate(sample, AtAngle(-3), 1, min_visible=0.5).labels.tolist() == [0, 1]
    assert rotate(sample, AtAngle(-3), 1, min_visible=0.6).labels.tolist() == [1]


def test_rotate_without_mask_and_boxes():
    result = rotate(blank(20, 10).replace(mask=None), AtAngle(5), 1)
    assert result.mask is None
    assert result.boxes.shape == (0, 4)


def test_rotate_happens_as_often_as_asked_at_angles_from_one_side_to_the_other(paint):
    sample = paint((61, 61), [(40, 28, 45, 33)])  # its centre is 12 pixels right of the image's
    results = [rotate(sample, np.random.default_rng(seed), 0.25, degrees=30) for seed in range(800)]
    turned = [result for result in results if result is not sample]
    assert abs(len(turned) / 800 - 0.25) < 0.06  # 4 standard errors of 0.433 / sqrt(800)
    rises = np.array([30.5 - result.boxes[0, [1, 3]].mean() for result in turned])
    angles = np.degrees(np.arcsin(rises / 12))
    assert abs(angles.mean()) < 5  # 4 standard errors of 17.3 / sqrt(200)
    assert -30.01 <= angles.min() < -25
    assert 25 < angles.max() <= 30.01


@pytest.mark.parametrize("probability", [0, 1])
def test_rotate_always_takes_two_draws_and_leaves_its_input_alone(paint, probability):
    sample, reference = paint((120, 90), BOXES), paint((120, 90), BOXES)
    rng, expected = np.random.default_rng(3), np.random.default_rng(3)
    rotate(sample, rng, probability)
    expected.random(2)
    assert rng.random() == expected.random()
    for name in ("image", "mask", "boxes"):
        np.testing.assert_array_equal(getattr(sample, name), getattr(reference, name))


@pytest.mark.parametrize("degrees", [-1, 181, float("nan")])
def test_rotate_refuses_degrees_out_of_range(degrees):
    with pytest.raises(ValueError, match=f"degrees is {degrees}; a number from 0 to 180 is needed"):
        rotate(blank(4, 4), np.random.default_rng(0), degrees=degrees)


def test_rotate_refuses_a_mask_of_another_size():
    with pytest.raises(ValueError, match=r"mask has shape \(3, 4\); that of the image, \(4, 4\)"):
        rotate(blank(4, 4).replace(mask=np.zeros((3, 4), np.uint8)), np.random.default_rng(0))
