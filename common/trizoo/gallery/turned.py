"""Things that lie at any angle: one vector of a picture and of what it looks like in quarter turns."""

from collections import deque
from itertools import islice

import numpy as np

from trizoo.data.photo import Photo
from trizoo.gallery.gallery import unit
from trizoo.ground.errors import UserError

TURNS = 4  # quarter turns of a picture, from none to three


class Turned:
    """A pipeline of images -> vectors: the mean of those of a picture's quarter turns, of length 1.

    What a vector says of a thing's angle goes, what it says of the thing stays. It takes four times as long.

    Args:
        pipeline: of images -> vectors float32 (D,), as `trizoo.tasks.pipeline.ImagePipeline` is called
    """

    def __init__(self, pipeline):
        self.pipeline = pipeline

    def __call__(self, images, batch_size=8, *, skip=False):
        """Yields the vector of each image, in order, float32 (D,). See `trizoo.tasks.pipeline.ImagePipeline`."""
        waiting = deque()  # of each picture that was read: None, or why it can't be
        found = self.pipeline(_turns(images, waiting, skip), batch_size)
        for first in found:
            yield from self._failed(waiting, skip)
            waiting.popleft()
            vectors = np.stack([first, *islice(found, TURNS - 1)])
            yield unit(vectors.mean(0, keepdims=True))[0]
        yield from self._failed(waiting, skip)

    def _failed(self, waiting, skip):
        """The errors that stand before the next picture with a vector."""
        while waiting and waiting[0] is not None:
            if not skip:
                raise waiting[0]
            yield waiting.popleft()


def _turns(images, waiting, skip):
    """Yields each image that can be read, uint8 (H, W, 3), in its four turns; `waiting` gets what became of each."""
    for image in images:
        photo = image if isinstance(image, Photo) else Photo.of(image)
        try:
            pixels = photo.pixels()
        except UserError as error:
            waiting.append(error)
            if skip:
                continue
            return
        waiting.append(None)
        yield from (np.ascontiguousarray(np.rot90(pixels, turn)) for turn in range(TURNS))
