"""Where images and masks are in a user's folder, and which belong together: VOC, plain folders, labelme, COCO."""

import json
import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from common.data.coco import CocoImage, PanopticImage, is_coco, read_coco
from common.data.images import IMAGE_SUFFIXES
from common.data.labelme import BACKGROUND, LabelmeFile, is_labelme, read_labelme
from common.data.voc_annotation import Problem, read_text
from common.data.voc_files import find_root, first_few, image_id, list_files, read_splits, split_by_hash
from common.errors import UserError

LAYOUTS = ("voc", "folders", "labelme", "coco", "panoptic")
# names of folders and splits, in lower case; the first that is there counts
IMAGE_FOLDERS = ("images", "image", "imgs", "img", "jpegimages", "pictures", "photos", "inputs", "input", "leftimg8bit")
MASK_FOLDERS = (
    *("masks", "mask", "segmentationclass", "segmentationclasspng", "labels", "label", "annotations", "annotation"),
    *("gt", "ground_truth", "groundtruth", "targets", "target", "segmentations", "segmentation", "gtfine"),
)
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_MASK_ENDING = re.compile(
    r"(?i)(?:[_\-. ]+(?:masks?|labels?|labelids|labeltrainids|gt|seg|segmentation|annot|annotation|l|matte|gtfine|"
    r"ground[_\- ]?truth))+$"
)
_IMAGE_ENDING = re.compile(r"(?i)[_\-. ]+(?:leftimg8bit|images?|img|sat|rgb)$")
_OTHER_MASKS = re.compile(r"(?i)_gt(?:fine|coarse)_(?:color|instanceids)$")  # Cityscapes has several for an image
_DEPTH = 2  # an archive's folder in a folder
_HEAD = 1 << 16  # bytes of a JSON file that show what it is


class NoMasksError(UserError):
    """Nothing in a folder looks like a data set with masks."""


@dataclass(frozen=True)
class MaskFile:
    """A mask that is a picture."""

    path: Path


@dataclass(frozen=True)
class Pair:
    """An image and what says its classes."""

    id: str
    image: Path
    truth: MaskFile | LabelmeFile | CocoImage | PanopticImage


@dataclass(frozen=True)
class Listing:
    """What was found in a folder, before any pixel is read.

    pairs: id -> Pair; splits: name -> ids, each in `pairs`; classes: names that the annotations bring along, or None
    unpaired: list of Problem, a file without its other half each; problems: what else is left out; notes: for a log
    """

    root: Path
    layout: str
    pairs: dict[str, Pair]
    splits: dict[str, list[str]]
    classes: tuple[str, ...] | None = None
    unpaired: tuple[Problem, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def list_masks(root, layout=None):
    """The `Listing` of a data set with masks. layout: one of LAYOUTS, None for the first of them that is there.

    voc: JPEGImages, SegmentationClass, ImageSets/Segmentation. folders: images and masks in a folder each, paired by
    stem (see `pair_stems`), with splits as folders above or below them (train/images, images/train) or beside them
    (train and train_masks, or trainannot), lists (train.txt) or none. labelme: JSON files, in folders of splits or not.
    coco, panoptic: instances_NAME.json and panoptic_NAME.json in annotations, or _annotations.coco.json in a folder of
    its images. Without lists or folders, ids are split into train and val by a hash of each, about 80 : 20, so that an
    image stays where it is when others come.
    Raises NoMasksError, a UserError, where nothing is found, and UserError where it can't be used: nothing pairs, a
    list names what isn't there, a JSON file can't be read.
    """
    root = Path(root)
    if not root.is_dir():
        raise UserError(f"data set {root} {'is not a folder' if root.exists() else 'does not exist'}")
    if layout is not None and layout not in LAYOUTS:
        raise UserError(f"the layout is {layout!r}; one of {', '.join(LAYOUTS)} is needed")
    for name in [layout] if layout else LAYOUTS:
        listing = _LISTERS[name](root)
        if listing is not None:
            return listing
    looked = f"{layout}" if layout else "VOC (SegmentationClass), folders of images and masks, labelme or COCO JSON"
    raise NoMasksError(f"no data set with masks in {root}: {looked} was looked for")


def has_masks(root):
    """Whether `list_masks` finds something. Raises UserError where that can't be used."""
    try:
        list_masks(root)
    except NoMasksError:
        return False
    return True


def pair_stems(images, masks):
    """Paths of both kinds by relative stem -> pairs {id: (image, mask)}, images without mask, masks without image.

    images, masks: {stem: path}. Stems that are equal belong together; then those that are equal without regard to
    case, and without what tools append (`_mask`, `-label`, `_gt`, `_seg`, `_labelIds`, …; `_leftImg8bit` of an image).
    """
    left = dict(masks)
    pairs = {}
    for normal in (lambda stem, _: stem, lambda stem, _: stem.casefold(), _bare):
        by_stem = {}
        for stem in left:
            by_stem.setdefault(normal(stem, _MASK_ENDING), stem)
        for stem, image in images.items():
            match = by_stem.get(normal(stem, _IMAGE_ENDING)) if stem not in pairs else None
            if match in left:
                pairs[stem] = (image, left.pop(match))
    return (
        {stem: pairs[stem] for stem in images if stem in pairs},
        [images[s] for s in images if s not in pairs],
        [*left.values()],
    )


def _bare(stem, ending):
    folder, slash, name = stem.casefold().rpartition("/")
    return folder + slash + ending.sub("", name)


def _voc(root):
    try:
        root = find_root(root)
    except UserError:
        return None
    files = list_files(root)
    if not files.masks:
        return None
    pairs = {id: Pair(id, files.images[id], MaskFile(path)) for id, path in files.masks.items() if id in files.images}
    found, notes = read_splits(files, for_masks=True)
    lacking = {name: [id for id in ids if id not in pairs] for name, ids in found.items()}
    folder = files.split_folder(for_masks=True)
    if folder.name != "Segmentation":  # lists for boxes: most of their images have no mask
        found, lacking = {name: [id for id in ids if id in pairs] for name, ids in found.items()}, {}
        found = {name: ids for name, ids in found.items() if ids}
    for name, ids in lacking.items():
        if ids:
            raise UserError(
                f"{len(ids)} of {len(found[name])} images of {folder / f'{name}.txt'} lack an image in "
                f"{root / 'JPEGImages'} or a mask in {root / 'SegmentationClass'}: {first_few(ids)}"
            )
    unpaired = [
        Problem("mask without image", path, "has no image in JPEGImages")
        for id, path in files.masks.items()
        if id not in pairs
    ]
    unique = {name: list(dict.fromkeys(ids)) for name, ids in found.items()}
    doubles = tuple(Problem("same id", path, text) for path, text in files.doubles)
    return Listing(root, "voc", pairs, unique, None, tuple(unpaired), doubles, tuple(notes))


def _folders(root):
    for folder in _and_below(root):
        for there in (_pairs_of_folders(folder), _split_folders(folder), _beside(folder)):
            if there:
                return _paired(folder, there)
    return None


def _and_below(root):
    """The folder itself, then those up to two levels below where a level has one folder only."""
    for _ in range(_DEPTH + 1):
        yield root
        below = list(_subfolders(root).values())
        if len(below) != 1:
            return
        root = below[0]


def _subfolders(folder):
    """Name in lower case -> folder, hidden ones left out."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return {}
    return {path.name.lower(): path for path in entries if path.is_dir() and not path.name.startswith((".", "__"))}


def _choose(there, names):
    return next((there[name] for name in names if name in there), None)


def _pairs_of_folders(folder):
    """[("", images, masks)] of two folders beside each other, or []."""
    there = _subfolders(folder)
    images, masks = _choose(there, IMAGE_FOLDERS), _choose(there, MASK_FOLDERS)
    return [("", images, masks)] if images and masks and _files(images) and _files(masks) else []


def _split_folders(folder):
    """[(split, images, masks)] of train/images and train/masks."""
    found = []
    for name, inside in _subfolders(folder).items():
        if name in SPLIT_NAMES:
            found += [(SPLIT_NAMES[name], images, masks) for _, images, masks in _pairs_of_folders(inside)]
    return found


def _beside(folder):
    """[(split, images, masks)] of train and train_masks, or trainannot."""
    there, found = _subfolders(folder), []
    for name, images in there.items():
        if name in SPLIT_NAMES:
            endings = [f"{joint}{ending}" for ending in (*MASK_FOLDERS, "annot") for joint in ("_", "-", "")]
            masks = _choose(there, [name + ending for ending in endings])
            found += [(SPLIT_NAMES[name], images, masks)] if masks else []
    return found


def _files(folder):
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


def _paired(root, folders):
    pairs, splits, unpaired = {}, {}, []
    for split, image_folder, mask_folder in folders:
        masks = _masks_among(_files(mask_folder))
        found, images, others = pair_stems(_files(image_folder), masks)
        unpaired += [Problem("image without mask", path, f"has no mask in {mask_folder.name}") for path in images]
        unpaired += [Problem("mask without image", path, f"has no image in {image_folder.name}") for path in others]
        for stem, (image, mask) in found.items():
            id = f"{split}/{stem}" if split else stem
            pairs[id] = Pair(id, image, MaskFile(mask))
            if split:
                splits.setdefault(split, []).append(id)
    if not pairs:
        _, images, masks = folders[0]
        raise UserError(
            f"no image in {images} has a mask in {masks}, whose name must be the same; {_examples(unpaired)}"
        )
    splits, notes, problems = _splits(root, pairs, splits)
    return Listing(root, "folders", pairs, splits, None, tuple(unpaired), problems, notes)


def _masks_among(files):
    """Those of them that hold class ids, of the several files that Cityscapes has for an image."""
    masks = {stem: path for stem, path in files.items() if not _OTHER_MASKS.search(stem)}
    trained = [stem for stem in masks if stem.endswith("_labelTrainIds")]
    return {stem: masks[stem] for stem in trained} if trained else masks


def _examples(unpaired):
    names = [problem.file.name for problem in unpaired]
    return f"there are {first_few(names)}"


def _splits(root, pairs, splits):
    """Split -> ids: those given, else lists of ids, else the folders that ids begin with, else by hash; notes."""
    if splits:
        return splits, (), ()
    lists, problems = _lists(root, pairs)
    if lists:
        return lists, (), problems
    for id in pairs:
        name = SPLIT_NAMES.get(id.partition("/")[0].lower()) if "/" in id else None
        splits.setdefault(name, []).append(id)
    if None not in splits:
        return splits, (), ()
    split = split_by_hash(pairs)
    note = (
        f"{root} has no lists of splits, so the names' hashes split its {len(pairs)} images into train "
        f"({len(split['train'])}) and val ({len(split['val'])}), always the same"
    )
    return split, (note,), ()


def _lists(root, pairs):
    """Split -> ids, of train.txt and the like, in ImageSets/Segmentation, ImageSets or the root; problems."""
    names = {stem: SPLIT_NAMES.get(stem, stem) for stem in (*SPLIT_NAMES, "trainval")}
    by_name = {}
    for id in pairs:
        by_name.setdefault(id.rpartition("/")[2], id)
        by_name[id] = id
    for folder in (root / "ImageSets" / "Segmentation", root / "ImageSets", root / "splits", root):
        found, problems = {}, []
        for path in sorted(folder.glob("*.txt")) if folder.is_dir() else ():
            if path.stem.lower() not in names:
                continue
            lines = [line.strip() for line in read_text(path)[0].replace("\r", "\n").split("\n")]
            wanted = [image_id(re.split(r"[\s,]+(?=\S*[/\\.])", line)[0]) for line in lines if line]
            ids = [by_name.get(id, by_name.get(re.split(r"[/\\]", id)[-1])) for id in wanted]
            missing = [id for id, known in zip(wanted, ids, strict=True) if known is None]
            if missing:
                raise UserError(f"{len(missing)} lines of {path} name no image with a mask: {first_few(missing)}")
            found[names[path.stem.lower()]] = list(dict.fromkeys(ids))
            if len(set(ids)) < len(ids):
                text = f"{len(ids) - len(set(ids))} ids stand more than once and count once"
                problems.append(Problem("listed twice", path, text))
        if any(found.values()):
            return {name: ids for name, ids in found.items() if ids}, tuple(problems)
    return {}, ()


def _json_files(root, most_levels=3):
    """The JSON files in a folder and those below it, by path."""
    found = []
    for parent, folders, names in os.walk(root):
        depth = len(Path(parent).relative_to(root).parts)
        folders[:] = sorted(n for n in folders if not n.startswith((".", "__"))) if depth < most_levels else []
        found += [Path(parent, name) for name in sorted(names) if name.lower().endswith(".json") and name[0] != "."]
    return found


def _begins(path, *keys):
    """Whether a JSON file's first bytes name one of these keys."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return any(f'"{key}"'.encode() in head for key in keys)


def _labelme(root):
    paths = [path for path in _json_files(root) if not _is_coco_file(path) and _is_labelme_file(path)]
    if not paths:
        return None
    pairs, unpaired, problems = {}, [], []
    by_stem = None
    for path in paths:
        content = read_labelme(path)
        image = content.image if content.image.is_file() else None
        if image is None:
            if by_stem is None:
                by_stem = {found.stem.casefold(): found for found in _files(root).values()}
            image = by_stem.get(content.image.stem.casefold()) or by_stem.get(path.stem.casefold())
        if image is None:
            unpaired.append(Problem("annotation without image", path, f"has no image {content.image.name}"))
            continue
        id = unicodedata.normalize("NFC", path.relative_to(root).with_suffix("").as_posix())
        pairs[id] = Pair(id, image, content)
        problems += content.problems
    if not pairs:
        raise UserError(f"none of the {len(paths)} labelme files in {root} has its image there; {_examples(unpaired)}")
    annotated = {pair.image for pair in pairs.values()}
    for image in _files(root).values():
        if image not in annotated:
            unpaired.append(Problem("image without annotation", image, "has no labelme file"))
    names = set().union(*(pair.truth.names for pair in pairs.values()))
    splits, notes, listed = _splits(root, pairs, {})
    classes = (BACKGROUND, *sorted(names))
    return Listing(root, "labelme", pairs, splits, classes, tuple(unpaired), (*problems, *listed), notes)


def _is_labelme_file(path):
    if _begins(path, "shapes"):
        return True
    if not _begins(path, "imageData", "imagePath", "flags", "version"):
        return False
    try:  # the keys may be sorted, and a large imageData then stands before the shapes
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and is_labelme(content)


def _is_coco_file(path):
    return bool(re.match(r"(?i)(instances|panoptic)_", path.name)) or path.name.lower().endswith(".coco.json")


def _coco(root):
    return _coco_files(root, "coco", panoptic=False)


def _panoptic(root):
    return _coco_files(root, "panoptic", panoptic=True)


def _coco_files(root, layout, panoptic):
    paths = _json_files(root)
    named = [path for path in paths if _is_coco_file(path)] or [
        path for path in paths if len(paths) <= 10 and _begins(path, "images", "annotations", "categories", "info")
    ]
    pairs, splits, unpaired, problems, classes, first = {}, {}, [], [], None, None
    for path in named:
        if path.name.lower().startswith("panoptic_") is not panoptic and path.name.lower().startswith(
            ("panoptic_", "instances_")
        ):
            continue
        if not _holds_coco(path):
            continue
        content = read_coco(path)
        if any(isinstance(image, PanopticImage) for image in content.images) is not panoptic:
            continue
        if classes not in (None, content.classes):
            raise UserError(f"{path} has other categories than {first}; one data set needs the same in all its files")
        classes, first = content.classes, path
        problems += content.problems
        split, folders = _split_of(path, root), _image_folders(path, root)
        for image in content.images:
            file = next((folder / image.file_name for folder in folders if (folder / image.file_name).is_file()), None)
            if file is None:
                text = f"{image.file_name} is not in {first_few([str(folder) for folder in folders])}"
                unpaired.append(Problem("missing image", path, text))
                continue
            stem = unicodedata.normalize("NFC", Path(image.file_name).with_suffix("").as_posix())
            id = f"{split}/{stem}" if split else stem
            pairs[id] = Pair(id, file, image)
            if split:
                splits.setdefault(split, []).append(id)
    if first is None:
        return None
    if not pairs:
        raise UserError(
            f"none of the images that {first} lists is there; {unpaired[0].text if unpaired else 'none are'}"
        )
    splits, notes, listed = _splits(root, pairs, splits)
    return Listing(root, layout, pairs, splits, classes, tuple(unpaired), (*problems, *listed), notes)


def _holds_coco(path):
    """Whether a file is COCO's with annotations; a file that is named like one and isn't JSON is an error later."""
    if _is_coco_file(path):
        return True
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and is_coco(content)


def _split_of(path, root):
    """The split that a file's name or folder says, without a year: instances_train2017.json is train."""
    match = re.match(r"(?i)(?:instances|panoptic)_(.+)$", path.stem)
    name = match[1] if match else path.parent.name if path.parent != root else path.stem
    name = re.sub(r"(?<=\D)20\d\d$", "", name)
    return SPLIT_NAMES.get(name.lower(), name if match else None)


def _image_folders(path, root):
    """Where the images of a file may be."""
    match = re.match(r"(?i)(?:instances|panoptic)_(.+)$", path.stem)
    own = [match[1], re.sub(r"(?<=\D)20\d\d$", "", match[1])] if match else []
    bases = dict.fromkeys([path.parent, path.parent.parent, root] if path.parent != root else [root])
    inside = ["", *own, *(f"{folder}/{name}" for folder in ("images", "JPEGImages") for name in own), "images"]
    return [base / name for base in bases for name in (*inside, "JPEGImages", "data")]


_LISTERS = {"voc": _voc, "folders": _folders, "labelme": _labelme, "coco": _coco, "panoptic": _panoptic}
