"""Pictures of class ids: uint8 (H, W) and an image of the same size in, a new picture out."""

import numpy as np

from trizoo.ground.conventions import IGNORE
from trizoo.pictures.palette import voc_palette

ALPHA = 0.6  # of a class's colour over the image


def blend(image, mask, alpha=ALPHA):
    """The image under its classes' colours (VOC's): uint8 (H, W, 3), (H, W) -> (H, W, 3).

    Class 0, mostly the background, and 255, which is ignored, leave the image as it is.
    """
    _check(image, mask)
    mixed = image * (1 - alpha) + voc_palette()[mask] * alpha + 0.5
    kept = (mask == 0) | (mask == IGNORE)
    return np.where(kept[..., None], image, mixed.astype(np.uint8))


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
