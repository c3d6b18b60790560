"""Files that name the classes of a detector's data set, a name a line, as tools for detectors write them."""

from dataclasses import dataclass
from pathlib import Path

from trizoo.data.class_names import class_name
from trizoo.data.reading import PointerError, read_text
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few

MOST_CLASSES = 10_000  # a label beyond it is a slip, and would make a network that nobody wants
NAME_FILES = ("classes.txt", "obj.names", "class_names.txt", "names.txt", "labels.txt", "_darknet.labels")
MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class ClassNames:
    """The names of classes in the order of their labels.

    Args:
        path: the file that gives them, None where labels alone do
        gaps: labels whose names are made up, since the file skips them
    """

    names: tuple[str, ...]
    path: Path | None = None
    gaps: frozenset[int] = frozenset()

    def name_of(self, label):
        """The name of a label; "label 7" where it has none, which is then an unknown class like any other."""
        known = 0 <= label < len(self.names) and label not in self.gaps
        return self.names[label] if known else f"label {label}"


def numbered_names(count):
    """class_0, class_1 …"""
    return tuple(f"class_{label}" for label in range(count))


def checked_names(names, where):
    """The names as `class_name` writes them. Raises UserError for empty ones, two alike, none and too many.

    Args:
        where: the file, and perhaps the line, that has them
    """
    try:
        names = tuple(class_name(name) for name in names)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    if not 0 < len(names) <= MOST_CLASSES:
        raise UserError(f"{where} names {len(names)} classes; 1 to {MOST_CLASSES:,} are needed")
    seen = {}
    for label, name in enumerate(names):
        if not name:
            raise UserError(f"{where}: class {label} has no name")
        if name in seen:
            raise UserError(
                f"{where}: classes {seen[name]} and {label} are both called {name!r}; each name counts once"
            )
        seen[name] = label
    return names


def read_names(path):
    """The `ClassNames` of a file with a name a line; blank lines play no role."""
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise UserError(f"{path} is no file of at most 1 MiB, as one with a class's name a line is")
    lines = read_text(path)[0].replace("\r", "\n").split("\n")
    return ClassNames(checked_names([line for line in lines if line.strip()], path), path)


def find_names(folders):
    """The `ClassNames` of the first file of `NAME_FILES`, else the first *.names, in the first folder that has one."""
    for folder in folders:
        there = {path.name.casefold(): path for path in sorted(folder.iterdir())} if folder.is_dir() else {}
        others = [name for name in there if name.endswith((".names", "_classes.txt"))]
        for name in (*NAME_FILES, *others):
            if name in there and there[name].is_file():
                return read_names(there[name])
    return None


def order_files(folder):
    """The files of a folder that may say the order of classes whose names stand in annotations -> tuple."""
    return tuple(path for path in (folder / "labels.txt", folder / "classes.txt") if path.is_file())


def class_order(paths, names):
    """The names in the order of the first file that has them all, None where none has, and sentences for a person.

    What the file has beside them plays no role: a background, labelme's __ignore__, a class without objects.

    Args:
        names: that annotations have
    """
    notes = []
    for path in paths if names else ():
        try:
            order = [name for name in read_names(path).names if name in names]
        except PointerError:
            raise
        except UserError as error:
            notes.append(f"{error}, so it doesn't say the order of classes")
            continue
        lacking = sorted(set(names) - {*order})
        if not lacking:
            told = () if order == sorted(names) else (f"classes are in the order of {path}",)
            return tuple(order), told
        notes.append(f"{path} lacks {first_few(lacking)}, so it doesn't say the order of classes")
    return None, tuple(notes)
