import cv2
import numpy as np
import pytest

from trizoo.augment.letterbox import (
    Placement,
    as_size,
    fit,
    in_one_size,
    letterbox,
    paste,
    paste_image,
    paste_mask,
    place_sample,
    resize,
    resized,
    stretch,
)
from trizoo.ground.sample import Sample

BOXES = [(10, 20, 60, 50), (70, 5, 110, 40), (20, 60, 100, 85)]  # in 120 x 90


def noise(width, height, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def random_placements(count):
    rng = np.random.default_rng(1)
    for _ in range(count):
        original, canvas, resized = (tuple(map(int, rng.integers(1, 900, 2))) for _ in range(3))
        yield Placement(original, canvas, resized, int(rng.integers(-500, 500)), int(rng.integers(-500, 500))), rng


def test_fit_of_a_wide_image_pads_above_and_below():
    # 416 / 640 = 0.65; 480 * 0.65 = 312; (416 - 312) / 2 = 52
    assert fit((640, 480), (416, 416)) == Placement((640, 480), (416, 416), (416, 312), 0, 52)


def test_fit_of_a_tall_image_pads_left_and_right_and_the_odd_pixel_goes_right():
    # 30 / 60 = 0.5; 41 * 0.5 = 20.5 -> 20 (to even); (31 - 20) // 2 = 5, so 6 are left on the right
    assert fit((41, 60), (31, 30)) == Placement((41, 60), (31, 30), (20, 30), 5, 0)


@pytest.mark.parametrize(
    ("original", "resized"), [((1, 5000), (1, 416)), ((5000, 1), (416, 1)), ((1, 1), (416, 416)), ((3, 2), (416, 277))]
)
def test_fit_of_extreme_sizes_keeps_at_least_a_pixel(original, resized):
    assert fit(original, (416, 416)).resized == resized


def test_fit_always_lies_inside_and_touches_two_opposite_sides():
    rng = np.random.default_rng(0)
    for original in rng.integers(1, 2000, (300, 2)).tolist():
        canvas = tuple(rng.integers(1, 700, 2).tolist())
        placement = fit(original, canvas)
        padding = np.subtract(placement.canvas, placement.resized)
        assert padding.min() == 0
        assert (padding - 2 * np.array([placement.left, placement.top])).max() <= 1  # centred


def test_forward_by_hand():
    # x * 0.65; y * 0.65 + 52
    boxes = fit((640, 480), (416, 416)).forward([[100.0, 50, 300, 250]])
    np.testing.assert_allclose(boxes, [[65, 84.5, 195, 214.5]], rtol=1e-6)


def test_scale_follows_the_whole_pixels_and_not_the_ideal_ratio():
    # 100 * 50 / 101 = 49.5 -> 50 pixels, so y is scaled by exactly 0.5 although x is by 50 / 101
    placement = fit((101, 100), (50, 50))
    assert (placement.scale_x, placement.scale_y) == (50 / 101, 0.5)


def test_forward_of_the_whole_image_is_the_resized_image_exactly():
    for placement, _ in random_placements(300):
        (width, height), left, top = placement.resized, placement.left, placement.top
        whole = placement.forward(np.array([[0, 0, *placement.original]], np.float32))
        assert whole.tolist() == [[left, top, left + width, top + height]]


def test_inverse_undoes_forward():
    for placement, rng in random_placements(300):
        boxes = rng.uniform(-50, 950, (20, 4)).astype(np.float32)
        back = placement.inverse(placement.forward(boxes))
        assert back.dtype == np.float32
        # float32 holds a canvas coordinate to 6e-8 of its size; the inverse divides that by the scale
        scale = min(placement.scale_x, placement.scale_y)
        largest = np.abs(placement.forward(boxes)).max()
        np.testing.assert_allclose(back, boxes, atol=1e-4 + 1.3e-7 * largest / scale)


def test_inverse_clips_on_request_to_the_original():
    placement = fit((640, 480), (416, 416))
    canvas = np.array([[0, 0, 416, 416]], np.float32)
    np.testing.assert_allclose(placement.inverse(canvas), [[0, -80, 640, 560]])  # 52 / 0.65 = 80
    assert placement.inverse(canvas, clip=True).tolist() == [[0, 0, 640, 480]]


def test_boxes_keep_shape_and_dtype():
    placement = fit((640, 480), (416, 416))
    assert placement.forward(np.zeros((0, 4), np.float32)).shape == (0, 4)
    assert placement.inverse(np.zeros((2, 3, 4), np.float32)).shape == (2, 3, 4)
    assert placement.forward(np.zeros((1, 4), np.float64)).dtype == np.float64


def test_letterbox_pads_with_grey_and_only_there():
    image, placement = letterbox(np.full((480, 640, 3), 7, np.uint8), (416, 416))
    assert (image[:52] == 128).all()
    assert (image[52:364] == 7).all()
    assert (image[364:] == 128).all()
    assert (placement.left, placement.top) == (0, 52)


def test_letterbox_takes_another_fill():
    image, _ = letterbox(np.full((2, 4, 3), 7, np.uint8), (4, 4), fill=0)
    assert image[:, 0, 0].tolist() == [0, 7, 7, 0]


def test_stretch_fills_the_canvas():
    image, placement = stretch(np.full((480, 640, 3), 7, np.uint8), (300, 200))
    assert image.shape == (200, 300, 3)
    assert (image == 7).all()
    assert placement == Placement((640, 480), (300, 200), (300, 200), 0, 0)


@pytest.mark.parametrize("policy", ["letterbox", "stretch"])
def test_the_same_size_keeps_every_pixel_in_a_new_array(policy):
    original = noise(57, 31)
    image, _ = resize(original, (57, 31), policy)
    assert np.array_equal(image, original)
    assert not np.shares_memory(image, original)


def test_the_fitting_side_alone_keeps_every_pixel():
    original = noise(57, 31)
    image, placement = letterbox(original, (57, 57))
    assert placement.resized == (57, 31)
    assert np.array_equal(image[13:44], original)


def test_resize_goes_by_the_policy():
    image = noise(64, 48)
    for policy, function in (("letterbox", letterbox), ("stretch", stretch)):
        resized, placement = resize(image, (40, 40), policy)
        expected, expected_placement = function(image, (40, 40))
        assert np.array_equal(resized, expected)
        assert placement == expected_placement


def test_an_unknown_policy_is_named_with_those_that_exist():
    with pytest.raises(ValueError, match="'crop'; one of letterbox, stretch"):
        resize(noise(4, 4), (8, 8), "crop")


@pytest.mark.parametrize("size", [(0, 5), (5, -1), (5.5, 5), 416, (1, 2, 3), None, "ab"])
def test_a_bad_size_is_named(size):
    with pytest.raises(ValueError, match=r"size is .*\(width, height\) in whole pixels"):
        letterbox(noise(4, 4), size)


def test_as_size_takes_lists_and_numpy_integers():
    assert as_size([np.int64(3), 4]) == (3, 4)


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), "u1")]
)
def test_a_bad_image_is_named_with_its_shape(image):
    with pytest.raises(ValueError, match="uint8"):
        letterbox(image, (8, 8))


def test_a_bad_fill_is_named():
    with pytest.raises(ValueError, match="fill is 256"):
        letterbox(noise(4, 4), (8, 8), fill=256)


def test_an_image_of_another_size_than_the_placements_is_an_error():
    with pytest.raises(ValueError, match=r"image has size \(4, 5\); the placement's, \(5, 4\)"):
        paste_image(noise(4, 5), fit((5, 4), (8, 8)))


def test_downscaling_averages_instead_of_dropping_pixels():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    image, _ = stretch(stripes, (8, 8))
    assert np.abs(image.astype(int) - 127).max() <= 20  # without antialiasing every pixel would be 0, 127 or 255 alike
    assert abs(image.mean() - 127.5) < 2


@pytest.mark.parametrize("size", [(97, 61), (240, 180), (30, 40), (120, 90), (300, 20)])
@pytest.mark.parametrize("policy", ["letterbox", "stretch"])
def test_place_sample_keeps_boxes_pixels_and_mask_together(paint, assert_in_step, size, policy):
    placed, placement = place_sample(paint((120, 90), BOXES), size, policy)
    assert placed.size == placement.canvas == size
    # A pixel of the mask spans one pixel of the original, so upscaling to 300 wide moves an edge by up to 1.25.
    assert assert_in_step(placed, 3, tolerance=max(1, 0.5 * placement.scale_x)) == 3


def test_place_sample_pads_the_mask_with_255(paint):
    placed, placement = place_sample(paint((120, 90), BOXES), (60, 60))
    assert placement.top == 7  # 90 / 2 = 45; (60 - 45) // 2
    assert (placed.mask[:7] == 255).all()
    assert (placed.mask[52:] == 255).all()
    assert (placed.mask[7:52] != 255).all()


def test_place_sample_keeps_ignored_pixels_ignored():
    sample = Sample(noise(8, 8), np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.full((8, 8), 255, np.uint8))
    assert (place_sample(sample, (5, 9), "stretch")[0].mask == 255).all()


def test_place_sample_keeps_rows_of_boxes_that_vanish():
    boxes = np.array([[0, 0, 1, 1], [0, 0, 1000, 1000]], np.float32)
    sample = Sample(noise(1000, 1000), boxes, np.array([3, 4]))
    placed, _ = place_sample(sample, (10, 10))
    np.testing.assert_allclose(placed.boxes, boxes / 100, rtol=1e-6)
    assert placed.labels.tolist() == [3, 4]
    assert placed.mask is None


def test_place_sample_without_boxes():
    placed, _ = place_sample(Sample(noise(9, 5), np.zeros((0, 4), np.float32), np.zeros(0, np.int64)), (7, 7))
    assert placed.boxes.shape == (0, 4)
    assert placed.boxes.dtype == np.float32


def test_a_mask_of_another_shape_is_an_error():
    sample = Sample(noise(4, 5), np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros((4, 5), np.uint8))
    with pytest.raises(ValueError, match=r"mask has shape \(4, 5\); that of the image, \(5, 4\)"):
        place_sample(sample, (8, 8))


@pytest.mark.parametrize(
    ("size", "left", "top"), [((90, 70), -25, -31), ((90, 70), 5, -40), ((17, 70), 20, -3), ((61, 9), -10, 12)]
)
def test_what_sticks_out_is_cut_off_the_resized_image(size, left, top):
    image = noise(41, 31)
    placement = Placement((41, 31), (48, 36), size, left, top)
    for part, function, fill in ((image, paste_image, 128), (image[..., 0], paste_mask, 255)):
        expected = np.full((36 + 200, 48 + 200, *part.shape[2:]), fill)  # a canvas with room for what sticks out
        whole = function(part, Placement((41, 31), size, size, 0, 0))
        expected[100 + top : 100 + top + size[1], 100 + left : 100 + left + size[0]] = whole
        assert np.array_equal(expected[100:136, 100:148], function(part, placement))


def weights(old, new):
    """What part of each old pixel is in each new one of a side, by the rule in `resized`: (new, old), rows sum to 1."""
    blocks = max(1, round(old / new))
    between = new * blocks
    places = np.clip((np.arange(between) + 0.5) * old / between - 0.5, 0, old - 1)
    bilinear = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(old)))
    return bilinear.reshape(new, blocks, old).mean(axis=1)


@pytest.mark.parametrize("width", [10, 41, 63, 64, 83, 100, 160, 333, 500])
@pytest.mark.parametrize("height", [12, 50, 75, 90, 151, 240])
def test_images_are_resized_as_the_weights_of_their_pixels_say(width, height):
    image, size = noise(width, height), (63, 50)
    down, across = weights(height, size[1]), weights(width, size[0])
    expected = np.einsum("hy,wx,yxc->hwc", down, across, image, optimize=True)
    # each of the two steps rounds, and OpenCV's bilinear weights are whole parts of 2048
    assert np.abs(resized(image, size) - expected).max() <= 1.5
    assert across.sum(axis=0).min() > 0.35 * min(1, 63 / width)  # no pixel is left out


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_a_whole_shrinkage_is_the_mean_of_blocks(factor):
    image = noise(12 * factor, 9 * factor)
    mean = image.reshape(9, factor, 12, factor, 3).mean(axis=(1, 3))
    assert np.abs(resized(image, (12, 9)) - mean).max() <= 0.5 + 1e-6
    mean = image[:9].reshape(9, 12, factor, 3).mean(axis=2)
    assert np.abs(resized(image[:9], (12, 9)) - mean).max() <= 0.5 + 1e-6


def test_enlarging_reads_bilinearly_at_pixel_centres():
    # 2 -> 4: the centres lie at 0.25, 0.75, 1.25, 1.75 of the original, whose own are at 0.5 and 1.5
    image = np.repeat(np.array([[[0], [100]]], np.uint8), 3, axis=2)
    assert resized(image, (4, 1))[0, :, 0].tolist() == [0, 25, 75, 100]


def test_resizing_shifts_nothing():
    """The centre of a spot stays where it is on the canvas, to a tenth of a pixel, whatever the factor."""
    for side in (24, 37, 60, 96, 119, 150, 250):
        image = np.zeros((96, 96, 3), np.uint8)
        image[20:60, 30:90] = 200
        result = resized(image, (side, side))[..., 0].astype(float)
        centres = (np.arange(side) + 0.5) * 96 / side
        assert (result.sum(axis=0) @ centres) / result.sum() == pytest.approx(60, abs=0.1)
        assert (result.sum(axis=1) @ centres) / result.sum() == pytest.approx(40, abs=0.1)


def test_pixels_do_not_depend_on_the_number_of_threads():
    image, found = noise(640, 480), []
    before = cv2.getNumThreads()
    for threads in (1, 4):
        cv2.setNumThreads(threads)
        found.append([resized(image, size) for size in ((416, 312), (208, 300), (900, 700))])
    cv2.setNumThreads(before)
    assert all(np.array_equal(one, other) for one, other in zip(*found, strict=True))


def test_masks_are_sampled_at_pixel_centres():
    # 4 -> 2: the centres 0.5 and 1.5 lie at 1.0 and 3.0 of the original; 2 -> 5: at 0.2, 0.6, 1.0, 1.4, 1.8
    mask = np.array([[10, 11, 12, 13]], np.uint8)
    assert paste_mask(mask, fit((4, 1), (2, 1), "stretch")).tolist() == [[11, 13]]
    assert paste_mask(mask[:, :2], fit((2, 1), (5, 1), "stretch")).tolist() == [[10, 10, 11, 11, 11]]


@pytest.mark.parametrize(("left", "top"), [(20, 0), (-10, 0), (0, 8), (0, -30)])
def test_an_image_beside_the_canvas_leaves_it_empty(left, top):
    boxes, labels = np.array([[0, 0, 5, 5]], np.float32), np.array([0])
    sample = Sample(noise(5, 5), boxes, labels, np.zeros((5, 5), np.uint8))
    pasted = paste(sample, Placement((5, 5), (20, 8), (10, 8), left, top))
    assert (pasted.image == 128).all()
    assert (pasted.mask == 255).all()


def test_results_are_new_writable_arrays_and_the_input_is_untouched(paint):
    sample = paint((120, 90), BOXES)
    before = sample.image.copy(), sample.boxes.copy(), sample.mask.copy()
    placed, _ = place_sample(sample, (120, 90))
    for array in (placed.image, placed.boxes, placed.mask):
        array[...] = 1
    assert all(np.array_equal(a, b) for a, b in zip(before, (sample.image, sample.boxes, sample.mask), strict=True))


def test_an_image_in_reversed_memory_is_read_rightly():
    image = noise(40, 30)
    assert np.array_equal(
        letterbox(image[:, ::-1], (20, 20))[0], letterbox(np.ascontiguousarray(image[:, ::-1]), (20, 20))[0]
    )


@pytest.mark.parametrize(
    ("original", "resized", "canvas"),
    [
        ((640, 480), (1067, 800), (1088, 800)),  # the shorter side becomes 800: 800 / 480 * 640
        ((480, 640), (800, 1067), (800, 1088)),  # upright as well as lying
        ((1000, 200), (1333, 267), (1344, 288)),  # the longer side may not exceed 1333
        ((1333, 800), (1333, 800), (1344, 800)),
        ((10_000, 1), (1333, 1), (1344, 32)),
    ],
)
@pytest.mark.parametrize("size", [(1333, 800), (800, 1333)])
def test_kept_ratio_fits_the_shorter_and_the_longer_side(original, resized, canvas, size):
    placement = fit(original, size, "keep_ratio")
    assert (placement.resized, placement.canvas, placement.left, placement.top) == (resized, canvas, 0, 0)


@pytest.mark.parametrize(
    ("original", "resized"),
    [((500, 375), (500, 375)), ((513, 513), (513, 513)), ((1026, 513), (513, 256)), ((300, 1026), (150, 513))],
)
def test_padding_enlarges_nothing_and_shrinks_what_is_too_large(original, resized):
    placement = fit(original, (513, 513), "pad")
    assert (placement.resized, placement.canvas, placement.left, placement.top) == (resized, (513, 513), 0, 0)


def test_images_of_several_sizes_are_filled_at_the_right_and_below():
    first, second = noise(6, 4), noise(3, 5)
    batch = in_one_size([first, second], 9)
    assert batch.shape == (2, 5, 6, 3)
    assert np.array_equal(batch[0, :4], first)
    assert np.array_equal(batch[1, :, :3], second)
    assert (batch[0, 4:] == 9).all()
    assert (batch[1, :, 3:] == 9).all()
    masks = in_one_size([first[..., 0], second[..., 0]], 255)
    assert masks.shape == (2, 5, 6)
    assert masks[0, 4, 0] == 255


@pytest.mark.parametrize("original", [(640, 480), (1, 1), (33, 7)])
def test_none_is_the_image_itself_whatever_the_size(original):
    placement = fit(original, (416, 416), "none")
    assert placement == fit(original, original)
    boxes = np.array([[0.5, 0.25, 1, 1]], np.float32)
    assert np.array_equal(placement.forward(boxes), boxes)
    assert np.array_equal(placement.inverse(boxes), boxes)
    image = noise(*original)
    assert np.array_equal(resize(image, (416, 416), "none")[0], image)
