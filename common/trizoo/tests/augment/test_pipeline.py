import numpy as np
import pytest

from trizoo.augment.pipeline import (
    NEEDS,
    OPERATIONS,
    PARAMETERS,
    augment,
    check_operations,
    generator,
    register_operation,
)
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Sample, Unread

BOXES = [(10, 20, 60, 50), (70, 5, 110, 40), (20, 60, 100, 85)]  # in 120 x 90
TRAINING = [{"op": "random_placement"}, {"op": "flip"}, {"op": "hsv"}]
MOSAICS = [{"op": "mosaic", "probability": 1}, *TRAINING, {"op": "mixup", "probability": 1}]


def noise_sample(width, height):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    boxes = np.array([[0, 0, width, height]], np.float32)
    return Sample(image, boxes, np.array([2]), rng.integers(0, 21, (height, width), dtype=np.uint8))


def assert_equal(a, b):
    for name in ("image", "boxes", "labels", "mask"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_generator_gives_these_numbers_on_every_machine():
    # Recorded with NumPy 2.4. A change breaks every run that is resumed: it belongs in the changelog.
    expected = [0.6002748007110185, 0.5492796314869205, 0.17813541512148]
    assert generator(7, 2, 5).random(3).tolist() == pytest.approx(expected, abs=1e-15)
    expected = [0.20054960142203693, 0.09855926297384099]
    assert generator(7, 2, 5).uniform(-1, 1, 2).tolist() == pytest.approx(expected, abs=1e-15)


def test_generator_differs_in_each_of_its_numbers():
    streams = {generator(seed, epoch, index).random() for seed in range(6) for epoch in range(6) for index in range(6)}
    assert len(streams) == 6**3


def test_generator_takes_numpy_integers_and_large_seeds():
    assert generator(np.int64(7), np.int32(2), np.uint8(5)).random() == generator(7, 2, 5).random()
    assert 0 <= generator(2**63, 0, 0).random() < 1


def test_generator_refuses_a_negative_number():
    with pytest.raises(ValueError, match="non-negative"):
        generator(0, -1, 0)


def test_neighbouring_streams_are_not_related():
    first = np.array([generator(0, 0, index).random(2) for index in range(2000)])
    assert abs(first.mean() - 0.5) < 0.02  # 0.289 / sqrt(4000) = 0.0046
    assert abs(np.corrcoef(first[:-1, 0], first[1:, 0])[0, 1]) < 0.1  # 1 / sqrt(2000) = 0.022


def test_the_training_pipeline_keeps_boxes_pixels_and_mask_together(paint, assert_in_step):
    sample = paint((120, 90), BOXES)
    operations = [*TRAINING, {"op": "vertical_flip"}]
    found = [
        assert_in_step(augment(sample, operations, size, generator(0, 0, index)), 3)
        for size in [(96, 96), (64, 128)]
        for index in range(100)
    ]
    assert sum(found) > 350  # of 600: the test isn't satisfied by dropping boxes


def test_a_segmentation_pipeline_keeps_image_and_mask_together():
    rng = np.random.default_rng(5)
    mask = rng.integers(0, 4, (3, 4), np.uint8).repeat(30, 0).repeat(30, 1)
    image = np.repeat(mask[..., None] * 60, 3, axis=2)
    sample = Sample(image, np.zeros((0, 4), np.float32), np.zeros(0, np.int64), mask)
    operations = [{"op": name, "probability": 1} for name in ("flip", "rotate", "blur")]
    for index in range(20):
        placement = {"op": "random_placement", "scale": [1, 2]}
        result = augment(sample, [placement, *operations], (96, 96), generator(0, 0, index))
        assert set(np.unique(result.mask)) <= {0, 1, 2, 3, 255}
        inside = np.s_[1:-1, 1:-1]
        shifts = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)]
        masks = [np.roll(result.mask, shift, (0, 1))[inside] for shift in shifts]
        shown = (np.array(masks) != 255).all(axis=0)
        off = [np.abs(result.image[inside][..., 0] - 60.0 * mask)[shown].mean() for mask in masks]
        assert min(off[1:]) > off[0]  # a mask that is one pixel off fits worse


def test_operations_before_and_after_the_placement_keep_step(paint, assert_in_step):
    operations = [
        {"op": "flip"},
        {"op": "hsv"},
        {"op": "vertical_flip"},
        {"op": "place", "policy": "stretch"},
        {"op": "flip"},
    ]
    for index in range(30):
        assert assert_in_step(augment(paint((120, 90), BOXES), operations, (80, 100), generator(1, 0, index)), 3) == 3


def test_the_same_generator_gives_the_same_sample():
    sample = noise_sample(64, 48)
    first, again, other = (augment(sample, TRAINING, (40, 40), generator(0, epoch, 3)) for epoch in (1, 1, 2))
    assert_equal(first, again)
    assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize(
    ("operations", "boxes", "following"),
    [
        (TRAINING, [[19, 2, 55, 28]], 0.36964674710150025),
        (
            MOSAICS,
            [[41, 0, 64, 20], [0, 0, 41, 20], [41, 20, 64, 58], [0, 20, 41, 45], [0, 10, 64, 48]],
            0.07260148151613488,
        ),
        (
            [*TRAINING, *({"op": name} for name in ("vertical_flip", "rotate", "blur", "cutout", "grid_mask"))],
            [[14.685284614562988, 34.02328109741211, 54.149959564208984, 64]],
            0.6361086627641286,
        ),
    ],
)
def test_recipes_of_before_give_what_they_gave(operations, boxes, following):
    # Recorded with trizoo 0.2.0. A change breaks every run that is resumed: it belongs in the changelog.
    rng = generator(7, 2, 5)
    result = augment(flat(90, 1), operations, (64, 64), rng, draw=lambda rng: flat(int(rng.integers(200)), 2))
    np.testing.assert_allclose(result.boxes, boxes, atol=1e-4)
    assert rng.random() == pytest.approx(following, abs=1e-15)


@pytest.mark.parametrize("policy", ["letterbox", "stretch"])
def test_without_operations_the_policy_places_the_sample(policy):
    sample = noise_sample(64, 48)
    plain = augment(sample, [], (40, 40), generator(0, 0, 0), policy)
    operation = {"op": "place", "policy": policy}
    assert_equal(plain, augment(sample, [operation], (40, 40), generator(0, 0, 0)))
    expected = {"letterbox": [0, 5, 40, 35], "stretch": [0, 0, 40, 40]}  # 48 * 40 / 64 = 30; (40 - 30) / 2 = 5
    assert plain.boxes.tolist() == [expected[policy]]
    assert (plain.mask == 255).sum() == {"letterbox": 400, "stretch": 0}[policy]


def test_a_sample_of_the_right_size_stays_as_it_is():
    sample = noise_sample(40, 40)
    assert_equal(augment(sample, [], (40, 40), generator(0, 0, 0)), sample)


@pytest.mark.parametrize("operations", [[], TRAINING, TRAINING[1:], [{"op": "vertical_flip", "probability": 1}]])
@pytest.mark.parametrize("original", [(1, 1), (1, 900), (900, 1), (64, 48)])
def test_every_sample_has_the_size_and_canonical_arrays(operations, original):
    for index in range(5):
        sample = augment(noise_sample(*original), operations, [48, 32], generator(0, 0, index))
        assert sample.image.shape == (32, 48, 3)
        assert sample.mask.shape == (32, 48)
        assert sample.boxes.shape == (len(sample.labels), 4)
        assert [a.dtype for a in (sample.image, sample.boxes, sample.labels, sample.mask)] == ["u1", "f4", "i8", "u1"]
        assert all(a.flags.c_contiguous for a in (sample.image, sample.boxes, sample.labels, sample.mask))


def test_dtypes_and_memory_order_are_put_right():
    image = np.zeros((8, 8, 3), np.uint8)[:, ::-1]
    sample = Sample(image, np.array([[1, 1, 5, 5]], np.float64), np.array([1], np.int32), np.zeros((8, 8), np.uint8).T)
    result = augment(sample, [], (8, 8), generator(0, 0, 0))
    assert (result.boxes.dtype, result.labels.dtype) == (np.float32, np.int64)
    assert result.image.flags.c_contiguous
    assert result.mask.flags.c_contiguous


def test_boxes_are_clipped_and_slivers_go():
    boxes = np.array([[-5, 2, 5, 6], [0, 0, 1, 8], [7.5, 0, 20, 8]], np.float32)
    sample = Sample(np.zeros((8, 8, 3), np.uint8), boxes, np.array([4, 5, 6]))
    result = augment(sample, [], (8, 8), generator(0, 0, 0))
    assert result.boxes.tolist() == [[0, 2, 5, 6]]
    assert result.labels.tolist() == [4]


def test_a_sample_without_boxes_and_mask():
    sample = Sample(np.zeros((9, 7, 3), np.uint8), np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    result = augment(sample, TRAINING, (16, 16), generator(0, 0, 0))
    assert result.boxes.shape == (0, 4)
    assert result.labels.shape == (0,)
    assert result.mask is None


def test_the_input_is_untouched():
    sample, reference = noise_sample(64, 48), noise_sample(64, 48)
    for index in range(5):
        augment(sample, [*TRAINING, {"op": "vertical_flip"}], (40, 40), generator(0, 0, index))
    assert_equal(sample, reference)


def test_padding_of_the_mask_is_255_and_of_the_image_grey():
    operations = [{"op": "random_placement", "scale": [0.3, 0.5]}, {"op": "flip"}]
    sample = noise_sample(64, 48)
    result = augment(sample.replace(image=np.zeros_like(sample.image)), operations, (40, 40), generator(0, 0, 0))
    padding = result.mask == 255
    assert 0.5 < padding.mean() < 1
    assert (result.image[padding] == 128).all()
    assert (result.image[~padding] == 0).all()


def test_one_operations_outcome_leaves_the_others_draws_alone():
    sample = noise_sample(64, 48)
    outcomes = set()
    for probability in (0, 0.5, 1):
        chances = [
            {"op": name, "probability": probability} for name in ("flip", "vertical_flip", "rotate", "hsv", "blur")
        ]
        rng = generator(0, 0, 1)
        augment(sample, [*chances, {"op": "random_placement"}], (40, 40), rng)
        outcomes.add(rng.random())  # the next draw: each operation took as many, whether it happened or not
    assert len(outcomes) == 1


def test_an_unknown_operation_is_named_with_those_that_exist():
    with pytest.raises(
        ValueError, match="'mosaik'; one of mosaic, random_placement, place, flip, vertical_flip, rotate, hsv"
    ):
        augment(noise_sample(4, 4), [{"op": "flip"}, {"op": "mosaik"}], (8, 8), generator(0, 0, 0))
    with pytest.raises(ValueError, match="unknown operation None"):
        check_operations([{"probability": 1}])


def test_an_unknown_parameter_is_named_with_those_that_exist():
    with pytest.raises(ValueError, match="flip has no parameter 'probabilty'; it has probability"):
        check_operations([{"op": "flip", "probabilty": 0.5}])
    with pytest.raises(ValueError, match="place has no parameter 'rng'"):
        check_operations([{"op": "place", "rng": 1}])


def test_a_bad_size_or_policy_is_an_error():
    with pytest.raises(ValueError, match="size is 416"):
        augment(noise_sample(4, 4), [], 416, generator(0, 0, 0))
    with pytest.raises(ValueError, match="unknown resize policy 'crop'"):
        augment(noise_sample(4, 4), [], (8, 8), generator(0, 0, 0), "crop")


def test_the_parameters_of_every_operation_are_known():
    tiles = {"probability", "images", "jitter", "scale", "centre", "fill", "min_visible", "until"}
    assert {name: set(PARAMETERS[name]) for name in OPERATIONS} == {
        "mosaic": tiles,
        "random_placement": {"jitter", "scale", "fill", "min_visible"},
        "place": {"policy", "fill"},
        "flip": {"probability", "until"},
        "vertical_flip": {"probability", "until"},
        "rotate": {"probability", "degrees", "fill", "min_visible", "until"},
        "hsv": {"hue", "saturation", "value", "probability", "until"},
        "blur": {"probability", "sigma", "until"},
        "mixup": {"probability", "alpha", "only_mosaic", "until"},
        "cutout": {"probability", "holes", "size", "fill", "until"},
        "grid_mask": {"probability", "unit", "keep", "fill", "until"},
        "brightness_contrast": {"brightness", "contrast", "probability", "until"},
        "clahe": {"probability", "clip", "tiles", "until"},
        "random_erasing": {"probability", "area", "aspect", "noise", "fill", "max_hidden", "until"},
        "hide_and_seek": {"probability", "patch", "hide", "fill", "max_hidden", "until"},
        "cutmix": {"probability", "alpha", "min_visible", "until"},
        "rand_augment": {"operations", "magnitude", "geometric", "probability", "until"},
    }
    assert all(check_operations([{"op": name, key: 0}]) is None for name in OPERATIONS for key in PARAMETERS[name])


def flat(level, label, size=(40, 30)):
    """An image of one grey level, with one box all over it."""
    image = np.full((size[1], size[0], 3), level, np.uint8)
    return Sample(image, np.array([[0, 0, *size]], np.float32), np.array([label]))


def test_a_mosaic_takes_the_place_of_the_placement():
    place = {"op": "random_placement", "jitter": 0, "scale": [0.25, 0.25]}
    tiles = {"op": "mosaic", "jitter": 0, "scale": [4, 4]}
    for index in range(20):
        for operations in ([place], [{**tiles, "probability": 0}, place]):
            alone = augment(flat(0, 1), operations, (64, 64), generator(0, 0, index), draw=lambda rng: flat(10, 2))
            assert alone.labels.tolist() == [1]
            assert (alone.image == 128).mean() > 0.9  # 16 x 12 of 64 x 64
        operations = [{**tiles, "probability": 1}, place, {"op": "place", "policy": "letterbox"}]
        several = augment(flat(0, 1), operations, (64, 64), generator(0, 0, index), draw=lambda rng: flat(10, 2))
        assert sorted(several.labels.tolist()) == [1, 2, 2, 2]
        assert not (several.image == 128).any()


def test_what_follows_a_mosaic_draws_as_it_would_without():
    outcomes = set()
    for probability in (0, 0.5, 1):
        chance = {"probability": probability}
        operations = [{"op": "mosaic", **chance}, *TRAINING, {"op": "mixup", **chance}]
        names = ("cutout", "grid_mask", "cutmix", "random_erasing", "hide_and_seek", "rand_augment", "clahe")
        operations += [{"op": name, **chance} for name in names]
        for index in range(4):
            rng = generator(0, 0, index)
            augment(flat(0, 1), operations, (40, 40), rng, draw=lambda rng: flat(rng.integers(200), 2))
            outcomes.add((index, rng.random()))
    assert len(outcomes) == 4


@pytest.mark.parametrize("name", [name for name in OPERATIONS if "until" in PARAMETERS[name]])
def test_an_operation_ends_where_it_is_told_to(name):
    operation = {"op": name, "probability": 1, "until": 0.7}
    if name == "mixup":
        operation["only_mosaic"] = False
    operations = [{"op": "place", "policy": "stretch"}, operation]
    ramp = noise_sample(40, 40).replace(mask=None)

    def outcome(operations, progress):
        rng = generator(0, 0, 3)
        sample = augment(ramp, operations, (40, 40), rng, draw=lambda rng: flat(10, 2), progress=progress)
        return sample.image, rng.random()

    plain, _ = outcome(operations[:1], 0)
    for progress, happens in [(0.0, True), (0.69, True), (0.7, False), (0.99, False)]:
        image, following = outcome(operations, progress)
        assert np.array_equal(image, plain) != happens
        assert following == outcome(operations, 0)[1]
    operation["until"] = 1.0
    assert not np.array_equal(outcome(operations, 0.999)[0], plain)


def test_only_mosaics_are_mixed_up_unless_told_otherwise():
    tiles, place, mixed = ({"op": name} for name in ("mosaic", "place", "mixup"))

    def count(*operations):
        return len(augment(flat(0, 1), operations, (40, 40), generator(0, 0, 0), draw=lambda rng: flat(10, 2)).labels)

    tiles |= {"probability": 1, "scale": [4, 4]}
    mixed["probability"] = 1
    assert count(tiles, place, mixed) == 5
    assert count({**tiles, "probability": 0}, place, mixed) == 1
    assert count({**tiles, "probability": 0}, place, {**mixed, "only_mosaic": False}) == 2


def test_mixups_partner_has_gone_through_the_other_operations():
    # value times 0: whatever the partner's operations leave black has been through hsv; hsv is listed before mixup
    black = {"op": "hsv", "hue": 0, "saturation": 0, "value": 0}
    operations = [{"op": "place", "policy": "stretch"}, black, {"op": "mixup", "probability": 1, "only_mosaic": False}]
    result = augment(flat(100, 1), operations, (64, 64), generator(0, 0, 0), draw=lambda rng: flat(100, 2, (10, 90)))
    assert result.size == (64, 64)
    assert result.boxes.tolist() == [[0, 0, 64, 64]] * 2  # stretched, too
    operations[0]["policy"] = "letterbox"
    result = augment(flat(100, 1), operations, (64, 64), generator(0, 0, 0), draw=lambda rng: flat(100, 2, (10, 90)))
    assert result.boxes[1].tolist() == [28, 0, 35, 64]  # round(10 * 64 / 90) = 7, from (64 - 7) // 2 on


def test_operations_on_several_images_say_what_they_lack():
    for name in ("mosaic", "mixup", "cutmix"):
        with pytest.raises(ValueError, match="mosaic, mixup and cutmix need other images, of which there"):
            augment(flat(0, 1), [{"op": name}], (40, 40), generator(0, 0, 0))


def test_the_same_generator_gives_the_same_mosaic():
    def draw(rng):
        return flat(int(rng.integers(256)), 2)

    def once(epoch):
        return augment(flat(0, 1), MOSAICS, (40, 40), generator(0, epoch, 3), draw=draw)

    first, again, other = once(1), once(1), once(2)
    assert_equal(first, again)
    assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize(
    ("operations", "least"),
    [
        ([{"op": "place"}, {"op": "flip"}], (80, 60)),
        ([{"op": "random_placement", "jitter": 0, "scale": [0.5, 0.5]}], (40, 30)),
        ([], (80, 60)),
        ([{"op": "flip"}, {"op": "place"}], (160, 160)),  # pixels wanted before their number is known
    ],
)
def test_a_sample_is_read_as_late_and_as_small_as_can_be(operations, least):
    asked = []

    def load(at_least):
        asked.append(at_least)
        return flat(0, 1, (400, 300))

    result = augment(Unread((800, 600), load, (160, 160)), operations, (80, 80), generator(0, 0, 0))
    assert asked == [least]
    assert result.size == (80, 80)
    width, height = result.boxes[0, 2:] - result.boxes[0, :2]
    assert (width, height) == ((40, 30) if least == (40, 30) else (80, 60))


def test_a_sample_of_the_canvass_size_is_read_all_the_same():
    result = augment(Unread((40, 30), lambda at_least: flat(9, 1), (40, 30)), [], (40, 30), generator(0, 0, 0))
    assert_equal(result, flat(9, 1))


def test_operations_are_applied_in_the_order_of_the_recipe():
    erase = {"op": "random_erasing", "probability": 1, "noise": False, "area": [0.2, 0.2]}
    blurred = {"op": "blur", "probability": 1, "sigma": [3, 3]}
    hard, soft = (
        augment(flat(0, 1, (40, 40)), operations, (40, 40), generator(0, 0, 0)).image
        for operations in ([blurred, erase], [erase, blurred])
    )
    assert set(np.unique(hard)) == {0, 128}  # erased last: an edge from one pixel to the next
    assert len(np.unique(soft)) > 20
    # hidden before it is placed, an image lies in a canvas without holes; behind it the canvas has some, too
    hide = {"op": "hide_and_seek", "probability": 1, "hide": 1}
    place = {"op": "place"}
    before, after = (
        augment(flat(0, 1).replace(mask=np.zeros((30, 40), np.uint8)), operations, (40, 40), generator(0, 0, 0))
        for operations in ([hide, place], [place, {**hide, "hide": 0.5}])
    )
    assert (before.image == 128).all()
    assert 0.25 < (after.image == 128).all(axis=-1).mean() < 1


def test_cutmixs_partner_has_gone_through_the_other_operations_but_those_of_several():
    black = {"op": "hsv", "hue": 0, "saturation": 0, "value": 1}
    operations = [{"op": "place", "policy": "stretch"}, black]
    operations += [{"op": name, "probability": 1} for name in ("cutmix", "mixup")]
    operations[-1]["only_mosaic"] = False
    drawn = []

    def draw(rng):
        drawn.append(1)
        return flat(100, 2, (10, 90))

    result = augment(flat(100, 1), operations, (64, 64), generator(0, 0, 0), draw=draw)
    assert result.size == (64, 64)
    assert len(drawn) == 2  # one for each, and none for the partners' own


def crop(image, boxes, labels, mask, rng, width=20):
    """An operation of one's own that leaves another size."""
    return image[:, :width], boxes, labels, None if mask is None else mask[:, :width]


@pytest.fixture
def cropping(monkeypatch):
    """Registers `crop` for one test."""
    for table in (OPERATIONS, NEEDS, PARAMETERS):
        monkeypatch.setitem(table, "crop", None)
        del table["crop"]
    register_operation("crop", crop)


def test_none_takes_images_as_they_are():
    sample = noise_sample(64, 48)
    for size in ((40, 40), (64, 48)):
        assert_equal(augment(sample, [], size, generator(0, 0, 0), "none"), sample)
    flipped = augment(sample, [{"op": "flip", "probability": 1}], (40, 40), generator(0, 0, 0), "none")
    assert np.array_equal(flipped.image, sample.image[:, ::-1])
    unmasked = sample.replace(mask=None)
    for operations in (TRAINING, MOSAICS, [{"op": "place"}], [{"op": "rotate", "probability": 1}]):
        result = augment(unmasked, operations, (40, 40), generator(0, 0, 0), "none", draw=lambda rng: unmasked)
        assert result.size == (64, 48)
    unread = Unread((64, 48), lambda at_least: sample, (64, 48))
    assert_equal(augment(unread, [], (40, 40), generator(0, 0, 0), "none"), sample)


def test_none_refuses_the_last_operation_that_leaves_another_size_by_its_name(cropping):
    sample = noise_sample(64, 48)
    message = "augment ends on 20x48 after 'crop' and resize is none, which needs 64x48"
    for operations in ([{"op": "crop"}], [{"op": "flip"}, {"op": "crop"}, {"op": "flip"}, {"op": "hsv"}]):
        with pytest.raises(UserError, match=message):
            augment(sample, operations, (64, 48), generator(0, 0, 0), "none")
    for operations in ([{"op": "crop"}, {"op": "place"}], [{"op": "crop", "width": 64}]):
        assert augment(sample, operations, (64, 48), generator(0, 0, 0), "none").size == (64, 48)


def test_boxes_are_clipped_to_the_canvas_that_an_operation_of_ones_own_leaves(cropping):
    # 64 x 48 in 96 x 96 is 128 x 96 of canvas; 20 x 48, cropped, has a canvas of 64 x 96 of its own
    result = augment(noise_sample(64, 48), [{"op": "crop"}], (96, 96), generator(0, 0, 0), "keep_ratio")
    assert result.size == (64, 96)
    assert result.boxes.tolist() == [[0, 0, 64, 96]]
