"""Multi-label targets: how much each image is of each class, and what the loss is divided by."""

import numpy as np

from trizoo.families.classification.targets import share_table


def assign(shares, num_classes):
    """Targets of a batch, from the labels of each image.

    Args:
        shares: an image's {class id: its share}, empty where it has no label; see `trizoo.ground.sample.Sample`

    Returns:
        shares: float32 (B, C), 1 for each of an image's labels, between 0 and 1 where images were blended
        normaliser: float32 (), how many images there are

    Raises:
        ValueError: for an image whose labels aren't known, and for an id that is none
    """
    return {"shares": share_table(shares, num_classes), "normaliser": np.float32(len(shares))}
