"""Mask files as people have them: the values or colours in a file, and which class each of them means."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from trizoo.data.images import opened
from trizoo.ground.conventions import IGNORE
from trizoo.ground.errors import UserError
from trizoo.pictures.palette import voc_palette

VALUES = 1 << 16  # a mask's values are below: 16 bits
_UNKNOWN = -1
_MOST_CLASSES = 64  # with more values than this a mask without classes is taken for a picture
_FEW = 12
_MAP_ENTRY = re.compile(r"(\d+)\s*[=:]\s*(\d+)")
_HEX = re.compile(r"#?([0-9a-fA-F]{6})")
_PACKED = np.array([1 << 16, 1 << 8, 1])  # (r, g, b) @ _PACKED = 0xrrggbb
_SHALLOW = {"L;2": 85, "L;4": 17}  # Pillow spreads grey levels of 2 and 4 bits over 0..255


@dataclass(frozen=True)
class Meaning:
    """What the values and colours in mask files mean.

    Args:
        mask_map: value in the file -> class id, or 255 to ignore it; other values mean themselves
        palette: (r, g, b) of each value from 0, for masks in colours, None without one
        ignore_colours: (r, g, b) of 255
    """

    mask_map: Mapping[int, int] = field(default_factory=dict)
    palette: tuple[tuple[int, int, int], ...] | None = None
    ignore_colours: tuple[tuple[int, int, int], ...] = ()

    def __post_init__(self):
        for value, label in self.mask_map.items():
            if not (0 <= value < VALUES and 0 <= label <= IGNORE):
                raise UserError(f"the mask map says {value}={label}; values of 0 to 65535 become classes of 0 to 255")
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
        masks in colours (24-bit, and palette images by their colours) give each colour's number in it; without one,
        24-bit masks are read where their three channels agree, as the grey they show. Raises UserError for other
        colours, transparent pixels, floats and negative values, and as `read_image` does.
        """
        pixels = read_pixels(path, by_colour=self.palette is not None)
        return pixels if pixels.ndim == 2 else self._of_colours(pixels, path)

    def labels(self, values, classes, path):
        """Values -> class ids, uint8 (H, W), 255 = ignore. Raises UserError for a value that is no class."""
        table = self.table(classes)
        labels = table[values]
        if labels.size and labels.min() < 0:
            raise UserError(unknown_value(path, np.bincount(values.ravel()), self, classes))
        return labels.astype(np.uint8)

    def table(self, classes):
        """Class id of each value, int16 (65536,), -1 for those that are no class.

        Args:
            classes: how many
        """
        table = np.full(VALUES, _UNKNOWN, np.int16)
        table[:classes] = np.arange(classes)
        table[IGNORE] = IGNORE
        for value, label in self.mask_map.items():
            table[value] = label if label < classes or label == IGNORE else _UNKNOWN
        return table

    def _of_colours(self, pixels, path):
        packed = pixels.astype(np.int32) @ _PACKED
        if self.palette is None:
            found, counts = np.unique(packed, return_counts=True)
            raise UserError(
                f"mask {path} is in colours ({len(found)}, most of all {_colours(found, counts)}), of which nothing "
                f"says what class each is; {PALETTE_HINT} would do"
            )
        known = np.array([*self.palette, *self.ignore_colours], np.int32).reshape(-1, 3) @ _PACKED
        numbers = np.array([*range(len(self.palette)), *[IGNORE] * len(self.ignore_colours)], np.uint8)
        order = np.argsort(known)
        place = np.minimum(np.searchsorted(known[order], packed), len(known) - 1)
        wrong = known[order][place] != packed
        if wrong.any():
            found, counts = np.unique(packed[wrong], return_counts=True)
            colours = f"{len(found)} colours that are" if len(found) > 1 else "a colour that is"
            raise UserError(
                f"mask {path} holds {colours} no class's: {_colours(found, counts)}; add them to the palette, or to "
                f"the colours to ignore (data.ignore_colours in a recipe)"
            )
        return numbers[order][place]


PALETTE_HINT = "--palette with the classes' colours in order, such as 000000,800000 (data.palette in a recipe), or voc"


def parse_mask_map(text):
    """{255: 1, 128: 2} of "255=1,128=2". Raises UserError for anything else."""
    entries = [_MAP_ENTRY.fullmatch(part.strip()) for part in text.split(",")]
    if not all(entries):
        raise UserError(f"{text!r} is no mask map; value=class is needed, such as 255=1 or 128=1,255=2")
    values = [int(entry[1]) for entry in entries]
    if len(set(values)) < len(values):
        raise UserError(f"the mask map {text!r} names a value twice")
    return {int(entry[1]): int(entry[2]) for entry in entries}


def parse_colour(text):
    """(r, g, b) of "#800000" or "800000". Raises UserError for anything else."""
    match = _HEX.fullmatch(text.strip())
    if not match:
        raise UserError(f"{text!r} is no colour; six hexadecimal digits are needed, such as 800000 for dark red")
    return tuple(bytes.fromhex(match[1]))


def parse_palette(text):
    """(palette, colours to ignore) of "000000,800000", of "000000,800000,e0e0c0=255", or of "voc"."""
    if text.strip().lower() == "voc":
        return voc_colours()[:21], (VOC_VOID,)
    palette, ignored = [], []
    for part in text.split(","):
        colour, equals, number = part.partition("=")
        if equals and number.strip() != str(IGNORE):
            raise UserError(f"{part.strip()!r} is no colour of a palette; only ={IGNORE} may follow, to ignore it")
        (ignored if equals else palette).append(parse_colour(colour))
    return tuple(palette), tuple(ignored)


def shown_colour(colour):
    """#rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def voc_colours():
    """VOC's colours of the ids 0 to 255, as tuples; 255 is its void."""
    return tuple(tuple(colour) for colour in voc_palette().tolist())


VOC_VOID = (224, 224, 192)


def unknown_value(path, counts, meaning, classes):
    """The sentence about a mask with values that are no class.

    Args:
        counts: pixels of each value from 0
        classes: number
    """
    wrong = [int(value) for value in np.flatnonzero(counts) if meaning.table(classes)[value] < 0]
    others = f", and so are {few(wrong[1:])}" if len(wrong) > 1 else ""
    value = wrong[0]
    if value in meaning.mask_map:
        return (
            f"mask {path} holds {value} in {counts[value]:,} pixels, which the mask map makes class "
            f"{meaning.mask_map[value]}{others}; the classes are 0 to {classes - 1}, and {IGNORE} is ignored"
        )
    remedy = f"--mask-map {value}=1 would make it class 1, {value}={IGNORE} ignore it"
    if len(wrong) > _MOST_CLASSES or is_jpeg(path):
        remedy = (
            f"{'masks' if is_jpeg(path) else 'pictures, or masks'} saved as JPEG hold such values: save masks as PNG"
        )
    return (
        f"mask {path} holds {value} in {counts[value]:,} pixels, which is no class{others}: the classes are 0 to "
        f"{classes - 1}, and {IGNORE} is ignored; {remedy}"
    )


def is_black_and_white(values, meaning):
    """Whether values are those of masks with 255 for a class, which would be ignored: all of them 0 or 255."""
    return IGNORE in values and set(values) <= {0, IGNORE} and IGNORE not in meaning.mask_map and not meaning.palette


def black_and_white(path, counts, masks):
    """The sentence about masks with 0 and 255 only.

    Args:
        path: one of them
        counts: its pixels of each value from 0
    """
    others = f", as all {masks} masks do" if masks > 1 else ""
    return (
        f"mask {path} holds no values but 0 and {IGNORE}{others} ({IGNORE} in {counts[IGNORE]:,} of its pixels), and "
        f"{IGNORE} means ignored, so nothing but class 0 would be left; {offered({IGNORE: 1})} makes it class 1"
    )


def offered(mask_map):
    """How a mask map is given, on the command line and in a recipe."""
    text = ",".join(f"{value}={label}" for value, label in mask_map.items())
    recipe = ", ".join(f"{value}: {label}" for value, label in mask_map.items())
    return f"--mask-map {text} (data.mask_map: {{{recipe}}} in a recipe)"


def numbering(values, meaning):
    """The mask map that numbers these values from 0 in order, None where they count from 0 already.

    The new one is in its place, 255 stays ignored.

    Args:
        values: all that the masks hold, before the map that there is
    """
    results = {value: meaning.mask_map.get(value, value) for value in values}
    ids = sorted({label for label in results.values() if label != IGNORE})
    if ids == list(range(len(ids))):
        return None
    return {
        value: ids.index(label) for value, label in results.items() if label != IGNORE and ids.index(label) != value
    }


def not_numbered(root, values, meaning, paths):
    """The sentence about masks, without class names, whose values don't count from 0.

    Args:
        paths: of the masks
    """
    start = f"the masks in {root} hold the values {few(values)}, which aren't 0, 1, 2 and so on"
    named = "name the classes, in a labels.txt in that folder with a name a line, for instance"
    jpeg = next((path for path in paths if is_jpeg(path)), None)
    if jpeg is not None:
        return f"{start}, as {jpeg} and others were saved as JPEG, which changes values; save masks as PNG"
    if len(values) > _MOST_CLASSES:
        return f"{start}, but {len(values)} different ones, as pictures do; if they are classes, {named}"
    mask_map = numbering(values, meaning)
    if len(mask_map) > _FEW:
        return f"{start}; {named}, or number them by a mask map, such as --mask-map {values[-2]}=1"
    ignored = f" ({IGNORE} stays ignored)" if IGNORE in values and IGNORE not in mask_map else ""
    return f"{start}; {offered(mask_map)} numbers them{ignored}, or {named}"


def one_class(root, values):
    """The sentence about masks of a single class, without names that say there are more."""
    return (
        f"the masks in {root} hold no values but {few(values)}, so there is one class alone and nothing to learn; "
        f"name the classes, in a labels.txt in that folder with a name a line, for instance, if there are more"
    )


def is_jpeg(path):
    """Whether a mask's name says that its values can't be trusted."""
    return str(path).lower().endswith((".jpg", ".jpeg"))


def few(values):
    """The first of a list of numbers."""
    shown = ", ".join(str(value) for value in list(values)[:_FEW])
    return f"{shown} ... ({len(values)})" if len(values) > _FEW else shown


def _colours(found, counts):
    """The most frequent of packed colours, with their pixels."""
    most = np.argsort(-counts, kind="stable")[:3]
    return ", ".join(f"#{found[i]:06x} in {counts[i]:,} pixels" for i in most)


def read_pixels(path, by_colour=False):
    """What is in a mask file: values (H, W), or uint8 (H, W, 3) colours, also of palette images with `by_colour`."""
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
            pixels = np.array(image.convert("RGB"))
            grey = not by_colour and (pixels == pixels[..., :1]).all()
            return pixels[..., 0] if grey else pixels
        pixels = np.array(image)
    if mode in ("LA", "PA"):
        pixels = pixels[..., 0]
    if pixels.ndim != 2 or pixels.dtype.kind not in "biu":
        raise UserError(f"mask {path} is of mode {mode}; class ids as grey levels or palette indices are needed")
    if pixels.dtype == bool:
        return pixels.astype(np.uint8)
    if pixels.dtype != np.uint8 and pixels.size and (pixels.min() < 0 or pixels.max() >= VALUES):
        raise UserError(f"mask {path} has values from {pixels.min()} to {pixels.max()}; 0 to {VALUES - 1} can be read")
    return pixels // _SHALLOW[raw_mode] if raw_mode in _SHALLOW else pixels
