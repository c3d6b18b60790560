"""What images are called in a data set: ids from the names of files, and the images of a folder by id."""

import os
import unicodedata
from pathlib import Path

from trizoo.data.opening import IMAGE_SUFFIXES


def image_id(name):
    """A file name or a line of a list, without its extensions and in Unicode's composed form.

    Archives from a Mac hold names in the decomposed form, which looks the same and compares different.
    """
    name = unicodedata.normalize("NFC", name.strip())
    while name.lower().endswith((*IMAGE_SUFFIXES, ".xml")) and not name.startswith("."):
        name = name.rpartition(".")[0]
    return name


def image_files(folder):
    """Stem relative to the folder -> image file, in this folder and all below; of two with one stem the first."""
    found = {}
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__", "panoptic_")))
        for name in sorted(names):
            if name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith("."):
                path = Path(parent, name)
                stem = unicodedata.normalize("NFC", path.relative_to(folder).with_suffix("").as_posix())
                found.setdefault(stem, path)
    return found
