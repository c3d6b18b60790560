"""What a detector gives a program: the detections of an image, with names, drawn, and in the forms of others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from trizoo.data.images import as_image
from trizoo.ground.boxes import centres
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Detections as Found
from trizoo.pictures.draw import draw_detections
from trizoo.pictures.draw_class import draw_class, draw_classes
from trizoo.pictures.draw_points import draw_points


class Image(Protocol):
    """Anything that NumPy can read as an array of pixels: an array, a Pillow image."""

    __array_interface__: dict[str, Any]


@dataclass(frozen=True)
class Detections(Found):
    """What a detector found in one image, highest score first, in the image's own pixels.

    Args:
        boxes: float32 (N, 4), xmin, ymin, xmax, ymax
        scores: float32 (N,) in [0, 1]
        labels: int64 (N,), class ids from 0
        classes: names by class id
        size: (width, height) of the image, None where that isn't known
    """

    classes: tuple[str, ...] = ()
    size: tuple[int, int] | None = None

    @property
    def names(self) -> list[str]:
        """The class name of each detection."""
        return [self.classes[label] for label in self.labels]

    def above(self, score: float) -> "Detections":
        """Those with at least this score."""
        return replace(self, **vars(super().above(score)))

    def draw(self, image: "str | Path | Image") -> np.ndarray:
        """The image with boxes, names and scores: uint8 (H, W, 3).

        Args:
            image: the one that was looked at

        Raises:
            ValueError: for an image of another size
        """
        pixels = as_image(image)
        height, width = pixels.shape[:2]
        if self.size not in (None, (width, height)):
            raise ValueError(
                f"image is {width}x{height} pixels, and these boxes are of one of {self.size[0]}x{self.size[1]}; "
                f"that image is needed"
            )
        return self._drawn(pixels)

    def _drawn(self, pixels: np.ndarray) -> np.ndarray:
        return draw_detections(pixels, self, self.classes)

    def to_coco(self, image_id: int = 0, category_ids: Sequence[int] | None = None) -> list[dict[str, Any]]:
        """COCO's results: {"image_id", "category_id", "bbox": [x, y, width, height], "score"} each.

        Args:
            image_id: of the image
            category_ids: COCO's number of each class; None: the class id, from 0

        Raises:
            ValueError: where there aren't as many numbers as classes
        """
        numbers = range(len(self.classes)) if category_ids is None else category_ids
        if len(numbers) != len(self.classes):
            raise ValueError(f"category_ids has {len(numbers)} numbers; {len(self.classes)} are needed, one a class")
        corners = self.boxes.astype(np.float64)
        sides = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
        return [
            {"image_id": image_id, "category_id": int(numbers[label]), "bbox": box, "score": float(score)}
            for label, box, score in zip(self.labels, sides.tolist(), self.scores, strict=True)
        ]

    def to_supervision(self) -> Any:
        """As `supervision.Detections`, for that library's trackers and annotators. Raises UserError without it."""
        try:
            import supervision
        except ImportError as error:
            raise UserError("supervision isn't installed; pip install supervision would do") from error
        names = np.array(self.names, dtype=str)
        return supervision.Detections(self.boxes, None, self.scores, self.labels, data={"class_name": names})


@dataclass(frozen=True)
class Keypoints(Detections):
    """What a key point model found in one image: `Detections` whose boxes are two pixels about each point."""

    @property
    def points(self) -> np.ndarray:
        """float32 (N, 2), x and y in the image's own pixels."""
        return centres(self.boxes)

    def _drawn(self, pixels: np.ndarray) -> np.ndarray:
        return draw_points(pixels, self.points, self.labels, self.classes, self.scores)


@dataclass(frozen=True)
class Classified:
    """What a classifier says of one image, the likeliest class first.

    Args:
        labels: int64 (C,), class ids from 0
        scores: float32 (C,), how likely each is; they add up to 1
        classes: names by class id
    """

    labels: np.ndarray
    scores: np.ndarray
    classes: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The names of the classes, the likeliest first."""
        return [self.classes[label] for label in self.labels]

    @property
    def name(self) -> str:
        """The name of the likeliest class."""
        return self.classes[self.labels[0]]

    @property
    def score(self) -> float:
        """How likely that is."""
        return float(self.scores[0])

    def draw(self, image: "str | Path | Image") -> np.ndarray:
        """The image with the name of its class: uint8 (H, W, 3)."""
        return draw_class(as_image(image), int(self.labels[0]), self.classes, self.score)


@dataclass(frozen=True)
class Labelled:
    """What a multi-label classifier says of one image: the labels above a score, the likeliest first.

    Args:
        labels: int64 (N,), class ids from 0
        scores: float32 (N,) in [0, 1], how likely each is, whatever the others are
        classes: names by class id
        probabilities: float32 (C,), of all classes by class id
    """

    labels: np.ndarray
    scores: np.ndarray
    classes: tuple[str, ...]
    probabilities: np.ndarray

    @property
    def names(self) -> list[str]:
        """The names of the labels, the likeliest first."""
        return [self.classes[label] for label in self.labels]

    def draw(self, image: "str | Path | Image") -> np.ndarray:
        """The image with the names of its labels: uint8 (H, W, 3)."""
        return draw_classes(as_image(image), self.labels.tolist(), self.classes, self.scores.tolist())
