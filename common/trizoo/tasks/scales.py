"""Images at several sizes of the network's input: what each shows best counts."""

import itertools
from dataclasses import dataclass, replace
from typing import Any

from trizoo.families import architecture, check_input_size
from trizoo.ground.errors import UserError
from trizoo.tasks.segment import Segmenter, class_ids


@dataclass(frozen=True)
class ScaledDetector:
    """A Detector that looks at each image at several input sizes, with one NMS over all boxes.

    Args:
        detector: a `trizoo.tasks.detect.Detector`
        sizes: (width, height) each
    """

    detector: Any
    sizes: tuple[tuple[int, int], ...]

    def __call__(self, images, batch_size=8, *, skip=False):
        """See `trizoo.tasks.pipeline.ImagePipeline`."""
        for several in _at_sizes(self.detector.loose(), self.sizes, images, batch_size, skip):
            yield several if isinstance(several, UserError) else self.joined(several)

    def loose(self):
        """See `trizoo.tasks.detect.Detector`."""
        return replace(self, detector=self.detector.loose())

    def joined(self, several):
        """See `trizoo.tasks.detect.Detector`."""
        return self.detector.joined(several)


@dataclass(frozen=True)
class ScaledSegmenter:
    """A Segmenter that looks at each image at several input sizes; the mean of the logits at its own size counts.

    Args:
        segmenter: a `trizoo.tasks.segment.Segmenter`
        sizes: (width, height) each
    """

    segmenter: Any
    sizes: tuple[tuple[int, int], ...]

    def __call__(self, images, batch_size=8, *, skip=False):
        """See `trizoo.tasks.pipeline.ImagePipeline`."""
        for several in _at_sizes(_Logits(**vars(self.segmenter)), self.sizes, images, batch_size, skip):
            if isinstance(several, UserError):
                yield several
            else:
                first, *others = several
                yield class_ids(*first, *others)


class _Logits(Segmenter):
    """A Segmenter that stops at the logits of each image and its Placement."""

    def results(self, outputs, placements, images):
        return list(zip(self.logits(outputs, images), placements, strict=True))


def _at_sizes(pipeline, sizes, images, batch_size, skip):
    """Yields of each image its results at all sizes, or the first UserError."""
    streams = itertools.tee(images, len(sizes))
    answers = [
        replace(pipeline, input_size=size)(stream, batch_size, skip=skip)
        for size, stream in zip(sizes, streams, strict=True)
    ]
    for several in zip(*answers, strict=True):
        yield next((found for found in several if isinstance(found, UserError)), several)


def sizes_at(scales, name, size, resize):
    """A model's input size and those for --tta-scales: a tuple of (width, height), its own first.

    Args:
        scales: factors
        name: of the model
        size: (width, height)
        resize: policy of the recipe

    Raises:
        UserError: where the model has one size, images aren't resized, or a scale gives no further size
    """
    known, given = architecture(name), ",".join(f"{scale:g}" for scale in scales)
    if known.only_size is not None:
        width, height = known.only_size
        raise UserError(f"--tta-scales {given} needs other input sizes, and {name} takes {width}x{height} alone")
    if resize in ("none", "pad"):
        raise UserError(
            f"--tta-scales {given} needs images of other sizes, and the model takes them as they are (resize: {resize})"
        )
    sizes, multiple = [tuple(size)], known.size_multiple
    for scale in scales:
        scaled = tuple(max(1, round(side * scale / multiple)) * multiple for side in size)
        check_input_size(name, scaled)
        if scaled in sizes:
            raise UserError(
                f"--tta-scales has {scale:g}, which makes {scaled[0]}x{scaled[1]} of {size[0]}x{size[1]} in steps of "
                f"{multiple} pixels, and that size is there already; another scale would do"
            )
        sizes.append(scaled)
    return tuple(sizes)
