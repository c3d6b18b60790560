"""Folders of classes: train/CLASS/a.jpg and val/CLASS/a.jpg, or CLASS/a.jpg.

Limits: lists of 5,000,000 lines. One of 64 MiB is read within 1 GiB and 30 seconds, larger ones in proportion.
"""

from collections import Counter

from trizoo.data.class_names import class_name
from trizoo.data.classes.index import image_ids, make_index
from trizoo.data.image_tree import files_below
from trizoo.data.opening import IMAGE_SUFFIXES
from trizoo.data.reading import LEFT_OUT, Problem
from trizoo.data.splits import SPLIT_NAMES, Lists, find_lists
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few

# folders of pictures that data sets of boxes and masks have, in small letters
_OF_OTHERS = {"images", "jpegimages", "img", "imgs", "masks", "labels", "annotations", "segmentationclass"}
_OF_OTHERS |= {"segmentationobject", "segmentationclassraw", "gtfine", "leftimg8bit"}


def find_class_folders(root, images=None, annotations=None, fewest=2):
    """The `ClassIndex` of a folder with a folder for each class, None where there aren't `fewest` with images.

    None as well where all folders are called as those of data sets of boxes or masks are: images, masks.

    Folders called as splits are (train, val, valid, test …) are splits where most images in them lie a folder deeper;
    what lies beside them is then a split of its own name. Without such folders splits are as lists of ids say, in the
    folder `splits` or beside the classes, else by a hash of each id. Folders within a class's belong to it.

    Args:
        annotations: a folder of lists of ids, which count before the folders of splits. Raises UserError for another
    """
    base = images or root
    files = files_below(base, IMAGE_SUFFIXES)
    deep = Counter()  # of images in folders called as splits: whether there is another folder between
    for file in files:
        top, *between, _ = file.split("/") if "/" in file else ("", "")
        if top.casefold() in SPLIT_NAMES:
            deep[bool(between)] += 1
    level = 1 if deep[True] > deep[False] else 0  # of the folder that is the class, among those of a path
    placed, names, problems, of_split = [], [], [], {}
    for file in files:
        folders = file.split("/")[:-1]
        if len(folders) <= level:
            problems.append(Problem(LEFT_OUT, base / file, "lies in no folder of a class"))
            continue
        placed.append(file)
        names.append(class_name(folders[level]))
        if level:
            of_split.setdefault(SPLIT_NAMES.get(folders[0].casefold(), folders[0]), []).append(len(placed) - 1)
    if len({*names}) < fewest or {name.casefold() for name in names} <= _OF_OTHERS:
        return None
    ids = image_ids(placed)
    notes = _on_empty(base, {file.rpartition("/")[0] for file in placed}, level)
    if level and annotations is None:
        splits, lists = {name: [ids[place] for place in places] for name, places in of_split.items()}, Lists()
    else:
        lists = find_lists(root, ids, [annotations or root / "splits"])
        if lists.error:
            raise lists.error
        known = {*ids}
        splits = {name: [id for id in dict.fromkeys(listed) if id in known] for name, listed in lists.ids.items()}
        own = {path.parent for path in lists.files.values()} == {annotations}
        if annotations and not (own and any(splits.values())):
            raise UserError(
                f"the annotations {annotations} are no folder of lists (train.txt, val.txt) that name images of "
                f"{base}, and folders of classes have no others; leave them out"
            )
    told = {"files": lists.files.values(), "notes": (*lists.notes, *notes), "problems": problems}
    return make_index(root, "class-folders", base, placed, names, splits, ids=ids, **told)


def _on_empty(base, full, level):
    """A note on folders of classes without an image; where splits have no folders, on those without any file.

    Args:
        full: the folders that hold images, seen from base
        level: of the folder that is the class, among those of a path
    """
    full = {tuple(folder.split("/")[: level + 1]) for folder in full}
    suffixes = IMAGE_SUFFIXES if level else ("",)  # what isn't empty may be lists or anything else
    empty = [
        path.relative_to(base).as_posix()
        for parent in sorted({base.joinpath(*parts[:-1]) for parts in full})
        for path in sorted(parent.iterdir())
        if path.relative_to(base).parts not in full
        and not path.name.startswith((".", "__"))
        and path.is_dir()
        and not files_below(path, suffixes)
    ]
    return (f"{first_few(empty)} {'holds' if len(empty) == 1 else 'hold'} no images",) if empty else ()
