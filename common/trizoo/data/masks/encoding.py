"""Mask files as people have them: the values or colours in a file, and which class each of them means.

Limits: those of pictures: within 900 MiB and 20 seconds a mask.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from trizoo.data.masks import cityscapes_labels
from trizoo.data.masks.naming import Naming
from trizoo.data.opening import opened, pixels_of
from trizoo.ground.conventions import IGNORE
from trizoo.ground.errors import UserError
from trizoo.pictures.palette import shown_colour, voc_palette

VALUES = 1 << 16  # a mask's values are below: 16 bits
_UNKNOWN = -1  # also `Naming`'s
MOST_CLASSES = 64  # with more values than this a mask without classes is taken for a picture
SOME = 12
_SPAN = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")
_MAP_ENTRY = re.compile(rf"({_SPAN.pattern})\s*[=:]\s*(\d+)")
_HEX = re.compile(r"#?([0-9a-fA-F]{6})")
_PACKED = np.array([1 << 16, 1 << 8, 1])  # (r, g, b) @ _PACKED = 0xrrggbb
_SHALLOW = {"L;2": 85, "L;4": 17}  # Pillow spreads grey levels of 2 and 4 bits over 0..255


@dataclass(frozen=True)
class Meaning:
    """What the values and colours in mask files mean.

    Args:
        mask_map: value in the file, or "128-255" for several -> class id, or 255 to ignore it; other values mean
            themselves, or what `naming` says. Once made it has every value on its own
        palette: (r, g, b) of each value from 0, for masks in colours, None without one
        ignore_colours: (r, g, b) of 255
        naming: what the data set's own names make of values, where they aren't the classes as they stand
        greys: whether the levels of grey masks are colours of the palette, too
        idle: whether a palette was there that no mask has colours for
    """

    mask_map: Mapping[int | str, int] = field(default_factory=dict)
    palette: tuple[tuple[int, int, int], ...] | None = None
    ignore_colours: tuple[tuple[int, int, int], ...] = ()
    naming: Naming | None = None
    greys: bool = False
    idle: bool = False

    def __post_init__(self):
        object.__setattr__(self, "mask_map", spread(self.mask_map))
        colours = [*(self.palette or ()), *self.ignore_colours]
        for colour in colours:
            if len(colour) != 3 or not all(0 <= level <= 255 for level in colour):
                raise UserError(f"the palette has the colour {colour}; three levels of 0 to 255 are needed")
            if colours.count(colour) > 1:
                raise UserError(f"the palette has the colour {shown_colour(colour)} twice; each class needs its own")
        if len(colours) > IGNORE:
            raise UserError(f"the palette has {len(colours)} colours; at most {IGNORE} are possible")

    def values(self, path):
        """The values of a mask file before `mask_map`: an integer array (H, W), grey levels or palette indices.

        A mask of 1, 2, 4, 8 or 16 bits gives what is in the file, without any scaling (1 bit: 0 and 1). With a palette,
        masks in colours (24-bit, and palette images by their colours) give each colour's number in it, and with `greys`
        so do grey levels; without one, 24-bit masks are read where their three channels agree, as the grey they show.
        Raises UserError for other colours, transparent pixels, floats and negative values, and as `read_image` does.
        """
        return self.numbers(read_file(path, by_colour=self.palette is not None)[0], path)

    def numbers(self, pixels, path):
        """The values of what `read_file` gives for a mask: (H, W) or (H, W, 3) -> (H, W)."""
        if pixels.ndim == 2 and not self.greys:
            return pixels
        return self._of_colours(pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=2), path)

    def of_greys(self):
        """Grey level -> its number in the palette, of those that are among its colours."""
        numbered = [*enumerate(self.palette or ()), *((IGNORE, colour) for colour in self.ignore_colours)]
        return {colour[0]: number for number, colour in numbered if colour == (colour[0],) * 3}

    def labels(self, values, classes, path):
        """Values -> class ids, uint8 (H, W), 255 = ignore. Raises UserError for a value that is no class."""
        table = self.table(classes)
        labels = table[values]
        if labels.size and labels.min() < 0:
            raise UserError(unknown_value(path, count(values), self, classes))
        return labels.astype(np.uint8)

    def table(self, classes):
        """Class id of each value, int16 (65536,), -1 for those that are no class.

        Args:
            classes: how many
        """
        table = np.full(VALUES, _UNKNOWN, np.int16)
        table[:classes] = np.arange(classes)
        if self.naming is not None:
            table[:classes] = _UNKNOWN
            labels = self.naming.labels()
            table[: len(labels)] = labels
        table[IGNORE] = IGNORE
        if self.mask_map:
            labels = np.array([*self.mask_map.values()])
            table[[*self.mask_map]] = np.where((labels < classes) | (labels == IGNORE), labels, _UNKNOWN)
        return table

    def _of_colours(self, pixels, path):
        if self.palette is None:
            found, counts = _tally(band.astype(np.int32) @ _PACKED for band in bands(pixels))
            raise UserError(
                f"mask {path} is in colours ({len(found)}, most of all {_colours(found, counts)}), of which nothing "
                f"says what class each is; {PALETTE_HINT} would do"
            )
        known = np.array([*self.palette, *self.ignore_colours], np.int32).reshape(-1, 3) @ _PACKED
        order = np.argsort(known)
        numbers = np.array([*range(len(self.palette)), *[IGNORE] * len(self.ignore_colours)], np.uint8)[order]
        known = known[order]

        def places(band):
            packed = band.astype(np.int32) @ _PACKED
            place = np.minimum(np.searchsorted(known, packed), len(known) - 1)
            return packed, place, known[place] != packed

        values = np.empty(pixels.shape[:2], np.uint8)
        for band, there in zip(bands(pixels), bands(values), strict=True):
            _, place, wrong = places(band)
            if wrong.any():
                all_places = map(places, bands(pixels))
                found, counts = _tally(packed[wrong] for packed, _, wrong in all_places)
                colours = f"{len(found)} colours that are" if len(found) > 1 else "a colour that is"
                raise UserError(
                    f"mask {path} holds {colours} no class's: {_colours(found, counts)}; add them to the palette, or "
                    f"to the colours to ignore (data.ignore_colours in a recipe)"
                )
            there[:] = numbers[place]
        return values


_BAND = 1 << 22  # pixels that are worked on at once
PALETTE_HINT = "--palette with the classes' colours in order, such as 000000,800000 (data.palette in a recipe), or voc"


def parse_mask_map(text):
    """{255: 1, "0-127": 0} of "255=1,0-127=0". Raises UserError for anything else."""
    entries = [_MAP_ENTRY.fullmatch(part.strip()) for part in text.split(",")]
    if not all(entries):
        raise UserError(
            f"{text!r} is no mask map; value=class is needed, such as 255=1, 128=1,255=2 or 0-127=0,128-255=1"
        )
    spans = [span(entry[1]) for entry in entries]
    mask_map = {span_key(*ends): int(entry[4]) for ends, entry in zip(spans, entries, strict=True)}
    if len(mask_map) < len(entries):
        raise UserError(f"the mask map {text!r} names a value twice")
    spread(mask_map)
    return mask_map


def span(key):
    """(lowest, highest) value of a mask map's key: 255, "255" or "128-255". Raises UserError for anything else."""
    match = _SPAN.fullmatch(str(key).strip())
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, -1)
    if not low <= high < VALUES:
        raise UserError(f"the mask map has {key!r}; a value of 0 to {VALUES - 1} is needed, or a range such as 128-255")
    return low, high


def span_key(low, high):
    """The mask map's key of these values: 255, or "128-255"."""
    return low if low == high else f"{low}-{high}"


def spread(mask_map):
    """A mask map with every value on its own: {"254-255": 1} -> {254: 1, 255: 1}.

    Raises UserError for a value that stands in it twice, and for values or classes that can't be.
    """
    values = {}
    for key, label in mask_map.items():
        low, high = span(key)
        if not 0 <= label <= IGNORE:
            raise UserError(f"the mask map says {key}={label}; values of 0 to 65535 become classes of 0 to 255")
        twice = next((value for value in range(low, high + 1) if value in values), None)
        if twice is not None:
            raise UserError(f"the mask map names the value {twice} twice, once in {key}={label}")
        values.update(dict.fromkeys(range(low, high + 1), label))
    return values


def parse_colour(text):
    """(r, g, b) of "#800000" or "800000". Raises UserError for anything else."""
    match = _HEX.fullmatch(text.strip())
    if not match:
        raise UserError(f"{text!r} is no colour; six hexadecimal digits are needed, such as 800000 for dark red")
    return tuple(bytes.fromhex(match[1]))


def parse_palette(text):
    """(palette, colours to ignore) of "000000,800000", of "000000,800000,e0e0c0=255", "voc" or "cityscapes"."""
    if text.strip().lower() in PALETTES:
        return PALETTES[text.strip().lower()]
    palette, ignored = [], []
    for part in text.split(","):
        colour, equals, number = part.partition("=")
        if equals and number.strip() != str(IGNORE):
            raise UserError(f"{part.strip()!r} is no colour of a palette; only ={IGNORE} may follow, to ignore it")
        (ignored if equals else palette).append(parse_colour(colour))
    return tuple(palette), tuple(ignored)


def voc_colours():
    """VOC's colours of the ids 0 to 255, as tuples; 255 is its void."""
    return tuple(tuple(colour) for colour in voc_palette().tolist())


# name -> colours of the classes, and those that are ignored
PALETTES = {
    "voc": (voc_colours()[:21], ((224, 224, 192),)),
    "cityscapes": (cityscapes_labels.COLOURS, cityscapes_labels.IGNORED_COLOURS),
}


def unknown_value(path, counts, meaning, classes):
    """The sentence about a mask with values that are no class.

    Args:
        counts: value -> pixels
        classes: number
    """
    table = meaning.table(classes)
    wrong = sorted(value for value in counts if table[value] < 0)
    value = wrong[0]
    others = f", and so are {few(wrong[1:])}" if len(wrong) > 1 else ""
    if value in meaning.mask_map:
        return (
            f"mask {path} holds {value} in {counts[value]:,} pixels, which the mask map makes class "
            f"{meaning.mask_map[value]}{others}; the classes are 0 to {classes - 1}, and {IGNORE} is ignored"
        )
    if meaning.naming is not None and value < len(meaning.naming.names):
        return f"mask {path} holds {value} in {counts[value]:,} pixels, {meaning.naming.stranger(value)}"
    remedy = f"--mask-map {value}=1 would make it class 1, {value}={IGNORE} ignore it"
    if len(wrong) > MOST_CLASSES or is_jpeg(path):
        remedy = (
            f"{'masks' if is_jpeg(path) else 'pictures, or masks'} saved as JPEG hold such values: save masks as PNG"
        )
    return (
        f"mask {path} holds {value} in {counts[value]:,} pixels, which is no class{others}: the classes are 0 to "
        f"{classes - 1}, and {IGNORE} is ignored; {remedy}"
    )


def count(values):
    """Value -> pixels."""
    counts = sum(np.bincount(band.ravel(), minlength=VALUES) for band in bands(values))
    return {int(value): int(counts[value]) for value in np.flatnonzero(counts)}


def bands(pixels):
    """Views of a few rows of (H, W, …) each, of which NumPy's numbers of 64 bits take little memory."""
    rows = max(1, _BAND // max(1, pixels.shape[1]))
    return [pixels[top : top + rows] for top in range(0, len(pixels), rows)]


def _tally(parts):
    """The colours in arrays of packed ones, and how many there are of each."""
    counts = sum(np.bincount(packed.ravel(), minlength=1 << 24) for packed in parts)
    found = np.flatnonzero(counts)
    return found, counts[found]


def is_jpeg(path):
    """Whether a mask's name says that its values can't be trusted."""
    return str(path).lower().endswith((".jpg", ".jpeg"))


def few(values):
    """The first of a list of numbers."""
    shown = ", ".join(str(value) for value in list(values)[:SOME])
    return f"{shown} ... ({len(values)})" if len(values) > SOME else shown


def _colours(found, counts):
    """The most frequent of packed colours, with their pixels."""
    most = np.argsort(-counts, kind="stable")[:3]
    return ", ".join(f"#{found[i]:06x} in {counts[i]:,} pixels" for i in most)


def read_pixels(path, by_colour=False):
    """What is in a mask file: values (H, W), or uint8 (H, W, 3) colours, also of palette images with `by_colour`."""
    return read_file(path, by_colour)[0]


def read_file(path, by_colour=False):
    """As `read_pixels`, and the colours of a palette image: uint8 (N, 3) by index, None for all others."""
    with opened(path) as image:
        raw_mode = image.tile[0][3] if image.format == "PNG" and image.tile else None
        image.load()
        mode = image.mode
        if mode in ("RGBA", "LA", "PA"):
            clear = int((np.asarray(image.getchannel("A")) < 255).sum())
            if clear:
                raise UserError(
                    f"mask {path} has {clear:,} transparent pixels (mode {mode}), and what class those are nothing "
                    f"says; save it without transparency"
                )
        if mode in ("RGB", "RGBA") or (by_colour and mode in ("P", "PA")):
            pixels = pixels_of(image if mode == "RGB" else image.convert("RGB"))
            grey = not by_colour and all((band == band[..., :1]).all() for band in bands(pixels))
            return (pixels[..., 0] if grey else pixels), None
        pixels = pixels_of(image)
        colours = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3) if mode == "P" else None
    if mode in ("LA", "PA"):
        pixels = pixels[..., 0]
    if pixels.dtype.kind == "f":
        raise UserError(
            f"mask {path} is of mode {mode}, which holds fractions; class ids are whole numbers: save it as PNG of "
            f"8 or 16 bits"
        )
    if pixels.ndim != 2 or pixels.dtype.kind not in "biu":
        raise UserError(f"mask {path} is of mode {mode}; class ids as grey levels or palette indices are needed")
    if pixels.dtype == bool:
        return pixels.astype(np.uint8), None
    if pixels.dtype != np.uint8 and pixels.size and (pixels.min() < 0 or pixels.max() >= VALUES):
        raise UserError(f"mask {path} has values from {pixels.min()} to {pixels.max()}; 0 to {VALUES - 1} can be read")
    return (pixels // _SHALLOW[raw_mode] if raw_mode in _SHALLOW else pixels), colours
