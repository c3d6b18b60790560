"""Random changes of colour and brightness. Boxes and mask stay."""

import cv2
import numpy as np

from trizoo.augment.geometry import happens

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


def brightness_contrast(sample, rng, brightness=0.2, contrast=0.2, probability=0.5):
    """With this probability the sample brighter or darker, and with more or less contrast -> Sample.

    Levels are spread by 1 + U(-1, 1) * contrast about the image's mean level, then 255 * U(-1, 1) * brightness is
    added, the same in all three channels. That is what `hsv` can't do: its value is a gain, which leaves black black.

    Always three draws. Raises ValueError for a strength or probability outside [0, 1].
    """
    for name, number in (("brightness", brightness), ("contrast", contrast)):
        if not 0 <= number <= 1:
            raise ValueError(f"{name} is {number!r}; a number from 0 to 1 is needed")
    happening, (light, spread) = happens(rng, probability), rng.uniform(-1, 1, 2)
    if not happening:
        return sample
    return sample.replace(image=scale_levels(sample.image, 1 + spread * contrast, light * brightness))


def scale_levels(image, gain, offset):
    """The image with levels spread about its mean and moved: uint8 (H, W, 3) -> a new uint8 (H, W, 3), clipped.

    Args:
        gain: what distances from the mean level are multiplied by
        offset: share of 255 that is added
    """
    mean = sum(cv2.mean(image)[:3]) / 3
    levels = (np.arange(256) - mean) * gain + mean + 255 * offset
    return cv2.LUT(image, np.clip(np.rint(levels), 0, 255).astype(np.uint8))


def clahe(sample, rng, probability=0.25, clip=(1.0, 4.0), tiles=8):
    """With this probability the sample with its lightness equalised in each of tiles x tiles parts -> Sample.

    Contrast-limited adaptive histogram equalisation (Zuiderveld 1994) of L in CIELAB, by OpenCV; a and b stay, but for
    rounding and clipping.

    Always two draws. Raises ValueError for a clip that isn't 0 < low <= high and for less than one tile.

    Args:
        clip: how far above the mean a bin of a tile's histogram may rise is drawn from U(*clip)
        tiles: along each side
    """
    low, high = clip
    if not 0 < low <= high:
        raise ValueError(f"clip is {clip!r}; a pair with 0 < low <= high is needed")
    if tiles < 1:
        raise ValueError(f"tiles is {tiles!r}; a whole number from 1 is needed")
    happening, limit = happens(rng, probability), rng.uniform(low, high)
    if not happening:
        return sample
    pixels = cv2.cvtColor(sample.image, cv2.COLOR_RGB2LAB)
    lightness = cv2.createCLAHE(limit, (tiles, tiles)).apply(cv2.extractChannel(pixels, 0))
    cv2.insertChannel(lightness, pixels, 0)
    return sample.replace(image=cv2.cvtColor(pixels, cv2.COLOR_LAB2RGB))
