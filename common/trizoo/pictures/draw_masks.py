"""Pictures of class ids: uint8 (H, W) and an image of the same size in, a new picture out."""

import math

import numpy as np

from trizoo.ground.conventions import IGNORE
from trizoo.pictures.palette import mask_colours, voc_palette

ALPHA = 0.6  # of a class's colour over the image
FAINT = 0.45  # of it where borders say where the class ends
LUMA = np.array([0.299, 0.587, 0.114])  # how bright red, green and blue look (ITU-R BT.601)
STRIPE = 6  # pixels from one stripe over what is ignored to the next
IGNORED_TEXT = "ignored"


def blend(image, mask, alpha=ALPHA):
    """The image under its classes' colours (VOC's): uint8 (H, W, 3), (H, W) -> (H, W, 3).

    Class 0, mostly the background, and 255, which is ignored, leave the image as it is.
    """
    _check(image, mask)
    mixed = image * (1 - alpha) + voc_palette()[mask] * alpha + 0.5
    kept = (mask == 0) | (mask == IGNORE)
    return np.where(kept[..., None], image, mixed.astype(np.uint8))


def draw_mask(image, mask, num_classes):
    """The image with its classes, to judge a mask by: uint8 (H, W, 3), (H, W) -> (H, W, 3).

    Each class lies faintly in its colour of `mask_colours` over its pixels, which are grey there, so that the colour is
    no other's, with its border in full, as thick as lines of boxes. Class 0 leaves the image as it is; over 255, which
    is ignored, go stripes. Raises ValueError for a class id beyond C - 1.

    Args:
        num_classes: C
    """
    _check(image, mask)
    strange = mask[(mask >= num_classes) & (mask != IGNORE)]
    if strange.size:
        raise ValueError(f"mask holds {strange[0]}; 0 to {num_classes - 1} are classes, and {IGNORE} is ignored")
    table = np.zeros((256, 3), np.uint8)
    table[:num_classes] = mask_colours(num_classes)
    kept, ignored = mask == 0, mask == IGNORE
    grey = (image @ LUMA)[..., None]
    mixed = grey * (1 - FAINT) + table[mask] * FAINT + 0.5
    picture = np.where((kept | ignored)[..., None], image, mixed.astype(np.uint8))
    picture = np.where(ignored[..., None], stripes(picture), picture)
    border = _border(mask, max(1, round(math.sqrt(mask.size) / 280))) & ~kept & ~ignored
    picture[border] = table[mask[border]]
    return picture


def stripes(image):
    """Oblique light and dark stripes over an image: uint8 (H, W, 3) -> a new one."""
    rows, columns = np.indices(image.shape[:2])
    light = (rows + columns) % STRIPE < STRIPE // 2
    return (image * 0.4 + np.where(light[..., None], 0.6 * 235, 0.6 * 60) + 0.5).astype(np.uint8)


def _border(mask, thickness):
    """Pixels less than `thickness` steps away from one of another class: (H, W) -> bool (H, W)."""
    border = np.zeros(mask.shape, bool)
    _mark_pairs(border, mask[:, 1:] != mask[:, :-1], mask[1:] != mask[:-1])
    for _ in range(thickness - 1):
        _mark_pairs(border, border[:, 1:] | border[:, :-1], border[1:] | border[:-1])
    return border


def _mark_pairs(marked, aside, down):
    """Marks both pixels of neighbours: (H, W), whether those side by side (H, W - 1), one over another (H - 1, W)."""
    marked[:, 1:] |= aside
    marked[:, :-1] |= aside
    marked[1:] |= down
    marked[:-1] |= down


def colours(mask):
    """The classes' colours alone (VOC's): uint8 (H, W) -> (H, W, 3)."""
    return voc_palette()[mask]


def cut_out(image, mask):
    """What is of class 1 or above, on nothing: uint8 (H, W, 3), (H, W) -> (H, W, 4), transparent elsewhere."""
    _check(image, mask)
    opaque = np.where((mask == 0) | (mask == IGNORE), 0, 255).astype(np.uint8)
    return np.concatenate([image, opaque[..., None]], axis=2)


def _check(image, mask):
    if mask.dtype != np.uint8 or mask.shape != image.shape[:2]:
        raise ValueError(f"mask is {mask.dtype} {mask.shape}; uint8 {image.shape[:2]}, the image's size, is needed")
