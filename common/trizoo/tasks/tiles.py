"""Large images, a tile at a time: small objects keep their pixels."""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from trizoo.data.photo import Photo
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Detections


@dataclass(frozen=True)
class TiledDetector:
    """A Detector that looks at tiles of an image, each placed as an image of its own, with one NMS over all of them.

    An image no larger than a tile has the answer that the Detector gives.

    Args:
        detector: a `trizoo.tasks.detect.Detector`
        tile: side of a tile in pixels; one over the image's end is moved back, so that all but small images' are full
        overlap: of a tile's side, at least, in [0, 1)
    """

    detector: Any
    tile: int
    overlap: float

    def __call__(self, images, batch_size=8, *, skip=False):
        """See `trizoo.tasks.pipeline.ImagePipeline`; a batch is one of tiles."""
        waiting = deque()  # of each image whose tiles are on their way their corners, or its UserError

        def tiles():
            for image in images:
                photo = image if isinstance(image, Photo) else Photo.of(image)
                try:
                    corners = self.corners(photo.size())
                    pixels = photo.pixels() if len(corners) > 1 else None
                except UserError as error:
                    if not skip:
                        raise
                    waiting.append(error)
                    continue
                waiting.append(corners)
                if pixels is None:
                    yield photo
                else:
                    for left, top in corners:
                        yield np.ascontiguousarray(pixels[top : top + self.tile, left : left + self.tile])

        found = []
        for of_tile in self.detector.loose()(tiles(), batch_size, skip=skip):
            while isinstance(waiting[0], UserError):
                yield waiting.popleft()
            found.append(of_tile)
            if len(found) == len(waiting[0]):
                yield self._whole(found, waiting.popleft())
                found = []
        yield from waiting

    def corners(self, size):
        """Left and top of the tiles of an image (width, height), row by row."""
        columns, rows = (_starts(side, self.tile, self.overlap) for side in size)
        return [(left, top) for top in rows for left in columns]

    def _whole(self, found, corners):
        """The Detections of an image from those of its tiles; the UserError of one that couldn't be looked at."""
        for of_tile in found:
            if isinstance(of_tile, UserError):
                return of_tile
        return self.detector.joined(
            [
                Detections(of_tile.boxes + np.array([left, top] * 2, np.float32), of_tile.scores, of_tile.labels)
                for of_tile, (left, top) in zip(found, corners, strict=True)
            ]
        )


def _starts(length, tile, overlap):
    """Where tiles begin along a side: as few as overlap by that share, evenly spread, the last at the end."""
    if length <= tile:
        return [0]
    gaps = -(-(length - tile) // max(1, int(tile * (1 - overlap))))
    return [round(number * (length - tile) / gaps) for number in range(gaps + 1)]
