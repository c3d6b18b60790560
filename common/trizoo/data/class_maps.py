"""Classes of a data set under other names: maps from a command line, and synonyms of VOC and COCO."""

from trizoo.data.class_names import class_name
from trizoo.ground.errors import UserError
from trizoo.ground.text import hint

# Everingham et al. 2010, table 1, and Lin et al. 2014, appendix
_VOC_AND_COCO = (
    ("aeroplane", "airplane"),
    ("diningtable", "dining table"),
    ("motorbike", "motorcycle"),
    ("pottedplant", "potted plant"),
    ("sofa", "couch"),
    ("tvmonitor", "tv"),
)
OTHERS = "*"  # in a class map: every class that it doesn't name
SYNONYMS = {name: other for pair in _VOC_AND_COCO for name, other in (pair, pair[::-1])}


def parse_class_map(texts):
    """["tvmonitor=tv", "person="] -> {"tvmonitor": "tv", "person": ""}; see `class_map` for errors."""
    pairs = []
    for text in texts:
        old, sign, new = text.partition("=")
        if not sign or not old.strip():
            raise UserError(f'{text!r} maps no class; OLD=NEW is needed, as "tvmonitor=tv", or OLD= to leave one out')
        pairs.append((old, new))
    return class_map(pairs)


def class_map(pairs):
    """(old name, new name) pairs as a dict, names composed; the new name "" leaves a class out.

    Several may get one name, and the old name "*" is every class that has no pair of its own. Raises UserError for a
    class with two new names.
    """
    mapping = {}
    for old, new in ((class_name(old), class_name(new)) for old, new in pairs):
        if mapping.setdefault(old, new) != new:
            raise UserError(f"the class {old!r} is mapped to {mapping[old]!r} and to {new!r}; one of them is needed")
    return mapping


def new_name(name, mapping):
    """The name of a class after a map, "" where that leaves it out."""
    return mapping.get(class_name(name), mapping.get(OTHERS, name))


def mapped(names, mapping):
    """Names after a map, each once, in order, without those that it leaves out -> tuple.

    Args:
        mapping: name -> new name, "" = left out; its names are composed as `class_name` does
    """
    return tuple(dict.fromkeys(new for name in names if (new := new_name(name, mapping))))


def renamed(values, mapping):
    """A dict by names with the names after a map; of names that become one the first, without those left out."""
    found = {}
    for name, value in values.items():
        found.setdefault(new_name(name, mapping), value)
    found.pop("", None)
    return found


def without_use(mapping, names):
    """The sentences about what a map names and a data set doesn't have.

    Args:
        names: the classes that it has
    """
    known = [class_name(name) for name in names]
    return [
        f"the class map names {name!r}, which no object is{hint(name, known)}"
        for name in mapping
        if name not in known and name != OTHERS
    ]


def with_synonyms(names, classes, mapping=()):
    """A class map that also gives VOC's names COCO's, and the other way round, where only the other is a class.

    Args:
        names: of a data set
        classes: of a model
        mapping: a class map, which stands above that
    """
    if OTHERS in dict(mapping):
        return dict(mapping)
    synonyms = {name: SYNONYMS[name] for name in names if name not in classes and SYNONYMS.get(name) in classes}
    return synonyms | dict(mapping)


def offer(names, classes, mapping=()):
    """`--classes-map "tvmonitor=tv" …` for those of the names whose synonym is among the classes; "" for none.

    Args:
        mapping: one that is used already, which stands before the new names
    """
    found = {name: SYNONYMS[name] for name in sorted(names) if SYNONYMS.get(name) in classes}
    if not found:
        return ""
    pairs = {**dict(mapping), **found}
    return "--classes-map " + " ".join(f'"{old}={new}"' for old, new in pairs.items())
