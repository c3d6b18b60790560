"""Letters for class names in any script: which font file draws which name."""

import functools
import logging
from pathlib import Path

from PIL import ImageFont

log = logging.getLogger(__name__)

# Drawn beside every name: the score, the sign of a name cut short, and "#3" for a name without a font.
COMMON_LETTERS = "0123456789. …#"
# Words in a file name of a style that is worse to read in a small size.
STYLES = ("bold", "black", "heavy", "italic", "oblique", "thin", "light", "condensed", "mono", "serif")


@functools.lru_cache(maxsize=16)
def label_faces(class_names):
    """How each class is written: tuple of C names -> tuple of C pairs (text, font file).

    DejaVu Sans, which comes with matplotlib, where it has every letter of the name; else a font of this system that
    has; else the text is the class id, `#3`, and the log warns (once for these names). Line breaks become spaces.
    """
    standard = default_font()
    texts = [" ".join(name.split()) for name in class_names]
    letters = _letters_of(standard, "".join(texts))
    missing = {text for text in texts if not letters.issuperset(text)}
    others = _system_fonts_for(missing) if missing else {}
    faces, unwritable = [], []
    for label, text in enumerate(texts):
        if text and text not in missing:
            faces.append((text, standard))
        elif text in others:
            faces.append((text, others[text]))
        else:
            faces.append((f"#{label}", standard))
            unwritable.append(f"#{label} = {class_names[label]!r}")
    if unwritable:
        more = f" and {len(unwritable) - 5} more" if len(unwritable) > 5 else ""
        log.warning(
            "no font of this system can write these class names, so pictures show their numbers: %s%s; "
            "a font such as Noto Sans (CJK for Chinese, Japanese, Korean) would do",
            ", ".join(unwritable[:5]),
            more,
        )
    return tuple(faces)


@functools.lru_cache(maxsize=1)
def default_font():
    """The file of DejaVu Sans that matplotlib ships -> Path."""
    import matplotlib

    return Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")


@functools.lru_cache(maxsize=64)
def load_font(path, size):
    """The font of a file in a size in pixels -> Pillow font."""
    return ImageFont.truetype(str(path), size)


def _system_fonts_for(texts):
    """The first plain font of the system that has every letter of each text: set of texts -> {text: Path}."""
    from matplotlib import font_manager  # slow: imported only for letters that DejaVu Sans lacks

    # Straight from the folders, not from matplotlib's list: that is a cache which misses fonts installed since.
    candidates = sorted(map(Path, font_manager.findSystemFonts()), key=_style_rank)
    fonts, remaining = {}, set(texts)
    for path in candidates:
        if not remaining:
            break
        letters = _letters_of(path, COMMON_LETTERS + "".join(remaining))
        if letters.issuperset(COMMON_LETTERS):
            written = {text for text in remaining if letters.issuperset(text)}
            fonts.update(dict.fromkeys(written, path))
            remaining -= written
    return fonts


def _letters_of(path, letters):
    """Those of the letters that a font file can draw in any size -> set; empty for a damaged or bitmap font."""
    from matplotlib.ft2font import FT2Font

    try:
        font = FT2Font(str(path))
    except (OSError, RuntimeError):
        return set()
    if not font.scalable:
        return set()
    return {letter for letter in set(letters) if font.get_char_index(ord(letter))}


def _style_rank(path):
    """Sort key: plain sans-serif faces first, then by name, so that the choice is the same in every run."""
    stem = path.stem.lower().replace("sansserif", "").replace("sans-serif", "")
    return sum(style in stem for style in STYLES), path.name, str(path)
