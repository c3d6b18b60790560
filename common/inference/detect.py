"""Detections of many images: read and place in threads, predict in batches, decode."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from common.augment.letterbox import GREY, fit, in_one_size, paste_image
from common.cores import available_cores
from common.data.images import read_image, read_size


@dataclass(frozen=True)
class Detector:
    """A trained model with all that its use needs. predict: raw heads from uint8 images, of a framework's predictor."""

    predict: Any
    spec: Any
    input_size: tuple[int, int]
    resize: str
    score: float
    nms: float
    max_detections: int = 100
    nms_method: str = "hard"

    def __call__(self, paths, batch_size=8):
        """Yields the `Detections` of each image file, in order, in its own pixels.

        While one batch is in the network the next one is read by a few threads. Raises UserError for a file that
        can't be read, once the images of the batches before it are out.
        """
        paths = iter(paths)
        pool = ThreadPoolExecutor(min(8, available_cores()))
        try:
            waiting = deque(pool.submit(self.place, path) for path in islice(paths, 2 * batch_size))
            while waiting:
                ready = [waiting.popleft().result() for _ in range(min(batch_size, len(waiting)))]
                waiting.extend(pool.submit(self.place, path) for path in islice(paths, len(ready)))
                yield from self.detect([image for image, _ in ready], [placement for _, placement in ready])
        finally:  # after an error, or when the caller wants no more, nothing else is read
            pool.shutdown(cancel_futures=True)

    def place(self, path):
        """An image file at the input size, and where it lies there: path -> uint8 (H, W, 3), Placement."""
        placement = fit(read_size(path), self.input_size, self.resize)
        image = read_image(path, at_least=placement.canvas)
        # a large JPEG may be decoded smaller; boxes go back to the size it has on disk
        here = replace(placement, original=(image.shape[1], image.shape[0]))
        return paste_image(image, here), placement

    def detect(self, images, placements):
        """The detections of images that are on their canvases already."""
        images = in_one_size(images, GREY)
        return self.spec.decode(
            self.predict(images),
            placements,
            images.shape[2:0:-1],
            score=self.score,
            threshold=self.nms,
            max_detections=self.max_detections,
            method=self.nms_method,
        )
