"""Galleries of random vectors, and an embedding that is none: the mean colour of a picture."""

import numpy as np

from trizoo.data.photo import Photo
from trizoo.gallery.gallery import Entry, Gallery
from trizoo.ground.errors import UserError

EMBEDDING = {"model": "embed-resnet18", "sha256": "ab" * 32, "input_size": [64, 64], "resize": "letterbox"}


def entries(count, names, dimensions=8, seed=0, start=0):
    """Entries with random vectors, names in turn."""
    vectors = np.random.default_rng([seed, start]).standard_normal((count, dimensions)).astype(np.float32)
    numbers = range(start, start + count)
    return [
        Entry(names[number % len(names)], f"{number:05d}.jpg", number.to_bytes(32, "big"), vector)
        for number, vector in zip(numbers, vectors, strict=True)
    ]


def gallery(count=20, names=("cat", "dog"), **options):
    """A gallery of random vectors."""
    return Gallery(EMBEDDING).joined(entries(count, names, **options))


def mean_colours(images, batch_size=8, *, skip=False):
    """A pipeline: the mean colour of each image, less grey, as a vector of length 1."""
    for image in images:
        try:
            pixels = (image if isinstance(image, Photo) else Photo.of(image)).pixels()
        except UserError as error:
            if not skip:
                raise
            yield error
            continue
        colour = pixels.reshape(-1, 3).mean(0) - 100
        yield (colour / np.linalg.norm(colour)).astype(np.float32)
