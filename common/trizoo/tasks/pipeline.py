"""Many images through a network: read and place in threads, predict in batches."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import Any

import numpy as np

from trizoo.augment.letterbox import fit, in_one_size, paste_image
from trizoo.data.images import read_image, read_size
from trizoo.families import check_input_size
from trizoo.ground.conventions import GREY
from trizoo.ground.cores import available_cores
from trizoo.ground.errors import UserError


@dataclass(frozen=True)
class ImagePipeline:
    """A trained model with all that its use needs; what comes of an image, `results` says.

    Args:
        predict: outputs from uint8 images, of a framework's predictor
        spec: the model's
        input_size: (width, height)
        resize: a policy of `trizoo.augment.letterbox`
    """

    predict: Any
    spec: Any
    input_size: tuple[int, int]
    resize: str

    def __call__(self, paths, batch_size=8):
        """Yields the result of each image, a file or an array uint8 (H, W, 3), in order, in its own pixels.

        While one batch is in the network the next one is read by a few threads. Where images are used as they are,
        those of one size go together, so that none is filled up to another's. Raises UserError for a file that can't be
        read and for an image that the model doesn't take as it is, once the images of the batches before it are out.
        """
        paths = iter(paths)
        pool = ThreadPoolExecutor(min(8, available_cores()))
        try:
            waiting = deque(pool.submit(self.place, path) for path in islice(paths, 2 * batch_size))
            while waiting:
                ready = [waiting.popleft().result() for _ in range(min(batch_size, len(waiting)))]
                waiting.extend(pool.submit(self.place, path) for path in islice(paths, len(ready)))
                for batch in self._batches(ready):
                    images = in_one_size([image for image, _ in batch], GREY)
                    yield from self.results(self.predict(images), [placement for _, placement in batch], images)
        finally:  # after an error, or when the caller wants no more, nothing else is read
            pool.shutdown(cancel_futures=True)

    def place(self, path):
        """An image, a file or an array, on its canvas, and where it lies there -> uint8 (H, W, 3), Placement."""
        if isinstance(path, np.ndarray):
            placement = self._fit((path.shape[1], path.shape[0]), "an image in memory")
            return paste_image(path, placement), placement
        placement = self._fit(read_size(path), f"image {path}")
        image = read_image(path, at_least=placement.canvas)
        # a large JPEG may be decoded smaller; what is found goes back to the size it has on disk
        here = replace(placement, original=(image.shape[1], image.shape[0]))
        return paste_image(image, here), placement

    def _fit(self, size, image):
        """The Placement of an image of this (width, height). Raises UserError where it is used as it is and can't be.

        Args:
            image: what it is called
        """
        if self.resize == "none":
            check_own_size(self.spec.name, size, image)
        return fit(size, self.input_size, self.resize)

    def _batches(self, ready):
        """The batches that images on their canvases, with Placements, go through the network in: lists of them."""
        if self.resize != "none":
            return [ready]
        return [list(alike) for _, alike in groupby(ready, key=lambda placed: placed[0].shape)]

    def results(self, outputs, placements, images):
        """The result of each image of a batch: outputs, Placements, the images on their canvases."""
        raise NotImplementedError


def check_own_size(model, size, image):
    """UserError where a model doesn't take an image of this (width, height) as it is; it names the nearest sizes.

    Args:
        image: what it is called
    """
    try:
        check_input_size(model, size)
    except UserError as error:
        raise UserError(f"{image} is used as it is, since resize is none: {error}") from None
