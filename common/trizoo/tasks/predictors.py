"""Trained models in the hands of a program: a class a task, which `trizoo.load` makes."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from trizoo.data.images import as_image
from trizoo.data.photo import Photo
from trizoo.ground.text import hint
from trizoo.pictures.draw_masks import blend
from trizoo.tasks.classify import above, ranked
from trizoo.tasks.found import Classified, Detections, Image, Keypoints, Labelled
from trizoo.tasks.pipeline import ImagePipeline


@dataclass(frozen=True)
class Predictor:
    """A trained model, ready for images; `trizoo.load` makes it.

    Args:
        model: the framework's own: nn.Module, tf.Module or keras.Model. Calling it on uint8 (B, H, W, 3) gives the
            outputs before decoding. Of an exported file a `trizoo.deploy.runtimes.Opened`
        spec: `trizoo.families.ModelSpec`: names, anchors, strides
        recipe: `trizoo.recipes.schema.Recipe`, as the checkpoint carries it
        framework: `trizoo.framework.Framework`
        device: the framework's own
        classes: names by class id
    """

    model: Any
    spec: Any
    recipe: Any
    framework: Any
    device: Any
    classes: tuple[str, ...]
    pipeline: ImagePipeline

    options: ClassVar[tuple[str, ...]] = ()  # of a call, beside batch_size

    def __call__(self, images: Any, *, batch_size: int = 8, **options: Any) -> Any:
        """The result of an image, or a list of those of several.

        Args:
            images: a path, a Pillow image, an array uint8 (H, W, 3) RGB, (H, W, 4) or (H, W); or a list of these
            batch_size: images at once
            options: see the task's own

        Raises:
            UserError: for a file that can't be read, a `trizoo.data.photo.UnreadableError`
            ValueError: for what is no image, and for an option out of its range
            TypeError: for an option that the task hasn't
        """
        if not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"batch_size is {batch_size!r}; a whole number of at least 1 is needed")
        for name in options:
            if name not in self.options:
                known = ", ".join(("batch_size", *self.options))
                raise TypeError(f"{name} is no option of a call{hint(name, self.options)}; there are {known}")
        several = isinstance(images, list | tuple)
        given = images if several else [images]
        places = (f"images[{number}]" if several else "the image" for number in range(len(given)))
        found = list(self._run(map(_read, given, places), batch_size, **options))
        return found if several else found[0]

    def heatmap(self, image: Any) -> np.ndarray:
        """How sure the network is at each of an image's pixels: float32 (H, W) in [0, 1].

        Of a detector the best score of a cell's boxes, of a segmentation model the likeliest class's share.

        Args:
            image: as for a call
        """
        (seen,) = replace(self.pipeline, heated=True)([_read(image, "the image")])
        return seen.heat()

    def _run(self, images: Iterable[Any], batch_size: int) -> Iterable[Any]:
        """The result of each image, as a user gets it."""
        return self.pipeline(images, batch_size)


class Detector(Predictor):
    """Finds objects: an image -> `Detections`.

    Options of a call:
        confidence: the least score; None: the recipe's, 0.5 unless it says otherwise
        nms: IoU above which the weaker of two boxes of a class goes; None: the recipe's
    """

    options = ("confidence", "nms")
    gives: ClassVar = Detections

    def _run(
        self, images: Iterable[Any], batch_size: int, confidence: float | None = None, nms: float | None = None
    ) -> Iterable[Detections]:
        wanted = {"score": confidence, "nms": nms}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        for name, value in wanted.items():
            if not isinstance(value, int | float | np.floating) or not 0 <= value <= 1:
                raise ValueError(f"{'confidence' if name == 'score' else name} is {value!r}; 0 to 1 is needed")
        sizes = deque()

        def noted():
            for image in images:
                photo = Photo.of(image)
                sizes.append(photo.size())
                yield photo

        for found in replace(self.pipeline, **wanted)(noted(), batch_size):
            yield self.gives(**vars(found), classes=self.classes, size=sizes.popleft())


class KeypointDetector(Detector):
    """Finds marks: an image -> `Keypoints`, which have `points`. Options of a call are a Detector's, less nms."""

    options = ("confidence",)
    gives: ClassVar = Keypoints


class Segmenter(Predictor):
    """A class for every pixel: an image -> uint8 (H, W) of class ids, in the image's own pixels."""

    def draw(self, image: "str | Path | Image", mask: np.ndarray) -> np.ndarray:
        """The image under the classes' colours: uint8 (H, W, 3)."""
        return blend(as_image(image), np.asarray(mask))


class Classifier(Predictor):
    """A class for a whole image: an image -> `Classified`, whose `name` is the likeliest class's."""

    def _run(self, images: Iterable[Any], batch_size: int) -> Iterable[Classified]:
        for found in self.pipeline(images, batch_size):
            labels = ranked(found)
            yield Classified(labels, found[labels], self.classes)


class MultilabelClassifier(Predictor):
    """Labels of a whole image: an image -> `Labelled`, whose `names` are those above the score.

    Options of a call:
        confidence: the least score; None: the recipe's, 0.5 unless it says otherwise
    """

    options = ("confidence",)

    def _run(self, images: Iterable[Any], batch_size: int, confidence: float | None = None) -> Iterable[Labelled]:
        score = self.recipe.predict.score if confidence is None else confidence
        if not isinstance(score, int | float | np.floating) or not 0 <= score <= 1:
            raise ValueError(f"confidence is {score!r}; 0 to 1 is needed")
        for found in self.pipeline(images, batch_size):
            labels = np.array(above(found, score), np.int64)
            yield Labelled(labels, found[labels], self.classes, found)


class Embedder(Predictor):
    """A vector for a whole image: an image -> float32 (D,) of length 1, whose products with others are cosines."""


def _read(image, place):
    """A path as it is, anything else as uint8 (H, W, 3); what is neither is named by its place."""
    if isinstance(image, str | Path):
        return image
    try:
        return as_image(image)
    except ValueError as error:
        raise ValueError(f"{place}, of type {type(image).__name__}: {error}") from error
