"""How well things are recognised, where it is known what is there."""

from dataclasses import dataclass

import numpy as np

from trizoo.ground.boxes import overlap

LEAST_IOU = 0.5  # of a box that found a thing


@dataclass(frozen=True)
class Score:
    """Counts over many images.

    Args:
        known, unknown: things whose name is, or isn't, in the gallery
        found_known, found_unknown: those that a box was found for
        named: known things that were found and got their own name
        refused: unknown things that were found and got none
        extra: boxes on no thing, or on one that has a box already
        extra_named: those of them that got a name
    """

    known: int = 0
    unknown: int = 0
    found_known: int = 0
    found_unknown: int = 0
    named: int = 0
    refused: int = 0
    extra: int = 0
    extra_named: int = 0

    @property
    def top1(self):
        """Share of the found known things that got their own name; nan of none."""
        return self.named / self.found_known if self.found_known else float("nan")

    @property
    def refusal(self):
        """Share of the found unknown things that got no name; nan of none."""
        return self.refused / self.found_unknown if self.found_unknown else float("nan")

    def __str__(self):
        return (
            f"known things: {self.known}, found {self.found_known}, "
            f"of these named rightly {self.named} ({self.top1:.3f})\n"
            f"unknown things: {self.unknown}, found {self.found_unknown}, "
            f"of these called unknown {self.refused} ({self.refusal:.3f})\n"
            f"boxes on nothing: {self.extra}, of which {self.extra_named} got a name"
        )


def score(found, truth, names):
    """The `Score` of recognised images.

    A box belongs to the thing with which its IoU is the greatest, 0.5 at least; the surest box of a thing counts.

    Args:
        found: `trizoo.gallery.pipeline.Recognized` of each image
        truth: of each image its boxes (N, 4) and their names
        names: those of the gallery
    """
    counts = dict.fromkeys(Score.__dataclass_fields__, 0)
    for of_image, (boxes, called) in zip(found, truth, strict=True):
        taken = set()
        for name in called:
            counts["known" if name in names else "unknown"] += 1
        for place in np.argsort(-of_image.scores, kind="stable").tolist():
            given = of_image.names[place]
            overlaps = overlap(of_image.boxes[place][None], np.asarray(boxes, np.float32).reshape(-1, 4))
            thing = int(overlaps.argmax()) if len(overlaps) else -1
            if thing < 0 or overlaps[thing] < LEAST_IOU or thing in taken:
                counts["extra"] += 1
                counts["extra_named"] += given is not None
                continue
            taken.add(thing)
            if called[thing] in names:
                counts["found_known"] += 1
                counts["named"] += given == called[thing]
            else:
                counts["found_unknown"] += 1
                counts["refused"] += given is None
    return Score(**counts)
