"""What a data set gives: a record (what is known without reading the image) and a sample (with its pixels)."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Record:
    """One image and its ground truth, before any pixel is read.

    Args:
        id: the image's name in its data set (VOC: the stem; it may contain spaces and any script)
        image: the image file
        mask: the segmentation mask's file, or None
        boxes: float32 (N, 4) in the image's pixels, clipped to the image, every one with an area
        labels: int64 (N,), of the boxes; or class ids of the whole image, which may be any number
        difficult: bool (N,), VOC's flag: not counted in evaluation
        crowd: bool (N,), COCO's flag
        size: (width, height) as the image file's header says, EXIF orientation applied
        label: class id of the whole image, None where it has none
    """

    id: str
    image: Path
    size: tuple[int, int]
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    difficult: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    crowd: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    mask: Path | None = None
    label: int | None = None


@dataclass(frozen=True)
class Sample:
    """One image in memory with its ground truth, in the image's own pixels.

    Args:
        image: uint8 (H, W, 3) RGB
        boxes: float32 (N, 4)
        labels: int64 (N,)
        mask: uint8 (H, W) or None
        shares: {class id: its share} of the whole image: 1 of its class or of each label, less where images were
            blended; None where images have no classes
        points: whether boxes stand for their centres, however small they become
    """

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    mask: np.ndarray | None = None
    shares: dict[int, float] | None = None
    points: bool = False

    @property
    def label(self):
        """The class id of the greatest share, the first of equal ones; None where the image has no class."""
        return max(self.shares, key=self.shares.get) if self.shares else None

    @property
    def size(self):
        """(width, height) of the image."""
        return self.image.shape[1], self.image.shape[0]

    def replace(self, **changes):
        """A copy with some fields changed."""
        return replace(self, **changes)

    def read(self):
        """The sample itself: its pixels are in memory."""
        return self


@dataclass(frozen=True)
class Unread:
    """A sample whose pixels are read when it is known how many of them are wanted.

    Args:
        size: (width, height) of the whole image
        load: `load(at_least=(width, height))` -> Sample, which may be smaller than the image, not than asked
        largest: what is asked for where nothing says how large it will be shown
    """

    size: tuple[int, int]
    load: Callable[..., Sample]
    largest: tuple[int, int]

    def read(self):
        """The Sample, with no fewer pixels than `largest`, as far as the file has them."""
        return self.load(at_least=self.largest)


@dataclass(frozen=True)
class Detections:
    """What a detector found in one image, highest score first, in the original image's pixels.

    Args:
        boxes: float32 (N, 4)
        scores: float32 (N,) in [0, 1]
        labels: int64 (N,)
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray

    def __len__(self):
        return len(self.scores)

    def above(self, score):
        """Those with at least this score."""
        kept = self.scores >= score
        return Detections(self.boxes[kept], self.scores[kept], self.labels[kept])

    @classmethod
    def empty(cls):
        """No detections."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
