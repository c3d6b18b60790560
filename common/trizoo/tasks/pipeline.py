"""Many images through a network: read and place in threads, predict in batches."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np

from trizoo.augment.letterbox import fit, paste_image
from trizoo.data.photo import Photo
from trizoo.families import size_around
from trizoo.families.base.heat import heat_map
from trizoo.families.base.shortlist import Shortlist
from trizoo.ground.cores import available_cores
from trizoo.ground.errors import UserError


@dataclass(frozen=True)
class Heated:
    """The result of an image, and how sure the network was where.

    Args:
        found: the result
        levels: `trizoo.families.base.heat.CellScores` of the image
        placement: where it lay on the input
    """

    found: Any
    levels: list
    placement: Any

    def heat(self):
        """See `trizoo.families.base.heat.heat_map`."""
        return heat_map(self.levels, self.placement)


@dataclass(frozen=True)
class ImagePipeline:
    """A trained model with all that its use needs; what comes of an image, `results` says.

    Args:
        predict: outputs from uint8 images, of a framework's predictor
        spec: the model's
        input_size: (width, height)
        resize: a policy of `trizoo.augment.letterbox`
        heated: whether results come as `Heated`
    """

    predict: Any
    spec: Any
    input_size: tuple[int, int]
    resize: str
    heated: bool = field(default=False, kw_only=True)

    def __call__(self, images, batch_size=8, *, skip=False):
        """Yields the result of each image, in order, in its own pixels.

        While one batch is in the network the next one is read by a few threads. Only images on canvases of one size go
        through the network together, so that an image has one answer whatever else is in its batch.

        Args:
            images: files, arrays uint8 (H, W, 3), or `trizoo.data.photo.Photo`s
            batch_size: images at once
            skip: an image that can't be read, or that the model doesn't take as it is, has its UserError as its result

        Raises:
            UserError: for such an image without `skip`, once the images of the batches before it are out
        """
        images = iter(images)
        pool = ThreadPoolExecutor(min(8, available_cores()))
        try:
            waiting = deque(pool.submit(self.place, image) for image in islice(images, 2 * batch_size))
            while waiting:
                ready = [_placed(waiting.popleft(), skip) for _ in range(min(batch_size, len(waiting)))]
                waiting.extend(pool.submit(self.place, image) for image in islice(images, len(ready)))
                yield from self.answers(ready)
        finally:  # after an error, or when the caller wants no more, nothing else is read
            pool.shutdown(cancel_futures=True)

    def place(self, image):
        """An image on its canvas, and where it lies there -> uint8 (H, W, 3), Placement."""
        photo = image if isinstance(image, Photo) else Photo.of(image)
        placement = self._fit(photo)
        pixels = photo.pixels(at_least=placement.canvas)
        # a large JPEG may be decoded smaller; what is found goes back to the size it has on disk
        here = replace(placement, original=(pixels.shape[1], pixels.shape[0]))
        return paste_image(pixels, here), placement

    def _fit(self, photo):
        """The Placement of a Photo. Raises UserError where it is used as it is and can't be.

        An image that is used as it is gets a border, right and below, where the model doesn't take its size.
        """
        size = photo.size()
        if self.resize == "none":
            return fit(size, own_canvas(self.spec.name, size, f"image {photo.name}"), "pad")
        return fit(size, self.input_size, self.resize)

    def answers(self, ready):
        """The results of placed images, of an error that very error, in order.

        Args:
            ready: (image, Placement) or UserError of each
        """
        answers, alike = list(ready), {}
        for number, placed in enumerate(ready):
            if not isinstance(placed, UserError):
                alike.setdefault(placed[0].shape, []).append(number)
        for numbers in alike.values():
            images = np.stack([ready[number][0] for number in numbers])
            outputs, placements = self.predict(images), [ready[number][1] for number in numbers]
            if self.heated and isinstance(outputs, Shortlist):  # the map is of every row
                outputs = outputs.whole()
            found = self.results(outputs, placements, images)
            if self.heated:
                levels = self.spec.heat(outputs, images.shape[2:0:-1])
                found = [
                    Heated(result, [level.of(place) for level in levels], placements[place])
                    for place, result in enumerate(found)
                ]
            for number, result in zip(numbers, found, strict=True):
                answers[number] = result
        return answers

    def results(self, outputs, placements, images):
        """The result of each image of a batch: outputs, Placements, the images on their canvases."""
        raise NotImplementedError


def _placed(future, skip):
    """What `ImagePipeline.place` gave in a thread, or its UserError where that is skipped."""
    try:
        return future.result()
    except UserError as error:
        if not skip:
            raise
        return error


def own_canvas(model, size, image):
    """The (width, height) of the canvas of an image that isn't resized: see `trizoo.families.size_around`.

    Args:
        image: what it is called in the UserError where there is none
    """
    try:
        return size_around(model, size)
    except UserError as error:
        raise UserError(f"{image} is used as it is, since resize is none: {error}") from None
