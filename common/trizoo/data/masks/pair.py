"""An image and what says its classes: a mask file, or an annotation that draws one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from trizoo.ground.conventions import BACKGROUND_NAMES

BACKGROUND = BACKGROUND_NAMES[0]


@dataclass(frozen=True)
class MaskFile:
    """A mask that is a picture."""

    path: Path


class Drawn(Protocol):
    """An annotation of one image.

    Args:
        path: the file it stands in
    """

    path: Path

    def draw(self, labels, size):
        """Class ids, uint8 (H, W), for an image of size (width, height).

        Args:
            labels: name -> class id
        """


@dataclass(frozen=True)
class Pair:
    """An image and what says its classes."""

    id: str
    image: Path
    truth: MaskFile | Drawn
