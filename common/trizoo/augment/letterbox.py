"""Placing an image on a canvas of the network's size, and taking boxes there and back.

Sizes are (width, height). Images are resized bilinearly, with antialiasing where they shrink to 2/3 or less; masks are
read at the nearest pixel's centre.
"""

import math
import operator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from trizoo.ground.boxes import as_boxes
from trizoo.ground.boxes import clip as clip_boxes
from trizoo.ground.conventions import GREY, IGNORE, POLICIES
from trizoo.ground.sample import Sample, Unread

CANVAS_MULTIPLE = 32  # pixels, of the canvases of "keep_ratio"


@dataclass(frozen=True)
class Placement:
    """Where an image of size `original`, resized to `resized`, lies on a canvas of size `canvas`.

    Sizes are (width, height) in whole pixels. `left` and `top` are the place of the resized image's first pixel on the
    canvas; they are negative where the image sticks out. Law: `inverse(forward(boxes)) == boxes`, to rounding.
    """

    original: tuple[int, int]
    canvas: tuple[int, int]
    resized: tuple[int, int]
    left: int
    top: int

    @property
    def scale_x(self):
        """Canvas pixels per original pixel, along the width; exact, since it comes from whole resized pixels."""
        return self.resized[0] / self.original[0]

    @property
    def scale_y(self):
        """Canvas pixels per original pixel, along the height."""
        return self.resized[1] / self.original[1]

    def forward(self, boxes):
        """Boxes in the original's pixels -> in the canvas's, not clipped: (..., 4) -> (..., 4) of the same dtype."""
        boxes = as_boxes(boxes)
        return (boxes * self._scale() + self._offset()).astype(boxes.dtype)

    def inverse(self, boxes, clip=False):
        """Boxes in the canvas's pixels -> in the original's: (..., 4) -> (..., 4); `clip` cuts them at its borders."""
        boxes = as_boxes(boxes)
        boxes = ((boxes - self._offset()) / self._scale()).astype(boxes.dtype)
        return clip_boxes(boxes, *self.original) if clip else boxes

    def _scale(self):
        return np.array([self.scale_x, self.scale_y] * 2)

    def _offset(self):
        return np.array([self.left, self.top] * 2, dtype=np.float64)


def as_size(size, name="size"):
    """The size as two ints. Raises ValueError where it isn't a (width, height) of whole numbers from 1."""
    try:
        width, height = (operator.index(side) for side in size)
    except (TypeError, ValueError):
        width = height = 0
    if width < 1 or height < 1:
        raise ValueError(f"{name} is {size!r}; (width, height) in whole pixels, both at least 1, is needed")
    return width, height


def fit(original, size, policy="letterbox"):
    """The placement of an image of size `original` on a canvas of size `size`, or, "keep_ratio" and "none", of its own.

    letterbox: the largest size of the same aspect that fits, at least 1 pixel a side, in the centre (an odd pixel of
    padding goes right or below). stretch: the whole canvas. keep_ratio: the largest size of the same aspect whose
    shorter and longer sides don't exceed those of `size`, in the top left corner of a canvas that is as large, rounded
    up to multiples of 32. pad: as it is in the top left corner of the whole canvas, smaller at the same aspect
    where it is larger than that. none: as it is, whatever `size`. Raises ValueError for another policy.
    """
    if policy not in POLICIES:
        raise ValueError(f"unknown resize policy {policy!r}; one of {', '.join(POLICIES)} is needed")
    width, height = original = as_size(original, "original")
    canvas_width, canvas_height = canvas = as_size(size)
    if policy == "none":
        return Placement(original, original, original, 0, 0)
    if policy == "keep_ratio":
        scale = min(min(canvas) / min(original), max(canvas) / max(original))
        resized = max(1, round(width * scale)), max(1, round(height * scale))
        canvas = tuple(-(-side // CANVAS_MULTIPLE) * CANVAS_MULTIPLE for side in resized)
        return Placement(original, canvas, resized, 0, 0)
    if policy == "pad":
        scale = min(1, canvas_width / width, canvas_height / height)
        resized = max(1, round(width * scale)), max(1, round(height * scale))
        return Placement(original, canvas, resized, 0, 0)
    if policy == "stretch":
        resized = canvas
    elif canvas_width * height <= canvas_height * width:
        resized = canvas_width, max(1, round(height * canvas_width / width))
    else:
        resized = max(1, round(width * canvas_height / height)), canvas_height
    left, top = (canvas_width - resized[0]) // 2, (canvas_height - resized[1]) // 2
    return Placement(original, canvas, resized, left, top)


def letterbox(image, size, fill=GREY):
    """The whole image at its own aspect, centred on a canvas: uint8 (h, w, 3) -> uint8 (H, W, 3), Placement."""
    placement = fit(_image_size(image), size, "letterbox")
    return paste_image(image, placement, fill), placement


def stretch(image, size):
    """The image resized to fill the canvas, whatever its aspect: uint8 (h, w, 3) -> uint8 (H, W, 3), Placement."""
    placement = fit(_image_size(image), size, "stretch")
    return paste_image(image, placement), placement


def resize(image, size, policy):
    """The image placed by one of POLICIES -> uint8 (H, W, 3), Placement. Raises ValueError for another policy."""
    placement = fit(_image_size(image), size, policy)
    return paste_image(image, placement), placement


def place_sample(sample, size, policy="letterbox", fill=GREY):
    """A sample on a canvas of this size, its boxes and mask along with it -> Sample, Placement.

    Every box stays, however small it becomes, so that rows still match the original's.
    """
    original = _image_size(sample.image) if isinstance(sample, Sample) else sample.size
    sample, placement = read_for(sample, fit(original, size, policy))
    return paste(sample, placement, fill), placement


def read_for(sample, placement, enlarged=1.0):
    """The sample with its pixels, no more than the placement shows where the file allows it, and its own placement.

    Sample or Unread, Placement -> Sample, Placement, the same for a sample in memory. Above 1, `enlarged`
    lets fewer pixels be read, which are then shown larger by up to this factor.
    """
    if not isinstance(sample, Unread):
        return sample, placement
    sample = sample.load(at_least=tuple(math.ceil(side / enlarged) for side in placement.resized))
    return sample, replace(placement, original=sample.size)


def paste(sample, placement, fill=GREY):
    """The sample as the placement says -> Sample of the canvas's size; boxes follow without being clipped."""
    check_mask(sample)
    mask = sample.mask
    return sample.replace(
        image=paste_image(sample.image, placement, fill),
        boxes=placement.forward(sample.boxes),
        mask=None if mask is None else paste_mask(mask, placement),
    )


def check_mask(sample):
    """Raises ValueError where a sample's mask isn't of its image's size."""
    mask = sample.mask
    if mask is not None and mask.shape != sample.size[::-1]:
        raise ValueError(f"mask has shape {mask.shape}; that of the image, {sample.size[::-1]}, is needed")


def paste_image(image, placement, fill=GREY):
    """The image, resized and laid on a canvas: uint8 (h, w, 3) -> a new uint8 (H, W, 3).

    An image that keeps its size keeps its pixels exactly.
    """
    canvas = grey_canvas(placement.canvas, fill)
    lay_image(image, placement, canvas)
    return canvas


def grey_canvas(size, fill):
    """A canvas of this size and grey level: uint8 (H, W, 3). Raises ValueError for a level outside [0, 255]."""
    if not 0 <= fill <= 255:
        raise ValueError(f"fill is {fill!r}; a grey level from 0 to 255 is needed")
    return np.full((size[1], size[0], 3), fill, np.uint8)


def lay_image(image, placement, canvas):
    """Writes the image where the placement says on a canvas that is there already, uint8 (H, W, 3), perhaps a view."""
    if _image_size(image) != placement.original:
        raise ValueError(f"image has size {_image_size(image)}; the placement's, {placement.original}, is needed")
    left, right = _visible(placement.left, placement.resized[0], placement.canvas[0])
    top, bottom = _visible(placement.top, placement.resized[1], placement.canvas[1])
    if left >= right or top >= bottom:
        return
    # all of it, also what isn't shown: OpenCV resizes five times as fast as it reads at places between pixels
    rows = slice(top - placement.top, bottom - placement.top)
    columns = slice(left - placement.left, right - placement.left)
    canvas[top:bottom, left:right] = resized(image, placement.resized)[rows, columns]


def resized(image, size):
    """The image at another size (width, height): uint8 (h, w, 3) -> uint8 (H, W, 3), itself where that is its own.

    It is read bilinearly at the whole multiple of the new sides that is nearest to the old ones, at least once, and
    then averaged over blocks of that many pixels: no pixel is left out, as none is by a bilinear shrinkage below 2.
    OpenCV's own averaging over fractions of pixels (INTER_AREA) takes two to four times as long.
    """
    original = _image_size(image)
    multiples = [max(1, round(old / new)) for old, new in zip(original, size, strict=True)]
    between = size[0] * multiples[0], size[1] * multiples[1]
    if between != original:
        image = cv2.resize(image, between, interpolation=cv2.INTER_LINEAR)
    if between == tuple(size):
        return image
    # the mean of two is what lies between them, and OpenCV takes a tenth of the time to read that of one side alone
    averaging = cv2.INTER_LINEAR if max(multiples) == 2 else cv2.INTER_AREA
    return cv2.resize(image, size, interpolation=averaging)


def in_one_size(arrays, fill, size=None):
    """Images or masks as one array, filled at the right and below where smaller: (h, w, ...) each -> (B, H, W, ...).

    Args:
        size: (width, height), None for the least that holds them all; none may be larger
    """
    width, height = size or tuple(max(array.shape[axis] for array in arrays) for axis in (1, 0))
    if all(array.shape[:2] == (height, width) for array in arrays):
        return np.stack(arrays)
    batch = np.full((len(arrays), height, width, *arrays[0].shape[2:]), fill, np.uint8)
    for place, array in zip(batch, arrays, strict=True):
        place[: array.shape[0], : array.shape[1]] = array
    return batch


def paste_mask(mask, placement):
    """The mask, resized to nearest and laid on a canvas of 255 (ignore): uint8 (h, w) -> a new uint8 (H, W)."""
    canvas = np.full((placement.canvas[1], placement.canvas[0]), IGNORE, np.uint8)
    lay_mask(mask, placement, canvas)
    return canvas


def lay_mask(mask, placement, canvas):
    """Writes the mask where the placement says on a canvas that is there already, uint8 (H, W), perhaps a view."""
    left, right = _visible(placement.left, placement.resized[0], placement.canvas[0])
    top, bottom = _visible(placement.top, placement.resized[1], placement.canvas[1])
    columns = _nearest(left - placement.left, right - placement.left, placement.original[0], placement.resized[0])
    rows = _nearest(top - placement.top, bottom - placement.top, placement.original[1], placement.resized[1])
    canvas[top:bottom, left:right] = mask[rows][:, columns]


def _image_size(image):
    """(width, height) of an image. Raises ValueError where it isn't uint8 (H, W, 3) with at least one pixel."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"image is {image.dtype} {image.shape}; uint8 (H, W, 3) with at least one pixel is needed")
    return image.shape[1], image.shape[0]


def _visible(start, length, limit):
    """First and last + 1 pixel of [0, limit) that [start, start + length) covers; equal where it covers none."""
    first = min(max(start, 0), limit)
    return first, max(first, min(start + length, limit))


def _nearest(first, last, original, resized):
    """The original pixels under the centres of the resized pixels first ... last - 1, in whole numbers: no rounding."""
    return (2 * np.arange(first, last) + 1) * original // (2 * resized)
