"""Random changes of hue, saturation and value."""

import cv2
import numpy as np

HUES, HUES_BACK = 256, 255  # steps of the circle of hues in OpenCV's "full" conversions to HSV and from it


def hsv(sample, rng, hue=0.1, saturation=0.7, value=0.4, probability=1.0):
    """The sample with hue, saturation and value multiplied by 1 + U(-1, 1) * strength each -> Sample.

    Applied with this probability. Always four draws. Raises ValueError for a strength or probability outside [0, 1].
    """
    for name, number in (("hue", hue), ("saturation", saturation), ("value", value), ("probability", probability)):
        if not 0 <= number <= 1:
            raise ValueError(f"{name} is {number!r}; a number from 0 to 1 is needed")
    happens = rng.random() < probability
    gains = (1 + rng.uniform(-1, 1, 3) * (hue, saturation, value)).tolist()
    if not happens:
        return sample
    return sample.replace(image=scale_hsv(sample.image, *gains))


def scale_hsv(image, hue, saturation, value):
    """The image with its HSV channels multiplied by these gains: uint8 (H, W, 3) -> a new uint8 (H, W, 3).

    Hue runs from 0 (red) through 1/3 (green) and 2/3 (blue) to 1 (red again) and wraps; saturation and value clip. In
    between each is kept in a byte, so a saturated colour may be off by a few levels; grey stays grey, and gains of 1
    return the very same pixels.
    """
    if hue == saturation == value == 1:
        return image.copy()
    pixels = cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL)
    # a third of the time of a table for all three channels; but hue wraps
    pixels = cv2.transform(pixels, np.diag([1.0, saturation, value]))
    turned = (np.rint(np.arange(HUES) * (hue * HUES_BACK / HUES)) % HUES_BACK).astype(np.uint8)
    cv2.insertChannel(cv2.LUT(cv2.extractChannel(pixels, 0), turned), pixels, 0)
    return cv2.cvtColor(pixels, cv2.COLOR_HSV2RGB_FULL)
