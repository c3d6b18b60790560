"""What each mask file of a data set holds, and whether its values are a palette's numbers or its own."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from trizoo.data.images import in_threads
from trizoo.data.masks.encoding import count, read_file
from trizoo.data.opening import opened
from trizoo.ground.errors import UserError


@dataclass(frozen=True)
class Scan:
    """What one mask holds.

    Args:
        counts: value before any mask map -> pixels
        size: (width, height)
        colours: value -> (r, g, b) of a palette image's
        grey: whether values are the file's own, not numbers of colours in a palette
    """

    path: Path
    counts: dict[int, int]
    size: tuple[int, int]
    colours: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    grey: bool = False


def scan_file(path, meaning):
    """The `Scan` of a mask file. Raises UserError as `Meaning.values` does."""
    pixels, colours = read_file(path, by_colour=meaning.palette is not None)
    return replace(scan_of(path, meaning.numbers(pixels, path), colours), grey=pixels.ndim == 2)


def settled(scans, meaning, pairs=()):
    """What a palette means for these masks -> `Meaning`, and id -> `Scan` as it has them, without unreadable files.

    Grey masks go by the palette where all their levels are greys of it; else their values stay as they are, and where
    no mask is in colours there is no palette any more.

    Args:
        scans: what `scan` gave
        pairs: more of the data set, whose grey masks must go by the palette too if these do
    """
    scans = _sound(scans)
    if meaning.palette is None or not any(found.grey for found in scans.values()):
        return meaning, scans
    numbers = meaning.of_greys()
    others = [pair for pair in pairs if pair.id not in scans]
    if _are_greys(scans, numbers) and _are_greys(_sound(scan(others, meaning)), numbers):
        return replace(meaning, greys=True), {id: _renumbered(found, numbers) for id, found in scans.items()}
    if all(found.grey for found in scans.values()):
        return replace(meaning, palette=None, ignore_colours=(), idle=True), scans
    return meaning, scans


def _are_greys(scans, numbers):
    return all(found.counts.keys() <= numbers.keys() for found in scans.values() if found.grey)


def _renumbered(scan, numbers):
    """A grey mask's `Scan` with its levels' numbers in the palette."""
    counts = {numbers[value]: pixels for value, pixels in scan.counts.items()} if scan.grey else scan.counts
    return replace(scan, counts=counts)


def scan_of(path, values, palette=None):
    """The `Scan` of values (H, W) and of the colours of their palette, uint8 (N, 3) or None."""
    counts = count(values)
    colours = {}
    if palette is not None:
        colours = {value: tuple(palette[value].tolist()) for value in counts if value < len(palette)}
    return Scan(path, counts, values.shape[::-1], colours)


def scan(pairs, meaning):
    """id -> `Scan` of each pair's mask file before the mask map, or the UserError that says why it can't be read.

    Raises UserError for a file that can be read and is no mask.
    """

    def read(pair):
        try:
            return scan_file(pair.truth.path, meaning)
        except UserError:
            damage = _damage(pair.truth.path)
            if damage is None:
                raise
            return damage

    pairs = list(pairs)
    return dict(zip([pair.id for pair in pairs], in_threads(read, pairs), strict=True))


def _damage(path):
    """The UserError about a picture that can't be decoded, None for a sound one."""
    try:
        with opened(path) as image:
            image.load()
    except UserError as error:
        return error
    return None


def _sound(scans):
    """Without the files that can't be read."""
    return {id: found for id, found in scans.items() if isinstance(found, Scan)}
