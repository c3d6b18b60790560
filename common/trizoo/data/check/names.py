"""Names of classes that look like slips, or that can't be told apart by eye."""

import difflib
import re

from trizoo.data.class_names import looks_alike_key, mixes_scripts, spellings

KINDS = ("similar class names", "class name of two scripts")  # all of them warnings
_CLOSE, _RARE = 0.8, 20  # names are near misses from this similarity on, if one is this many times rarer


def look_at_names(counts, file_of, findings, slips=True):
    """Names that look alike, nearly so where one is much rarer than the other, or that mix scripts.

    Args:
        counts: name -> objects
        file_of: name -> the file that has it
        findings: a `trizoo.data.check.report.Findings`
        slips: whether names that nearly look alike are told too
    """
    names = sorted(counts, key=lambda name: (counts[name], name))
    keys = {name: looks_alike_key(name) for name in names}
    last = {key: name for name, key in keys.items()}
    for index, rare in enumerate(names):
        if mixes_scripts(rare):
            text = f"{rare!r} ({rare!a}) has letters of two scripts in a word, which may look the same"
            findings.add("class name of two scripts", file_of(rare), text)
        other = last[keys[rare]]
        if other == rare and slips:
            more = reversed(names[index + 1 :])
            other = next((name for name in more if _is_slip(rare, name, keys, counts)), rare)
        if other != rare:
            one, another = spellings(rare, other)
            text = f"{one} ({counts[rare]:,}) looks like {another} ({counts[other]:,})"
            findings.add("similar class names", file_of(rare), text)


def _is_slip(rare, other, keys, counts):
    numbered = re.sub(r"\d", "", rare) == re.sub(r"\d", "", other)  # defect 1, defect 2
    if numbered or counts[rare] * _RARE > counts[other]:
        return False
    return difflib.SequenceMatcher(None, keys[rare], keys[other]).ratio() >= _CLOSE
