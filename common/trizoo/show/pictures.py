"""One sample as a picture of a size to look at: its boxes or marks with their names, its mask, or its class."""

import cv2
import numpy as np

from trizoo.ground.boxes import centres
from trizoo.pictures.draw import contact_sheet, draw_boxes
from trizoo.pictures.draw_class import draw_classes
from trizoo.pictures.draw_masks import draw_mask
from trizoo.pictures.draw_points import draw_points
from trizoo.pictures.legend import draw_legend

SIDE = 640  # pixels, the longer side of a picture on a sheet
LARGE_SIDE = 1600  # the most of one that is shown alone
BLOCKY = 3  # enlarged this much or more, pixels are shown as squares
CELL_WIDTH, CELL_HEIGHTS, COLUMNS = 480, (240, 640), 4  # of pictures in one


def annotated(sample, class_names, side=SIDE):
    """The sample's image with its annotations, its longer side of this many pixels: Sample -> uint8 (H, W, 3) RGB.

    It is brought to that size first, so that lines and letters are as large in every picture.
    """
    width, height = sample.size
    ratio = side / max(width, height)
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    if ratio < 1:
        how = cv2.INTER_AREA
    else:
        how = cv2.INTER_NEAREST if ratio >= BLOCKY else cv2.INTER_CUBIC
    image = cv2.resize(sample.image, size, interpolation=how)
    if sample.mask is not None:
        mask = cv2.resize(sample.mask, size, interpolation=cv2.INTER_NEAREST)
        return draw_mask(image, mask, len(class_names))
    if sample.shares is not None:
        ordered = by_share(sample.shares)
        return draw_classes(
            image, [*ordered], class_names, [share if share < 1 else None for share in ordered.values()]
        )
    scale = np.array([size[0] / width, size[1] / height] * 2)
    if sample.points:
        return draw_points(image, centres(sample.boxes * scale), sample.labels, class_names)
    return draw_boxes(image, sample.boxes * scale, sample.labels, class_names)


def by_share(shares):
    """The classes of a whole image with their shares, the greatest first: {class id: share} -> the same, in order."""
    return dict(sorted(shares.items(), key=lambda pair: -pair[1]))


def large_side(size):
    """The longer side of the picture of an image of this size (width, height) that is shown alone."""
    return min(LARGE_SIDE, max(2 * SIDE, *size))


def sheet(pictures, class_names=None):
    """Pictures row by row in one, on cells of the first one's shape: -> uint8 (H, W, 3) RGB.

    Args:
        class_names: of pictures of masks, whose legend then stands below; None for pictures of boxes
    """
    height, width = pictures[0].shape[:2]
    least, most = CELL_HEIGHTS
    cell = CELL_WIDTH, min(most, max(least, round(CELL_WIDTH * height / width)))
    together = contact_sheet(pictures, COLUMNS, cell)
    if class_names is None:
        return together
    return np.concatenate([together, draw_legend(class_names, together.shape[1])])
