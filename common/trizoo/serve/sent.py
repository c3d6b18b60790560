"""An image that a stranger sent: its kind and size are known before a pixel is decoded."""

from dataclasses import dataclass
from pathlib import Path

from trizoo.data.images import read_image, read_size
from trizoo.data.photo import Photo
from trizoo.ground.errors import UserError
from trizoo.serve.refused import RefusedError

_CALLED = "that was sent"  # what errors call it; a name of the client's is never taken for a path
_LONGEST_NAME = 200
_MOST_SCANS = 64  # of a progressive JPEG: each costs a pass over all pixels, and an empty one next to no bytes
_SCAN = b"\xff\xda"
_BRANDS = {b"avif": ".avif", b"avis": ".avif", b"heic": ".heic", b"heix": ".heic", b"mif1": ".heic", b"msf1": ".heic"}


@dataclass(eq=False)
class SentImage(Photo):
    """A Photo of bytes.

    Args:
        data: the file
    """

    data: bytes = b""
    _size: tuple[int, int] | None = None

    @classmethod
    def of_bytes(cls, data, name):
        """The SentImage of a file's bytes.

        Args:
            name: what the client calls it, which is no more than text
        """
        # AVIF and HEIC are known by their name alone, and need libraries that other images do without
        ending = _BRANDS.get(bytes(data[8:12]), "") if data[4:8] == b"ftyp" else ""
        return cls(plain_name(name), Path(_CALLED + (f" as{ending}" if ending else "")), data=data)

    def check(self, limits):
        """RefusedError for what is no image, or has more pixels than the Limits allow."""
        if not self.data:
            raise RefusedError(400, "the request has no image; send the bytes of one")
        try:
            width, height = self.size()
        except UserError as error:
            raise RefusedError(413 if "too large" in str(error) else 415, sentence(error)) from None
        if width * height > limits.pixels:
            raise RefusedError(
                413,
                f"the image has {width}x{height} pixels, and {limits.megapixels} million are taken; scale it down",
            )
        if self.data.startswith(b"\xff\xd8") and self.data.count(_SCAN) > _MOST_SCANS:
            raise RefusedError(415, f"the JPEG has more than {_MOST_SCANS} scans; save it again, or as a PNG")

    def size(self):
        """See Photo."""
        if self._size is None:
            self._size = read_size(self.path, self.data)
        return self._size

    def pixels(self, at_least=None):
        """See Photo."""
        return read_image(self.path, at_least, self.data)


def plain_name(name):
    """A client's file name as text for JSON: the last part, without control characters."""
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())[:_LONGEST_NAME] or "image"


def sentence(error):
    """A UserError about a sent image, without advice for data sets."""
    return f"the {str(error).partition('; replace it')[0]}"
