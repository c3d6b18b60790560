"""Random changes of hue, saturation and value."""

import numpy as np

PIXELS_AT_ONCE = 65536  # so that a block's planes stay in the processor's caches
FRACTIONS = 256  # steps of hue within each of the six sectors


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

    Hue runs from 0 (red) through 1/3 (green) and 2/3 (blue) to 1 (red again) and wraps; saturation and value clip.
    Gains of 1 return the very same pixels. Pillow's conversion there and back takes about four times as long.
    """
    result = np.empty_like(image, order="C")
    pixels, output = image.reshape(-1, 3), result.reshape(-1, 3)
    shares = _shares_by_hue(hue)
    # arrays, since NumPy's maximum and minimum take five times as long with a number
    ones, highest_gain = np.ones(PIXELS_AT_ONCE, np.uint8), np.full(PIXELS_AT_ONCE, value, np.float32)
    for start in range(0, len(pixels), PIXELS_AT_ONCE):
        block = slice(start, start + PIXELS_AT_ONCE)
        red, green, blue = np.ascontiguousarray(pixels[block].T)  # (n, 3) -> (3, n)
        one = ones[: len(red)]
        highest = np.maximum(np.maximum(red, green), blue)
        lowest = np.minimum(np.minimum(red, green), blue)
        middle = red ^ green ^ blue ^ highest ^ lowest  # what the other two leave over
        order = (blue > red).view(np.uint8)
        for holds in (green >= blue, red >= green):
            order += order
            order += holds.view(np.uint8)
        chroma = highest - lowest
        fraction = np.divide(middle - lowest, np.maximum(chroma, one), dtype=np.float32)
        fraction *= FRACTIONS - 1
        fraction += 0.5
        hues = order.astype(np.uint16)
        hues *= FRACTIONS
        hues += fraction.astype(np.uint8)
        hues = hues.astype(np.intp)

        gain = np.float32(value)
        if value > 1:
            gain = np.divide(255, np.maximum(highest, one), dtype=np.float32)
            np.minimum(gain, highest_gain[: len(red)], out=gain)
        new_value, new_chroma = highest.astype(np.float32), chroma.astype(np.float32)
        new_value *= gain
        gain *= np.float32(saturation)
        new_chroma *= gain
        np.minimum(new_chroma, new_value, out=new_chroma)  # saturation clips at 1
        new_lowest = new_value - new_chroma
        new_lowest += 0.5  # so that the cast to uint8 rounds
        for channel, share in enumerate(shares):
            plane = share.take(hues, mode="wrap")  # "wrap" spares the check of indices, right by construction
            plane *= new_chroma
            plane += new_lowest
            output[block, channel] = plane.astype(np.uint8)
    return result


def _shares_by_hue(gain):
    """What part of the chroma red, green and blue get at each old hue: float32 (3, 8 * FRACTIONS) in [0, 1].

    The index is `order * FRACTIONS + fraction`: order tells which of red >= green (1), green >= blue (2) and
    blue > red (4) hold, fraction how far the middle channel is from the lowest to the highest one.
    """
    fraction = np.arange(FRACTIONS, dtype=np.float32) / (FRACTIONS - 1)
    old = np.zeros((8, FRACTIONS), np.float32)  # in sixths of the circle; orders 0 and 7 contradict themselves
    old[1 + 2] = fraction  # red >= green >= blue
    old[2] = 2 - fraction  # green > red >= blue
    old[2 + 4] = 2 + fraction  # green >= blue > red
    old[4] = 4 - fraction  # blue > green > red
    old[1 + 4] = 4 + fraction  # blue > red >= green
    old[1] = 6 - fraction  # red >= blue > green
    new = (old * gain % 6).reshape(-1)
    shares = np.stack([np.abs(new - 3) - 1, 2 - np.abs(new - 2), 2 - np.abs(new - 4)])
    return np.clip(shares, 0, 1)
