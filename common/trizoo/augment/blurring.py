"""The image out of focus, so that no single sharp edge is enough to know an object by. Boxes and mask stay."""

import numpy as np
from PIL import Image, ImageFilter

from trizoo.augment.geometry import happens


def blur(sample, rng, probability=0.25, sigma=(0.5, 1.5)):
    """With this probability the sample blurred by a Gaussian of a standard deviation from U(*sigma) pixels -> Sample.

    A kernel of 5 x 5, as other trainings of DeepLabv3+ use, is that of about 1.1. Pillow's Gaussian is three box
    filters; beyond the image's border it sees the border's own pixels.

    Always two draws. Raises ValueError for a sigma that isn't 0 < low <= high.
    """
    low, high = sigma
    if not 0 < low <= high:
        raise ValueError(f"sigma is {sigma!r}; a pair with 0 < low <= high is needed")
    happening, deviation = happens(rng, probability), rng.uniform(low, high)
    if not happening:
        return sample
    return sample.replace(image=np.array(Image.fromarray(sample.image).filter(ImageFilter.GaussianBlur(deviation))))
