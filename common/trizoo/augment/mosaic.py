"""Several images in one: mosaic, mixup and CutMix."""

import math

import cv2
import numpy as np

from trizoo.augment.geometry import happens, keep_visible, offset_of, random_size
from trizoo.augment.letterbox import Placement, as_size, check_mask, grey_canvas, lay_image, lay_mask, read_for
from trizoo.ground.boxes import area, as_boxes, centres
from trizoo.ground.conventions import GREY, IGNORE
from trizoo.ground.sample import Sample

TILES = (4, 9)
ENLARGED = 4 / 3  # a tile may be decoded smaller than shown by this much: a tenth less time, little less detail


def mosaic(
    sample,
    size,
    rng,
    draw,
    probability=0.5,
    images=4,
    jitter=0.3,
    scale=(0.4, 1.0),
    centre=(0.3, 0.7),
    fill=GREY,
    min_visible=0.0,
):
    """With this probability the sample and others as tiles of one canvas -> Sample (Bochkovskiy et al. 2020).

    The lines between 4 tiles cross at a point from U(*centre), shares of the canvas's width and height; those between 9
    lie at 2/3 of that and at 1/3 of the canvas beyond. Which tile the sample gets is random. Each image's size is that
    of `random_placement` on the whole canvas (with 9 tiles on 2/3 of its sides). Where it is larger than its tile a
    random part covers the tile; where it is smaller it lies towards the middle, and the rest is grey. Boxes are clipped
    to their tile and go through `keep_visible` there. The mask, where any of the samples has one, is 255 wherever
    nothing is known.

    Always one draw and one generator spawned, so that what is drawn later doesn't depend on the outcome.

    Args:
        draw: `draw(rng)` gives another sample

    Raises:
        ValueError: for a number of images other than 4 and 9, and for a jitter, scale, centre or probability out of
            bounds
    """
    if images not in TILES:
        raise ValueError(f"images is {images!r}; 4 or 9 is needed")
    low, high = centre
    if not 0 < low <= high < 1:
        raise ValueError(f"centre is {centre!r}; a pair with 0 < low <= high < 1 is needed")
    happening, (rng,) = happens(rng, probability), rng.spawn(1)
    if not happening:
        return sample
    width, height = as_size(size)
    across = math.isqrt(images)
    columns, rows = (_lines(rng.uniform(low, high), side, across) for side in (width, height))
    reference = (width, height) if images == 4 else (max(1, 2 * width // 3), max(1, 2 * height // 3))
    canvas, mask = grey_canvas((width, height), fill), np.full((height, width), IGNORE, np.uint8)
    own, masked, points = rng.integers(images), False, False
    found = [(np.zeros((0, 4), np.float32), np.zeros(0, np.int64))]
    for tile in range(images):
        member = sample if tile == own else draw(rng)
        resized = random_size(member.size, reference, rng, jitter, scale)
        place_x, place_y = rng.random(2)
        row, column = divmod(tile, across)
        left, right, top, bottom = columns[column], columns[column + 1], rows[row], rows[row + 1]
        if left == right or top == bottom:  # on a canvas of a few pixels
            continue
        x = _offset(place_x, right - left - resized[0], column / (across - 1))
        y = _offset(place_y, bottom - top - resized[1], row / (across - 1))
        placement = Placement(member.size, (right - left, bottom - top), resized, x, y)
        boxes, labels, member = _lay_tile(member, placement, canvas, mask, left, top, min_visible)
        found.append((boxes, labels))
        masked, points = masked or member.mask is not None, points or member.points
    boxes, labels = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Sample(canvas, boxes, labels, mask if masked else None, points=points)


def mixup(sample, rng, partner, is_mosaic, probability=0.5, alpha=32.0, only_mosaic=True):
    """With this probability the sample blended with another one, both ones' boxes -> Sample (Zhang et al. 2018).

    With `only_mosaic` nothing happens to a sample that isn't one (`is_mosaic`). The sample's own share of each pixel is
    from Beta(alpha, alpha), and so is its share in the class of the whole image. Always one draw and one generator
    spawned.

    Args:
        partner: `partner(rng)` gives a sample of the same size

    Raises:
        ValueError: for an alpha that isn't above 0, for samples of different sizes, and for masks: a blended pixel has
            no one class
    """
    if not alpha > 0:
        raise ValueError(f"alpha is {alpha!r}; a number above 0 is needed")
    happening, (rng,) = happens(rng, probability), rng.spawn(1)
    if not happening or (only_mosaic and not is_mosaic):
        return sample
    share = rng.beta(alpha, alpha)
    other = partner(rng)
    _check_sizes("mixup", sample, other)
    if sample.mask is not None or other.mask is not None:
        raise ValueError("mixup was given a sample with a mask, and a blended pixel has no one class; leave mixup out")
    return sample.replace(
        image=blend(sample.image, other.image, share),
        boxes=np.concatenate([as_boxes(sample.boxes), as_boxes(other.boxes)]),
        labels=np.concatenate([sample.labels, other.labels]),
        shares=blend_shares(sample.shares, other.shares, share),
    )


def cutmix(sample, rng, partner, probability=0.5, alpha=1.0, min_visible=0.3):
    """With this probability the sample under a rectangle of another one -> Sample (Yun et al. 2019).

    The rectangle's share of the area is from Beta(alpha, alpha), its aspect that of the image and its centre anywhere,
    so that it may be cut off at the image's borders; it comes from the same place in the other image. Masks are cut in
    the same way, 255 in the part of a sample that has none. A box of the other image becomes its part inside the
    rectangle, one of the sample the hull of what the rectangle leaves of it. Classes of whole images share the area.

    Always one draw and one generator spawned.

    Args:
        partner: `partner(rng)` gives a sample of the same size
        min_visible: a box of whose area a smaller share can be seen goes

    Raises:
        ValueError: for an alpha that isn't above 0, a min_visible outside [0, 1] and samples or masks of
            different sizes
    """
    if not alpha > 0:
        raise ValueError(f"alpha is {alpha!r}; a number above 0 is needed")
    if not 0 <= min_visible <= 1:
        raise ValueError(f"min_visible is {min_visible!r}; a number from 0 to 1 is needed")
    happening, (rng,) = happens(rng, probability), rng.spawn(1)
    if not happening:
        return sample
    share, centre = rng.beta(alpha, alpha), rng.random(2)
    other = partner(rng)
    _check_sizes("cutmix", sample, other)
    check_mask(sample)
    check_mask(other)
    size = np.array(sample.size)
    corners = (centre + np.array([[-0.5], [0.5]]) * math.sqrt(share)) * size
    (left, top), (right, bottom) = np.clip(np.rint(corners), 0, size).astype(int).tolist()
    if left == right or top == bottom:
        return sample
    window = slice(top, bottom), slice(left, right)
    image = sample.image.copy()
    image[window] = other.image[window]
    mask = None
    if sample.mask is not None or other.mask is not None:
        unknown = np.full(image.shape[:2], IGNORE, np.uint8)
        mask = (unknown if sample.mask is None else sample.mask).copy()
        mask[window] = (unknown if other.mask is None else other.mask)[window]
    boxes, labels = keep_beside(sample.boxes, sample.labels, (left, top, right, bottom), min_visible, sample.points)
    corner = np.array([left, top] * 2, np.float32)
    inside = as_boxes(other.boxes) - corner
    inside, theirs = keep_visible(
        inside, other.labels, right - left, bottom - top, min_visible=min_visible, points=other.points
    )
    found = np.concatenate([boxes, inside + corner]), np.concatenate([labels, theirs])
    covered = (right - left) * (bottom - top) / (size[0] * size[1])
    shares = blend_shares(sample.shares, other.shares, 1 - covered)
    return Sample(image, *found, mask, shares, points=sample.points)


def keep_beside(boxes, labels, rectangle, min_visible=0.0, points=False):
    """The hull of what a rectangle leaves of each box, without those it hides: (N, 4), (N,) -> (K, 4), (K,).

    A rectangle over a corner or the middle of a box leaves its hull as it is. A box goes if a side is 1 pixel or less
    then, or if a smaller share than `min_visible` of its area is left. Of `points` those stay as they are whose boxes
    have their centre beside the rectangle.
    """
    boxes, labels = as_boxes(boxes), np.asarray(labels)
    if points:
        middles = centres(boxes)
        kept = ~((middles >= rectangle[:2]) & (middles <= rectangle[2:])).all(axis=1)
        return boxes[kept], labels[kept]
    low, high = boxes[:, :2], boxes[:, 2:]  # (N, 2) of x, y
    first, last = np.array(rectangle[:2], boxes.dtype), np.array(rectangle[2:], boxes.dtype)
    spans = (first <= low) & (last >= high)  # which of its sides the rectangle covers from end to end
    reached = spans[:, ::-1]  # along x a box can only become shorter where all of its height is covered, and vice versa
    hull_low = np.where(reached & (first <= low), np.maximum(low, last), low)
    hull_high = np.where(reached & (last >= high), np.minimum(high, first), high)
    hulls = np.concatenate([hull_low, hull_high], axis=1)
    hidden = area(np.concatenate([np.maximum(low, first), np.minimum(high, last)], axis=1))
    kept = (hull_high - hull_low > 1).all(axis=1) & (area(boxes) - hidden >= min_visible * area(boxes))
    return hulls[kept], labels[kept]


def blend(image, other, share):
    """`share` of the image and the rest of the other: two of uint8 (H, W, 3) -> a new one, rounded."""
    return cv2.addWeighted(image, share, other, 1 - share, 0)


def blend_shares(shares, others, share):
    """Shares of classes where an image has `share` and another one the rest: two of `Sample.shares` -> {class: share}.

    None where one of them has no class.
    """
    if shares is None or others is None:
        return None
    blended = {label: share * value for label, value in shares.items()}
    for label, value in others.items():
        blended[label] = blended.get(label, 0.0) + (1 - share) * value
    return blended


def _check_sizes(name, sample, other):
    """Raises ValueError where an operation on two samples was given two sizes."""
    if sample.size != other.size:
        sizes = f"{sample.size[0]}x{sample.size[1]} and {other.size[0]}x{other.size[1]}"
        raise ValueError(f"{name} was given images of {sizes}; list it after what places images on the canvas")


def _lines(middle, side, across):
    """Where the tiles of a side of the canvas begin, and its end: `across` + 1 whole pixels."""
    inner = (middle,) if across == 2 else (2 * middle / 3, (2 * middle + 1) / 3)
    return 0, *(round(share * side) for share in inner), side


def _offset(fraction, room, towards_end):
    """First pixel of an image in its tile: a random one if `room` is negative, else by the tile's place, 0 to 1."""
    return offset_of(fraction, room) if room < 0 else round(room * (1 - towards_end))


def _lay_tile(member, placement, canvas, mask, left, top, min_visible):
    """Draws a tile whose corner is (left, top) on canvas and mask -> its boxes there, its labels, the tile as read."""
    member, placement = read_for(member, placement, ENLARGED)
    check_mask(member)
    tile = slice(top, top + placement.canvas[1]), slice(left, left + placement.canvas[0])
    lay_image(member.image, placement, canvas[tile])
    if member.mask is not None:
        lay_mask(member.mask, placement, mask[tile])
    boxes = placement.forward(member.boxes)
    boxes, labels = keep_visible(boxes, member.labels, *placement.canvas, min_visible=min_visible, points=member.points)
    return boxes + np.array([left, top, left, top], boxes.dtype), labels, member
