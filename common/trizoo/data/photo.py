"""One image that someone wants an answer to: a file, or pixels that came from elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from trizoo.data.images import read_image, read_size
from trizoo.ground.errors import UserError


class UnreadableError(UserError):
    """The pixels of one image can't be had; the others aren't concerned."""


@dataclass(eq=False)
class Photo:
    """An image by the name that a person knows it by.

    Args:
        name: what lines and results call it
        path: the file; of pixels from elsewhere a name for files that are written about them
        load: gives the pixels, uint8 (H, W, 3), which are kept until `forget`; None: the file has them
        about: what else is said of it in JSON, such as {"frame": 3}
    """

    name: str
    path: Path
    load: Callable[[], np.ndarray] | None = None
    about: dict[str, Any] = field(default_factory=dict)
    _kept: np.ndarray | None = None

    @classmethod
    def of(cls, image):
        """The Photo of a path, or of an array uint8 (H, W, 3)."""
        if isinstance(image, np.ndarray):
            return cls("in memory", Path("image"), lambda: image)
        return cls(str(image), Path(image))

    @property
    def is_file(self):
        """Whether its path is a file's."""
        return self.load is None

    def size(self):
        """(width, height) as a viewer shows it. Raises UnreadableError."""
        if self.load is not None:
            return self.pixels().shape[1::-1]
        return _unless_unreadable(read_size, self.path)

    def pixels(self, at_least=None):
        """uint8 (H, W, 3) RGB. Raises UnreadableError.

        Args:
            at_least: (width, height) that is enough, see `trizoo.data.images.read_image`
        """
        if self.load is None:
            return _unless_unreadable(read_image, self.path, at_least)
        if self._kept is None:
            self._kept = _unless_unreadable(self.load)
        return self._kept

    def forget(self):
        """Lets go of pixels that were loaded."""
        self._kept = None


def _unless_unreadable(read, *arguments):
    try:
        return read(*arguments)
    except UserError as error:
        raise UnreadableError(str(error)) from error
