"""Names of classes as they are written by people: in one form, and which of them look alike."""

import re
import unicodedata
from functools import lru_cache

from trizoo.ground.errors import UserError

LONGEST = 1000  # characters; comparing and composing take the square of that
_SEPARATORS = r"[\s_\-\u00ad\u058a\u05be\u2010-\u2015\u2212\u30fb\u301c]"
_BESIDE_LETTER = re.compile(rf"(?<=[^\W\d_]){_SEPARATORS}+|{_SEPARATORS}+(?=[^\W\d_])")
_BESIDE_OTHERS = re.compile(rf"{_SEPARATORS}+")
_WORD = re.compile(r"[^\W\d_]+")
_ALIKE = ("LATIN", "CYRILLIC", "GREEK")
# Grapheme joiner, Hangul fillers, variation selectors: drawn as nothing, though no format characters (Unicode's
# Default_Ignorable_Code_Point)
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")


@lru_cache(maxsize=4096)
def class_name(text):
    """The name of a class as data sets are read: composed (Unicode NFC), white space inside joined to one space.

    Raises UserError for more than LONGEST characters.
    """
    if len(text) > LONGEST:
        raise UserError(f"the class name {text[:20]!r}... has {len(text):,} characters; {LONGEST:,} are the limit")
    name = " ".join(text.split())
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def looks_alike_key(name):
    """What is equal for names that only differ by invisible characters, wide letters, case, spaces and dashes.

    "Traffic-Light", "traffic light" and "trafficlight" have one key; "defect 1-2" and "defect 12" have two, since a
    separator counts where no letter stands beside it.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible(name)).casefold())
    return _BESIDE_OTHERS.sub(" ", _BESIDE_LETTER.sub("", folded))


def given_names(names):
    """Names of classes that a person gave, as they are. Raises UserError for blank ones and for one given twice."""
    seen = {}
    for number, name in enumerate(names, start=1):
        written = class_name(name)
        if not visible(written):
            raise UserError(f"class {number} of those given is called {name!r}, which is blank; a name is needed")
        if written in seen:
            raise UserError(f"classes {seen[written]} and {number} of those given are both called {written!r}")
        seen[written] = number
    return names


def mixes_scripts(name):
    """Whether a word of a name has letters of two scripts that share shapes: Latin, Cyrillic, Greek."""
    return any(len({*map(_script, word)} & {*_ALIKE}) > 1 for word in _WORD.findall(name))


def _script(letter):
    return unicodedata.name(letter, "").partition(" ")[0]


def spellings(one, other):
    """Two names in quotes for a sentence; by their code points where they would print the same."""
    write = ascii if visible(one) == visible(other) else repr
    return write(one), write(other)


def visible(name):
    """A name, composed, without the characters that print nothing."""
    kept = "".join(character for character in name if unicodedata.category(character) != "Cf")
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", kept))
