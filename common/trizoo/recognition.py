"""Recognition for a program: `trizoo.load_recognizer` and what it returns."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from trizoo.api import as_text, load
from trizoo.data.images import as_image
from trizoo.deploy.runtimes import is_exported
from trizoo.gallery.file import load as load_gallery
from trizoo.gallery.file import save as save_gallery
from trizoo.gallery.gallery import Entry, Gallery
from trizoo.gallery.names import thing_name
from trizoo.gallery.pictures import digest_of, fingerprint
from trizoo.gallery.pipeline import MARGIN, RecognitionPipeline
from trizoo.gallery.threshold import with_threshold
from trizoo.ground.errors import UserError
from trizoo.tasks import task_of
from trizoo.weights.store import resolve_weights


class Recognizer:
    """Names what is in images; `trizoo.load_recognizer` makes it.

    Args:
        pipeline: a `trizoo.gallery.pipeline.RecognitionPipeline`
    """

    def __init__(self, pipeline: RecognitionPipeline):
        self.pipeline = pipeline

    def __call__(self, images: Any, *, batch_size: int = 8) -> Any:
        """The `Recognized` of an image, or a list of those of several.

        Args:
            images: a path, a Pillow image, an array uint8 (H, W, 3) RGB, (H, W, 4) or (H, W); or a list of these
            batch_size: images, and crops, at once

        Raises:
            UserError: for a file that can't be read
            ValueError: for what is no image, and a batch size below 1
        """
        _check_batch_size(batch_size)
        several = isinstance(images, list | tuple)
        found = list(self.pipeline(map(_read, images if several else [images]), batch_size))
        return found if several else found[0]

    @property
    def names(self) -> dict[str, int]:
        """{name: how many pictures the gallery has of it}, by the alphabet."""
        return self.pipeline.gallery.counts

    @property
    def threshold(self) -> float:
        """The least similarity of a known thing."""
        return self.pipeline.least

    def add(self, name: str, images: Any, *, batch_size: int = 8) -> int:
        """Puts pictures of a name, a new one or one that is there, into the gallery -> how many were new.

        The gallery's file stays as it is, see `save`. Its threshold follows its pictures unless a person chose it.

        Args:
            images: as of a call, each of this thing alone

        Raises:
            UserError: for a name that things can't have, and as a call does
            TypeError: for a name that is no text
        """
        _check_batch_size(batch_size)
        if not isinstance(name, str):
            raise TypeError(f"name is {name!r}; text is needed")
        name = thing_name(name)
        single = isinstance(images, str | Path | np.ndarray) or not isinstance(images, Iterable)
        images = [_read(image) for image in ([images] if single else images)]
        vectors = self.pipeline.embedder(images, batch_size)
        entries = [
            Entry(name, str(image) if isinstance(image, str | Path) else "", _digest(image), vector)
            for image, vector in zip(images, vectors, strict=True)
        ]
        before = len(self.pipeline.gallery)
        self._change(self.pipeline.gallery.joined(entries))
        return len(self.pipeline.gallery) - before

    def remove(self, name: str) -> None:
        """Takes all pictures of a name out of the gallery. Raises UserError where there are none."""
        self._change(self.pipeline.gallery.without([name]))

    def save(self, path: str | Path) -> None:
        """Writes the gallery to a file, as `trizoo gallery` does.

        A gallery that is there is replaced. Raises UserError for any other file.
        """
        if os.path.lexists(path):
            load_gallery(path)  # which refuses what is none
        save_gallery(path, self.pipeline.gallery)

    def _change(self, gallery: Gallery) -> None:
        self.pipeline.change(with_threshold(gallery)[0])


def load_recognizer(
    gallery: str | Path,
    embedding: str | Path,
    detector: str | Path | None = None,
    framework: str | None = None,
    *,
    device: str = "auto",
    offline: bool = False,
    threshold: float | None = None,
    neighbours: int = 1,
    confidence: float | None = None,
    max_detections: int | None = None,
    agnostic: bool = False,
    margin: float = MARGIN,
    whole: bool = False,
    exact: bool | None = None,
) -> Recognizer:
    """What names the things in images, as `trizoo recognize` does.

    Args:
        gallery: a file that `gallery build` made
        embedding: the weights that it was built with, as `trizoo.load` takes them
        detector: weights of what finds the things; None: each whole image is one thing
        framework, device, offline: as of `trizoo.load`
        threshold: the least similarity of a known thing, from -1 to 1; None: the gallery's, else 0.5
        neighbours: how many nearest pictures vote
        confidence: the detector's least score; None: its recipe's
        max_detections: most things of an image; None: its recipe's
        agnostic: whether two boxes of one thing are one whatever their classes
        margin: share of a box's sides that its crop has more to each side
        whole: whether the whole image is one more thing beside those that are found
        exact: whether every vector is looked at; None: in galleries of up to 100,000 pictures

    Raises:
        UserError: for files that don't fit one another, and as `trizoo.load`
        ValueError: for a number out of its range, and for one of the detector's without a detector
        TypeError: for a gallery or weights that are neither text nor a path
    """
    for name, value, least, most in (
        ("threshold", threshold, -1, 1),
        ("neighbours", neighbours, 1, np.inf),
        ("confidence", confidence, 0, 1),
        ("max_detections", max_detections, 1, np.inf),
        ("margin", margin, 0, 1),
    ):
        if value is None and name in ("neighbours", "margin"):
            raise ValueError(f"{name} is None; a number is needed")
        if value is not None and (not isinstance(value, Real) or not least <= value <= most):
            raise ValueError(f"{name} is {value!r}; {least} {'or more' if most == np.inf else f'to {most}'} is needed")
        if value is not None and most == np.inf and value != int(value):
            raise ValueError(f"{name} is {value!r}; a whole number is needed")
    of_detector = {"confidence": confidence, "max_detections": max_detections, "agnostic": agnostic, "whole": whole}
    for name, value in of_detector.items():
        if detector is None and value is not None and value is not False:
            raise ValueError(f"{name} is {value!r}, which is of what a detector finds; detector is needed too")
    pictures, text = load_gallery(as_text(gallery, "gallery")), as_text(embedding, "embedding")
    if not len(pictures):
        raise UserError(f"the gallery {gallery} holds no picture; trizoo gallery add puts some into it")
    given = {"device": device, "offline": offline}
    path = text if is_exported(text) else str(resolve_weights(text, offline=offline))
    model = _loaded(path, framework, "embedding", **given)
    pictures.check_embedding(fingerprint(path, model.spec, model.recipe), str(gallery))
    found = None
    if detector is not None:
        found = _loaded(as_text(detector, "detector"), framework, "detection", **given).pipeline
        wanted = {"score": confidence, "max_detections": max_detections}
        found = replace(found, **{name: value for name, value in wanted.items() if value is not None})
    return Recognizer(
        RecognitionPipeline(
            model.pipeline,
            pictures,
            found,
            threshold=threshold,
            neighbours=neighbours,
            margin=margin,
            whole=whole,
            agnostic=found.nms if agnostic and found is not None else None,
            exact=exact,
        )
    )


def _loaded(weights, framework, task, *, device, offline):
    """The Predictor of weights for a task. Raises UserError for those of another one."""
    framework = None if is_exported(weights) else framework
    model = load(weights, framework, device=device, offline=offline)
    if (other := task_of(model.spec.name).name) != task:
        raise UserError(f"{weights} is of {model.spec.name}, which is for {other}; a model for {task} is needed")
    return model


def _check_batch_size(batch_size):
    if not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"batch_size is {batch_size!r}; a whole number of at least 1 is needed")


def _read(image):
    """A path as it is, anything else as uint8 (H, W, 3)."""
    return image if isinstance(image, str | Path) else as_image(image)


def _digest(image):
    """SHA-256 of a picture's file, or of its pixels."""
    if isinstance(image, str | Path):
        try:
            return digest_of(image)
        except OSError as error:
            raise UserError(f"picture {image} can't be read: {error.strerror or error}") from None
    return hashlib.sha256(repr(image.shape).encode() + image.tobytes()).digest()
