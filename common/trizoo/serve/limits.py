"""How much a request may take."""

from dataclasses import dataclass

MIB = 2**20
BODIES = 8  # of the largest size that may be in memory at once


@dataclass(frozen=True)
class Limits:
    """What a server takes at most.

    Args:
        megabytes: of a request's body
        megapixels: of an image
        seconds: from a request's headers to its answer
        waiting: requests that are read, decoded or waiting at once; more are told to come again
        batch_size: images through the network at once
        gather: seconds for which a batch waits for more images
    """

    megabytes: int = 32
    megapixels: int = 50
    seconds: float = 30.0
    waiting: int = 64
    batch_size: int = 8
    gather: float = 0.003

    @property
    def body(self):
        """Bytes of a body."""
        return self.megabytes * MIB

    @property
    def pixels(self):
        """Of an image."""
        return self.megapixels * 1_000_000

    @property
    def bodies(self):
        """Bytes of all bodies that are in memory at once."""
        return BODIES * self.body
