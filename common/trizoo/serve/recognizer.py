"""Recognition that is served: things found, and named after a gallery."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from trizoo import __version__
from trizoo.data.photo import Photo
from trizoo.gallery.names import UNKNOWN
from trizoo.ground.conventions import GREY
from trizoo.ground.errors import UserError
from trizoo.pictures.palette import class_colours, shown_colour
from trizoo.serve.refused import RefusedError
from trizoo.serve.sent import sentence
from trizoo.serve.wish import RECOGNITION


@dataclass(frozen=True)
class ServedRecognizer:
    """A gallery and its models in use; see `trizoo.serve.model.Served`, whose place it takes.

    Images wait as the bytes that were sent, and are decoded by the batch: crops are cut out of all of their pixels.

    Args:
        weights: what the models and the gallery are called
        pipeline: a `trizoo.gallery.pipeline.RecognitionPipeline`
        runtime: what runs it, in words
        device: where, in words
        batch_size: images at once
    """

    weights: str
    pipeline: Any
    runtime: str
    device: str
    batch_size: int

    task = SimpleNamespace(name=RECOGNITION)

    @property
    def classes(self):
        """The gallery's names, and what is said of a thing that has none of them."""
        return (*self.pipeline.gallery.counts, UNKNOWN)

    def place(self, photo):
        """The Photo itself."""
        return photo

    def answers(self, asked):
        """A `Recognized` of each image: [(Photo, Wish)] -> list; a RefusedError of one that can't be read."""
        found = self.pipeline([photo for photo, _ in asked], self.batch_size, skip=True)
        return [RefusedError(415, sentence(one)) if isinstance(one, UserError) else one for one in found]

    def grey(self):
        """A grey image of the embedding's size."""
        width, height = self.pipeline.gallery.embedding["input_size"]
        return Photo.of(np.full((height, width, 3), GREY, np.uint8))

    def result(self, photo, found, wish):
        """An entry of recognize's recognized.json."""
        return found.to_dict(photo.name)

    def about(self):
        """What a client may want to know, for JSON."""
        made, colours = self.pipeline.gallery.embedding, class_colours(len(self.classes))
        return {
            "weights": self.weights,
            "model": made["model"],
            "task": self.task.name,
            "classes": list(self.classes),
            "colours": [shown_colour(colour) for colour in colours.tolist()],
            "input_size": list(made["input_size"]),
            "resize": made["resize"],
            "runtime": self.runtime,
            "device": self.device,
            "thresholds": {"similarity": self.pipeline.least},
            "version": __version__,
        }
