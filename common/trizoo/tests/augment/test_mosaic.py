import numpy as np
import pytest

from trizoo.augment.mosaic import blend, blend_shares, cutmix, keep_beside, mixup, mosaic
from trizoo.ground.sample import Sample, Unread

SIZES = [(120, 90), (33, 200), (501, 333), (64, 64), (41, 23), (700, 300), (97, 97), (15, 12), (350, 349)]
LEVELS = (0, 80, 255)  # of green and blue; neither pair of them is the canvas's grey, 128


def colours(number):
    """Green and blue of member `number`, 0 to 8; no other member and no grey has them."""
    return LEVELS[number // 3], LEVELS[number % 3]


def member(number, masked=True):
    """An image whose green and blue say which it is, and whose red is 200 in its one object's box, 40 around it."""
    width, height = SIZES[number]
    rng = np.random.default_rng(number)
    left, top = (rng.uniform(0, 0.4, 2) * (width, height)).astype(int)
    right, bottom = (rng.uniform(0.6, 1, 2) * (width, height)).astype(int)
    image = np.empty((height, width, 3), np.uint8)
    image[..., 0] = 40
    image[..., 1:] = colours(number)
    image[top:bottom, left:right, 0] = 200
    mask = np.zeros((height, width), np.uint8)
    mask[top:bottom, left:right] = number + 1
    boxes = np.array([[left, top, right, bottom]], np.float32)
    return Sample(image, boxes, np.array([number]), mask if masked else None)


def others(images, masked=True):
    """`draw` that gives the members 1, 2 ... in turn, whatever the generator, to go with member 0."""
    numbers = iter(range(1, images))
    return lambda rng: member(next(numbers), masked)


def mosaic_of(images, seed, size=(128, 128), **parameters):
    rng = np.random.default_rng(seed)
    return mosaic(member(0), size, rng, others(images), probability=1, images=images, **parameters)


def extent(hits):
    """The box of the pixels that are True, all zero where none is."""
    if not hits.any():
        return np.zeros(4)
    columns, rows = np.flatnonzero(hits.any(axis=0)), np.flatnonzero(hits.any(axis=1))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])


def pixels_of(sample, number):
    return (np.abs(sample.image[..., 1:].astype(int) - colours(number)) <= 2).all(axis=-1)


@pytest.mark.parametrize("images", [4, 9])
@pytest.mark.parametrize("size", [(128, 128), (96, 160), (203, 117)])
def test_boxes_lie_where_the_pixels_are(images, size):
    found = 0
    for seed in range(40):
        result = mosaic_of(images, seed, size)
        assert result.size == size
        assert len(result.boxes) == len(set(result.labels.tolist()))
        for number in range(images):
            own = pixels_of(result, number)
            by_colour, by_mask = extent(own & (result.image[..., 0] > 120)), extent(result.mask == number + 1)
            if number in result.labels:
                (box,) = result.boxes[result.labels == number]
                assert np.abs(by_colour - box).max() <= 1, (seed, number, by_colour, box)
                assert np.abs(by_mask - box).max() <= 1, (seed, number, by_mask, box)
                found += 1
            else:
                assert min(by_colour[2:] - by_colour[:2]) <= 2
    assert found > 40 * images * 0.8  # the test isn't satisfied by dropping boxes


@pytest.mark.parametrize("images", [4, 9])
def test_every_image_has_a_tile_of_its_own(images):
    places = set()
    for seed in range(40):
        result = mosaic_of(images, seed)
        tiles = [extent(pixels_of(result, number)) for number in range(images)]
        for number, (left, top, right, bottom) in enumerate(tiles):
            assert pixels_of(result, number).sum() == (right - left) * (bottom - top) > 0  # a full rectangle
        places.add(tuple(tiles[0][:2]))
        grey = (result.image == 128).all(axis=-1)
        assert grey.sum() + sum(pixels_of(result, number).sum() for number in range(images)) == 128 * 128
        assert np.array_equal(result.mask == 255, grey)
    assert len(places) > 20  # of 40: the lines and the sample's own tile change


@pytest.mark.parametrize("images", [4, 9])
def test_images_that_are_large_enough_cover_their_tiles(images):
    square = np.zeros((50, 50, 3), np.uint8)
    nothing = Sample(square, np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    for seed in range(40):
        rng = np.random.default_rng(seed)
        result = mosaic(nothing, (100, 80), rng, lambda rng: nothing, 1, images, jitter=0, scale=(1, 2))
        assert (result.image == 0).all()
        assert result.mask is None


def test_smaller_images_lie_at_the_lines():
    # a square image at scale 0.2 is 20 x 20 on a canvas of 100 x 100; the lines cross at (50, 50)
    black = Sample(np.zeros((60, 60, 3), np.uint8), np.array([[0, 0, 60, 60]], np.float32), np.array([3]))
    rng = np.random.default_rng(0)
    result = mosaic(black, (100, 100), rng, lambda rng: black, 1, jitter=0, scale=(0.2, 0.2), centre=(0.5, 0.5))
    assert sorted(result.boxes.tolist()) == [[30, 30, 50, 50], [30, 50, 50, 70], [50, 30, 70, 50], [50, 50, 70, 70]]
    assert result.labels.tolist() == [3] * 4
    assert extent((result.image == 0).all(axis=-1)).tolist() == [30, 30, 70, 70]


def test_the_lines_between_nine_tiles_by_hand():
    # centre 0.6: 2/3 * 0.6 = 0.4 and 0.4 + 1/3; scale 3 on 2/3 of the canvas covers every tile
    black = Sample(np.zeros((60, 60, 3), np.uint8), np.array([[0, 0, 60, 60]], np.float32), np.array([3]))
    rng = np.random.default_rng(0)
    result = mosaic(black, (300, 300), rng, lambda rng: black, 1, 9, jitter=0, scale=(3, 3), centre=(0.6, 0.6))
    assert result.boxes[:3].tolist() == [[0, 0, 120, 120], [120, 0, 220, 120], [220, 0, 300, 120]]
    assert result.boxes[4].tolist() == [120, 120, 220, 220]


def test_the_centre_is_uniform_within_its_bounds():
    white = Sample(np.full((8, 8, 3), 255, np.uint8), np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    lines = []
    for seed in range(300):
        tile = member(0)
        result = mosaic(tile, (100, 100), np.random.default_rng(seed), lambda rng: white, 1, jitter=0, scale=(4, 4))
        left, top, right, bottom = extent(~(result.image == 255).all(axis=-1))
        lines.append((right if left == 0 else left, bottom if top == 0 else top))
    lines = np.array(lines) / 100
    assert 0.3 <= lines.min() < 0.32
    assert 0.68 < lines.max() <= 0.7
    assert np.abs(lines.mean(axis=0) - 0.5).max() < 0.03  # 0.4 / sqrt(12) / sqrt(300) = 0.007
    assert abs(np.corrcoef(lines.T)[0, 1]) < 0.25


def test_slivers_and_boxes_of_which_too_little_is_seen_go():
    # At scale 2 and centre 0.5 a tile shows a quarter of its image's width and height: 1/16 of the whole box.
    whole = Sample(np.zeros((60, 60, 3), np.uint8), np.array([[0, 0, 60, 60]], np.float32), np.array([3]))
    for min_visible, count in [(0.0, 4), (0.06, 4), (0.065, 0)]:
        rng = np.random.default_rng(0)
        result = mosaic(
            whole, (64, 64), rng, lambda rng: whole, 1, 4, 0, (2, 2), centre=(0.5, 0.5), min_visible=min_visible
        )
        assert len(result.boxes) == len(result.labels) == count
    sliver = whole.replace(boxes=np.array([[0, 0, 60, 0.9]], np.float32))
    rng = np.random.default_rng(0)
    assert len(mosaic(sliver, (64, 64), rng, lambda rng: sliver, 1, scale=(0.5, 0.5)).boxes) == 0


def test_without_masks_the_mosaic_has_none_and_with_some_it_is_ignored_elsewhere():
    rng = np.random.default_rng(0)
    assert mosaic(member(0, False), (64, 64), rng, others(4, False), 1).mask is None
    result = mosaic(member(0, True), (64, 64), np.random.default_rng(0), others(4, False), 1)
    assert np.array_equal(result.mask != 255, pixels_of(result, 0))


@pytest.mark.parametrize("images", [4, 9])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (32, 1)])
def test_canvases_of_a_few_pixels(images, size):
    assert mosaic_of(images, 0, size).size == size


def test_extreme_images():
    rng = np.random.default_rng(0)
    for size in [(1, 1), (1, 3000), (3000, 1)]:
        thin = Sample(np.zeros((*size[::-1], 3), np.uint8), np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
        assert mosaic(thin, (64, 48), rng, lambda rng, thin=thin: thin, 1).size == (64, 48)


def test_the_members_are_untouched():
    members = [member(number) for number in range(4)]
    draw = iter(members[1:])
    mosaic(members[0], (64, 64), np.random.default_rng(0), lambda rng: next(draw), 1)
    for number, after in enumerate(members):
        before = member(number)
        assert np.array_equal(after.image, before.image)
        assert np.array_equal(after.boxes, before.boxes)
        assert np.array_equal(after.mask, before.mask)


def test_images_are_read_about_as_large_as_they_are_shown():
    asked = []

    def load(at_least):
        asked.append(at_least)
        return Sample(np.zeros((300, 400, 3), np.uint8), np.array([[0, 0, 400, 300]], np.float32), np.array([1]))

    unread = Unread((800, 600), load, (9999, 9999))
    rng = np.random.default_rng(0)
    result = mosaic(unread, (200, 200), rng, lambda rng: unread, 1, jitter=0, scale=(0.5, 0.5), centre=(0.5, 0.5))
    assert asked == [(75, 57)] * 4  # 800 x 600 in half of 200 x 200 is 100 x 75, which may be 4/3 of what is read
    assert result.boxes[0].tolist() == [0, 25, 100, 100]  # of the half-sized image, too


@pytest.mark.parametrize("probability", [0, 0.5, 1])
def test_operations_of_several_always_take_one_draw(probability):
    for seed in range(4):
        rng, reference = np.random.default_rng(seed), np.random.default_rng(seed)
        mosaic(member(0), (32, 32), rng, others(4), probability)
        mixup(member(1, False), rng, lambda rng: member(1, False), True, probability)
        cutmix(member(1), rng, lambda rng: member(1), probability)
        reference.random(3)
        assert rng.random() == reference.random()


def test_mosaic_happens_as_often_as_asked():
    rng, sample = np.random.default_rng(0), member(0)
    happened = sum(mosaic(sample, (4, 4), rng, others(4), 0.25) is not sample for _ in range(800))
    assert 150 < happened < 250  # 200 +- 4 standard deviations, sqrt(800 * 0.25 * 0.75) = 12.2


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"images": 5}, "images is 5; 4 or 9"),
        ({"jitter": 1}, "jitter is 1"),
        ({"scale": (2, 1)}, r"scale is \(2, 1\)"),
        ({"centre": (0, 1)}, r"centre is \(0, 1\)"),
        ({"probability": 2}, "probability is 2"),
    ],
)
def test_mosaic_names_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        mosaic(member(0), (64, 64), np.random.default_rng(0), others(4), **{"probability": 1} | parameters)


def flat(level, label, size=(8, 6)):
    image = np.full((size[1], size[0], 3), level, np.uint8)
    return Sample(image, np.array([[1, 2, 3, label]], np.float32), np.array([label]))


def test_mixup_blends_pixels_and_unites_boxes():
    first, second = flat(200, 4), flat(100, 5)
    shares = []
    for seed in range(300):
        result = mixup(first, np.random.default_rng(seed), lambda rng: second, True, 1)
        assert result.boxes.tolist() == [[1, 2, 3, 4], [1, 2, 3, 5]]
        assert result.labels.tolist() == [4, 5]
        assert np.ptp(result.image) == 0
        shares.append((result.image[0, 0, 0] - 100) / 100)
    assert abs(np.mean(shares) - 0.5) < 0.02
    assert 0.05 < np.std(shares) < 0.075  # Beta(32, 32): sqrt(1 / 4 / 65) = 0.062


def test_classes_of_blended_images_share_as_their_pixels_do():
    first, second = (flat(200, 4).replace(shares={4: 1.0}), flat(100, 5).replace(shares={5: 1.0}))
    for seed in range(20):
        rng = np.random.default_rng(seed)
        blended = mixup(first, rng, lambda rng: second, True, 1, alpha=1)
        assert blended.shares[4] == pytest.approx((blended.image[0, 0, 0] - 100) / 100, abs=0.006)  # of 100 levels
        assert blended.shares[5] == 1 - blended.shares[4]
        pasted = cutmix(first, np.random.default_rng(seed), lambda rng: second, 1)
        covered = (pasted.image[..., 0] == 100).mean()
        assert pasted.shares == (pytest.approx({4: 1 - covered, 5: covered}) if covered else {4: 1.0})
        thrice = cutmix(blended, np.random.default_rng(seed), lambda rng: flat(50, 6).replace(shares={6: 1.0}), 1)
        assert sum(thrice.shares.values()) == pytest.approx(1)
        assert thrice.label == max(thrice.shares, key=thrice.shares.get)


def test_shares_of_classes_by_hand():
    assert blend_shares({1: 1.0}, {2: 1.0}, 0.75) == {1: 0.75, 2: 0.25}
    assert blend_shares({1: 1.0}, {1: 1.0}, 0.75) == {1: 1.0}
    assert blend_shares({1: 0.5, 3: 0.5}, {3: 1.0}, 0.5) == {1: 0.25, 3: 0.75}
    assert blend_shares(None, None, 0.5) is None


def test_blending_by_hand():
    # 0.25 * 200 + 0.75 * 100 = 125; 64 / 256 * 255 = 63.75 rounds to 64
    assert blend(flat(200, 0).image, flat(100, 0).image, 0.25)[0, 0].tolist() == [125] * 3
    assert blend(flat(255, 0).image, flat(0, 0).image, 0.25)[0, 0].tolist() == [64] * 3
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    for share in (0, 0.3, 1):
        assert np.array_equal(blend(image, image, share), image)
    assert np.array_equal(blend(image, 255 - image, 1), image)
    assert np.array_equal(blend(image, 255 - image, 0), 255 - image)


def test_mixup_is_for_mosaics_unless_told_otherwise():
    first = flat(200, 4)
    assert mixup(first, np.random.default_rng(0), lambda rng: flat(100, 5), False, 1) is first
    everyone = mixup(first, np.random.default_rng(0), lambda rng: flat(100, 5), False, 1, only_mosaic=False)
    assert everyone.labels.tolist() == [4, 5]


def test_mixup_refuses_masks_sizes_and_an_alpha_that_make_no_sense():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="mixup was given a sample with a mask"):
        mixup(member(0), rng, lambda rng: member(0, False), True, 1)
    with pytest.raises(ValueError, match="images of 8x6 and 6x8; list it after what places"):
        mixup(flat(1, 1), rng, lambda rng: flat(1, 1, (6, 8)), True, 1)
    with pytest.raises(ValueError, match="alpha is 0"):
        mixup(flat(1, 1), rng, lambda rng: flat(1, 1), True, 1, alpha=0)


def plain(level, box, label, size=(60, 40)):
    """An image of one level, its mask of the label, with one box."""
    image = np.full((size[1], size[0], 3), level, np.uint8)
    mask = np.full(size[::-1], label, np.uint8)
    return Sample(image, np.array([box], np.float32), np.array([label]), mask)


def test_cutmix_pastes_one_rectangle_from_the_same_place():
    own, other = (np.random.default_rng(seed).integers(0, 256, (40, 60, 3), np.uint8) for seed in (0, 1))
    sample = plain(0, (0, 0, 60, 40), 1).replace(image=own)
    partner = plain(0, (0, 0, 60, 40), 2).replace(image=other)
    shares = []
    for seed in range(300):
        result = cutmix(sample, np.random.default_rng(seed), lambda rng: partner, 1, min_visible=0)
        pasted = result.mask == 2
        left, top, right, bottom = extent(pasted)
        assert pasted.sum() == (right - left) * (bottom - top)
        assert np.array_equal(result.image, np.where(pasted[..., None], other, own))
        assert ((result.mask == 1) == ~pasted).all()
        if min(left, top) > 0 and right < 60 and bottom < 40:  # not cut off: the image's aspect
            assert abs((right - left) / 60 - (bottom - top) / 40) <= 1 / 60 + 1 / 40
        shares.append(pasted.mean())
    assert len(set(shares)) > 100
    # E[share] of Beta(1, 1) is 1/2; with a side of s = sqrt(u) and a centre anywhere, E[length inside] = s - s^2 / 4,
    # so E[(s - s^2 / 4)^2] = E[u] - E[u^1.5] / 2 + E[u^2] / 16 = 1/2 - 1/5 + 1/48 = 0.32
    assert abs(np.mean(shares) - 0.32) < 0.05  # 0.21 / sqrt(300) = 0.012
    assert (sample.image == own).all()
    assert (sample.mask == 1).all()


def test_cutmixs_boxes_are_what_can_be_seen():
    first, second = plain(10, (5, 5, 35, 30), 1), plain(200, (20, 10, 55, 38), 2)
    for sample, level in ((first, 60), (second, 250)):
        xmin, ymin, xmax, ymax = sample.boxes[0].astype(int)
        sample.image[ymin:ymax, xmin:xmax] = level
    found = 0
    for seed in range(300):
        result = cutmix(first, np.random.default_rng(seed), lambda rng: second, 1, min_visible=0.2)
        for label, level, area in ((1, 60, 30 * 25), (2, 250, 35 * 28)):
            seen = (result.image == level).all(axis=-1)
            if label in result.labels:
                (box,) = result.boxes[result.labels == label]
                assert box.tolist() == extent(seen).tolist()
                assert seen.sum() >= 0.2 * area
                found += 1
            else:
                assert seen.sum() < 0.2 * area or min(extent(seen)[2:] - extent(seen)[:2]) <= 1
    assert 300 < found < 550


def test_what_a_rectangle_leaves_of_boxes_by_hand():
    boxes = np.array([[10, 10, 30, 20]] * 8, np.float32)
    rectangles = [
        ((0, 0, 5, 40), [10, 10, 30, 20]),  # beside it
        ((0, 0, 15, 40), [15, 10, 30, 20]),  # over its left
        ((25, 10, 60, 20), [10, 10, 25, 20]),  # over its right
        ((10, 0, 30, 14), [10, 14, 30, 20]),  # over its top
        ((0, 17, 60, 40), [10, 10, 30, 17]),  # below
        ((0, 0, 15, 15), [10, 10, 30, 20]),  # over a corner: the hull stays
        ((15, 0, 20, 40), [10, 10, 30, 20]),  # across its middle: both sides stay
        ((0, 0, 60, 40), None),  # over all of it
    ]
    for box, (rectangle, expected) in zip(boxes, rectangles, strict=True):
        kept, labels = keep_beside(box[None], np.array([3]), rectangle)
        assert kept.tolist() == ([] if expected is None else [expected])
        assert labels.tolist() == ([] if expected is None else [3])
    # a quarter of it is hidden
    for min_visible, count in ((0.75, 1), (0.76, 0)):
        assert len(keep_beside(boxes[:1], np.array([3]), (0, 0, 15, 40), min_visible)[0]) == count
    assert keep_beside(boxes[:1], np.array([3]), (0, 0, 29, 40))[0].shape == (0, 4)  # a sliver of 1 pixel
    assert keep_beside(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), (0, 0, 5, 5))[0].shape == (0, 4)


def test_a_missing_mask_is_ignored_where_its_image_shows():
    first, second = plain(10, (0, 0, 60, 40), 1), plain(200, (0, 0, 60, 40), 2)
    rng = np.random.default_rng(2)
    unmasked = cutmix(first, rng, lambda rng: second.replace(mask=None), 1)
    pasted = (unmasked.image == 200).all(axis=-1)
    assert 0 < pasted.mean() < 1
    assert np.array_equal(unmasked.mask, np.where(pasted, 255, 1))
    unmasked = cutmix(first.replace(mask=None), np.random.default_rng(2), lambda rng: second, 1)
    assert np.array_equal(unmasked.mask, np.where(pasted, 2, 255))
    neither = cutmix(first.replace(mask=None), rng, lambda rng: second.replace(mask=None), 1)
    assert neither.mask is None


def test_cutmix_happens_as_often_as_asked_and_the_same_again():
    first, second = plain(10, (0, 0, 60, 40), 1), plain(200, (0, 0, 60, 40), 2)
    rng = np.random.default_rng(0)
    happened = sum((cutmix(first, rng, lambda rng: second, 0.25).image == 200).any() for _ in range(800))
    assert 140 < happened < 250  # a few rectangles are less than a pixel
    once, again = (cutmix(first, np.random.default_rng(5), lambda rng: second, 1) for _ in range(2))
    assert np.array_equal(once.image, again.image)
    assert cutmix(flat(1, 1, (1, 1)), rng, lambda rng: flat(2, 2, (1, 1)), 1).size == (1, 1)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"alpha": 0}, "alpha is 0"),
        ({"min_visible": 1.1}, "min_visible is 1.1"),
        ({"probability": 2}, "probability is 2"),
    ],
)
def test_cutmix_names_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        cutmix(flat(1, 1), np.random.default_rng(0), lambda rng: flat(1, 1), **parameters)


def test_cutmix_refuses_two_sizes():
    with pytest.raises(ValueError, match="cutmix was given images of 8x6 and 6x8; list it after what places"):
        cutmix(flat(1, 1), np.random.default_rng(0), lambda rng: flat(1, 1, (6, 8)), 1)
    wrong = flat(1, 1).replace(mask=np.zeros((3, 3), np.uint8))
    for pair in ((wrong, flat(1, 1)), (flat(1, 1), wrong)):
        with pytest.raises(ValueError, match=r"mask has shape \(3, 3\)"):
            cutmix(pair[0], np.random.default_rng(0), lambda rng, other=pair[1]: other, 1)
