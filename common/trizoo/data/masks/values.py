"""What the values of all masks of a data set look like together, and what would do where they are no classes."""

from collections import Counter, defaultdict

from trizoo.data.masks.encoding import MOST_CLASSES, SOME, few, is_jpeg
from trizoo.ground.conventions import IGNORE
from trizoo.pictures.palette import shown_colour

_DARK, _LIGHT = 16, 240  # edges aside, black and white masks hold values below, and from there on
_FLAT = 0.75  # share of pixels that such masks have there
_GREYS = 8  # fewer values between aren't edges
_HALVES = (0, 127), (128, 255)
_RARE = 0.05  # share of masks up to which a value that they hold is a stray
_SLIGHT = 0.001  # share of those masks' pixels
_MASKS_TO_JUDGE = 5  # with fewer nothing is rare
_MANY = 20  # masks, of which no two share a value by chance
IDLE_PALETTE = "the masks are grey, so the palette has nothing to map"


def values_of(scans):
    """All values, in order."""
    return sorted({value for scan in scans for value in scan.counts})


def is_black_and_white(values, meaning):
    """Whether values are those of masks with 255 for a class, which would be ignored: all of them 0 or 255."""
    return IGNORE in values and set(values) <= {0, IGNORE} and IGNORE not in meaning.mask_map and not meaning.palette


def black_and_white(scans, meaning):
    """The sentence about masks with 0 and 255 only; it names the one with most of 255."""
    worst = max(scans, key=lambda scan: scan.counts.get(IGNORE, 0))
    others = f", as all {len(scans)} masks do" if len(scans) > 1 else ""
    return (
        f"mask {worst.path} holds no values but 0 and {IGNORE}{others} ({IGNORE} in {worst.counts[IGNORE]:,} of its "
        f"pixels), and {IGNORE} means ignored, so nothing but class 0 would be left; {offered({IGNORE: 1})} makes it "
        f"class 1{_idle(meaning)}"
    )


def _idle(meaning):
    return f"; {IDLE_PALETTE}" if meaning.idle else ""


def grey_edges(scans, meaning):
    """The sentence about black and white masks with grey edges, as resizing or JPEG make; None for other masks."""
    total = Counter()
    for scan in scans:
        total.update(scan.counts)
    between = [value for value in total if 0 < value < IGNORE]
    if meaning.mask_map or meaning.palette or meaning.naming or len(between) < _GREYS or max(total) > IGNORE:
        return None
    pixels = sum(total.values())
    dark = sum(total[value] for value in total if value < _DARK)
    light = sum(total[value] for value in total if value >= _LIGHT)
    most = max(total[value] for value in between)
    on_both_sides = min(between) < _HALVES[1][0] <= max(between)
    if not (
        dark and light and on_both_sides and dark + light >= _FLAT * pixels and most < min(total[0], total[IGNORE])
    ):
        return None
    worst = max(scans, key=lambda scan: sum(scan.counts.get(value, 0) for value in between))
    share = sum(total[value] for value in between) / pixels
    mask_map = {f"{low}-{high}": label for label, (low, high) in enumerate(_HALVES)}
    return (
        f"the masks are black and white with grey edges: {len(between)} values between 0 and {IGNORE} in {share:.1%} "
        f"of the pixels, as resizing, smoothing or JPEG leave, most in {worst.path}; {offered(mask_map)} sets a "
        f"threshold of {_HALVES[1][0]}"
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


def not_numbered(root, scans, meaning):
    """The sentence about masks, without class names, whose values don't count from 0."""
    values = values_of(scans)
    start = f"the masks in {root} hold the values {few(values)}, which aren't 0, 1, 2 and so on{_idle(meaning)}"
    named = "name the classes, in a labels.txt in that folder with a name a line, for instance"
    jpeg = next((scan.path for scan in scans if is_jpeg(scan.path)), None)
    if jpeg is not None:
        return f"{start}, as {jpeg} and others were saved as JPEG, which changes values; save masks as PNG"
    ids = instance_ids(scans, meaning)
    if ids:
        return f"{start}: {ids}"
    mask_map = numbering(values, meaning)
    strays = [value for value in mask_map if len(mask_map) <= MOST_CLASSES and few_hold(scans, value)]
    if strays and numbering([value for value in values if value not in strays], meaning) is None:
        text = "; ".join(few_hold(scans, value) for value in strays[:SOME])
        return f"{start}: {text}; {offered(dict.fromkeys(strays[:SOME], IGNORE))} would ignore them, or {named}"
    if len(values) > MOST_CLASSES:
        return f"{start}, but {len(values)} different ones, as pictures do; if they are classes, {named}"
    if len(mask_map) > SOME:
        return f"{start}; {named}, or number them by a mask map, such as --mask-map {values[-2]}=1"
    ignored = f" ({IGNORE} stays ignored)" if IGNORE in values and IGNORE not in mask_map else ""
    return f"{start}; {offered(mask_map)} numbers them{ignored}, or {named}"


def one_class(root, values):
    """The sentence about masks of a single class, without names that say there are more."""
    return (
        f"the masks in {root} hold no values but {few(values)}, so there is one class alone and nothing to learn; "
        f"name the classes, in a labels.txt in that folder with a name a line, for instance, if there are more"
    )


def few_hold(scans, value):
    """Which few of the masks hold a value, with their pixels, as the end of a sentence; None where many do."""
    holding = [scan for scan in scans if value in scan.counts]
    if len(scans) < _MASKS_TO_JUDGE or len(holding) > max(1, _RARE * len(scans)):
        return None
    files = ", ".join(f"{scan.path} ({scan.counts[value]:,} pixels)" for scan in holding[:3])
    more = f" and {len(holding) - 3} more" if len(holding) > 3 else ""
    return f"of {len(scans)} masks only {files}{more} hold{'s' if len(holding) == 1 else ''} {value}"


def strays(scans, meaning):
    """A sentence for each value that few of the masks hold, in few pixels, though it counts as a class."""
    found = []
    for value in values_of(scans):
        pixels = sum(sum(scan.counts.values()) for scan in scans if value in scan.counts)
        slight = sum(scan.counts.get(value, 0) for scan in scans) <= _SLIGHT * pixels
        if value != IGNORE and value not in meaning.mask_map and slight and few_hold(scans, value):
            found.append(f"{few_hold(scans, value)}; if it is no class, --mask-map {value}={IGNORE} ignores it")
    return found


def instance_ids(scans, meaning):
    """The sentence about masks whose values look like numbers of objects, None for others.

    That is where each mask counts from 1 up to a number of its own, or where no two masks share a value.
    """
    held = [(scan, sorted({*scan.counts} - {0, IGNORE})) for scan in scans]
    held = [(scan, values) for scan, values in held if values]
    if meaning.mask_map or meaning.palette or meaning.naming or len(held) < _MASKS_TO_JUDGE:
        return None
    lengths = {len(values) for _, values in held}
    union = {value for _, values in held for value in values}
    if len(lengths) >= 3 and max(lengths) >= 4 and all(values[-1] == len(values) for _, values in held):
        reason = f"each mask counts from 1, up to {few(sorted(lengths))}"
    elif sum(len(values) for _, values in held) == len(union) and (len(union) >= 2 * len(held) or len(held) >= _MANY):
        reason = f"no two masks share one, {held[0][1][0]} is in {held[0][0].path} alone"
    else:
        return None
    last = max(union) if max(union) > IGNORE else IGNORE - 1
    return (
        f"the values look like instance ids, not classes ({reason}); {offered({f'1-{last}': 1})} would make all of "
        f"them one class"
    )


def palettes_differ(scans):
    """The sentence about palette images whose palettes give a value different colours, None where they agree."""
    first = defaultdict(dict)  # value -> colour -> path of the first mask that has it
    for scan in scans:
        for value, colour in scan.colours.items():
            first[value].setdefault(colour, scan.path)
    differing = [value for value in sorted(first) if len(first[value]) > 1]
    if not differing:
        return None
    value = differing[0]
    (colour, path), (other, there) = list(first[value].items())[:2]
    colours = list(dict.fromkeys(colour for value in sorted(first) if value != IGNORE for colour in first[value]))
    ignored = [colour for colour in first.get(IGNORE, ()) if colour not in colours]
    palette = ",".join([f"{r:02x}{g:02x}{b:02x}" for r, g, b in colours])
    palette += "".join(f",{r:02x}{g:02x}{b:02x}={IGNORE}" for r, g, b in ignored)
    remedy = f"--palette {palette}, put into the order of the classes, would go by colours"
    if len(colours) > MOST_CLASSES:
        remedy = "--palette with the classes' colours in order would go by colours"
    others = f", and {few(differing[1:])} differ too" if differing[1:] else ""
    return (
        f"the masks' palettes differ: {value} is {shown_colour(colour)} in {path} and {shown_colour(other)} in "
        f"{there}{others}; as it is, values count and colours don't; {remedy}"
    )
