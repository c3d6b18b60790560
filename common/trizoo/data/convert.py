"""A data set of any layout, with boxes or masks, becomes one of another layout."""

import secrets
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trizoo.data.boxes.labelme import NO_CLASS
from trizoo.data.boxes.points import LAYOUTS as OF_POINTS
from trizoo.data.boxes.points import Drawn
from trizoo.data.class_maps import without_use
from trizoo.data.class_names import given_names, spellings
from trizoo.data.finding import is_of_tars, named_place
from trizoo.data.purpose import OF_IMAGES, find_labels
from trizoo.data.reading import in_short
from trizoo.data.stratify import choose_images
from trizoo.data.texts import Chosen
from trizoo.data.write.content import SHARD_SIZE, Content, file_names, in_order
from trizoo.data.write.formats import IN_ONE_SPLIT, IN_SPLITS_ALONE, WRITERS
from trizoo.data.write.voc import NOT_XML
from trizoo.ground.conventions import BACKGROUND_NAMES
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few


@dataclass(frozen=True)
class Converted:
    """What was written.

    Args:
        images: how many were written
        splits: name -> how many of them it holds
        notes: sentences about what the format can't hold, and about what of the source was left out
    """

    layout: str
    task: str
    images: int
    splits: dict[str, int]
    classes: tuple[str, ...]
    notes: tuple[str, ...]


def convert(
    root,
    out,
    to="voc",
    classes=None,
    *,
    task=None,
    classes_map=None,
    limit=None,
    seed=0,
    link=False,
    shard_size=None,
    layout=None,
    images=None,
    annotations=None,
    mask_map=None,
    palette=None,
    ignore_colours=(),
    watch=None,
):
    """Write the data set at `root` into the new folder `out` in another layout -> `Converted`.

    The folder appears only when everything is in it, and nothing is written over. Splits are kept, those made by hash
    too. Names of files are the source's, see `trizoo.data.write.content.file_names`.

    Args:
        to: one of `trizoo.data.write.formats.WRITERS`, which say what each keeps
        classes: names in the order of their labels, None for those that are found
        task: "detection", "segmentation", or None for what there is: masks where one of their options is given, or a
            layout that no boxes have, else boxes where images are annotated with them, else masks; key points for
            `to="points"`
        classes_map: see `trizoo.data.class_maps`; for boxes alone
        limit: at most so many images of the split train, or trainval without it, classes balanced; the others stay
        link: images are symbolic links, where these can't be made hard links, instead of copies
        shard_size: bytes that a shard has at most, None for 1 GB; for `to="shards"` alone
        layout, images, annotations: see `find_boxes` and `find_masks`
        mask_map, palette, ignore_colours: see `trizoo.data.masks.dataset.MaskSet`
        watch: see `trizoo.data.write.content.Content`

    Raises:
        UserError: where `out` holds anything, can't be written or lies in the data set, for names in `classes_map` that
            no object has, for classes of whole images, and as the readers do
    """
    if to not in WRITERS:
        raise UserError(f"the layout to write is {to!r}; one of {', '.join(WRITERS)} is needed")
    if classes is not None:
        given_names(classes)
    if limit is not None and limit < 1:
        raise UserError(f"limit is {limit}; at least 1 image is needed")
    if shard_size is not None and to != "shards":
        raise UserError(f"the size of shards is given, and {to} has none; leave it out, or write shards")
    out = new_folder(out)
    refuse_inside(out, root, images, annotations)
    options = {"mask_map": mask_map, "palette": palette, "ignore_colours": ignore_colours}
    places = {"layout": layout, "images": images, "annotations": annotations}
    if to == "points" and task is None and not any(options.values()):
        task = "keypoints"
    purpose, listing = find_labels(root, task, **places, about_masks=any(options.values()))
    has_masks = purpose == "segmentation"
    if purpose in OF_IMAGES:
        raise UserError(f"{listing.root} has classes of whole images, and boxes, masks or points are converted")
    if any(options.values()) and not has_masks:
        raise UserError("mask_map and palette are about masks; leave them out, or convert masks")
    if not is_of_tars(root):
        refuse_inside(out, listing.root)
    if has_masks:
        content, source = _of_masks(listing, classes, classes_map, options)
    else:
        content, source = content_of_boxes(listing, classes, classes_map)
    for name in content.classes:
        if NOT_XML.search(name):
            raise UserError(f"the class {name!r} has a character that files can't hold; --classes-map names it anew")
    content, notes = _limited(content, source, limit, seed)
    content = replace(content, link=link, shard_size=shard_size or SHARD_SIZE, watch=watch or content.watch)
    notes += _renamed(content)
    if to == "labelme" and not has_masks:
        notes += _lost_in_labelme(content)
    notes += fill(content, WRITERS[to], out)
    if has_masks and to != "voc" and {*BACKGROUND_NAMES} & {*content.classes[1:]}:
        notes.append("the background, which isn't class 0 here, is class 0 of what was written, and ids change with it")
    if source.problems:
        notes.append(in_short(source.problems, root))
    splits = content.once()[0] if to in IN_ONE_SPLIT else content.splits
    return Converted(
        to,
        "segmentation" if has_masks else "detection",
        len(content) - (len(content.in_no_split) if to in IN_SPLITS_ALONE else 0),
        {name: len(members) for name, members in splits.items()},
        content.classes,
        (*source.notes, *notes),
    )


def _renamed(content):
    """The sentence about files that get another name -> list, empty for none."""
    stems = [record.image.stem for record in content.records]
    changed = [pair for pair in zip(stems, content.names, strict=True) if pair[0] != pair[1]]
    if not changed:
        return []
    old, new = spellings(*changed[0])
    return [f"files that get another name, such as {new} for {old}: {len(changed)}"]


def _lost_in_labelme(content):
    """The sentence about objects of classes whose names mean no object in labelme's files -> list, empty for none."""
    labels = [label for label, name in enumerate(content.classes) if name in NO_CLASS]
    count = sum(int(np.isin(record.labels, labels).sum()) for record in content.records) if labels else 0
    named = " and ".join(content.classes[label] for label in labels)
    return [f"labelme's readers take {named} for no class and leave its objects out: {count}"] if count else []


def new_folder(out):
    """The Path of a folder to make. Raises UserError where it holds anything."""
    out = Path(out)
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise UserError(f"{out} is there already, and nothing is written over; name a new folder")
    return out


def refuse_inside(out, root, *places):
    """UserError where a folder lies in the data set.

    Args:
        places: see `trizoo.data.finding.named_place`
    """
    folders = [Path(root), *(named_place(root, place, "files") for place in places if place is not None)]
    for folder in folders:
        if out.resolve().is_relative_to(folder.resolve()):
            raise UserError(f"{out} lies in the data set {folder} itself; name a folder outside of it")


def content_of_boxes(listing, classes, classes_map):
    """The `Content` and the `BoxSet` of all images that are annotated."""
    index = listing.index
    unused = without_use(classes_map or {}, (*index.class_names, *(index.classes or ())))
    if unused:
        raise UserError(f"{unused[0]}; the annotations have {first_few(index.class_names)}")
    data = index.open(None, classes, classes_map)
    place_of = {row: place for place, row in enumerate(data.records.rows.tolist())}
    splits = {}
    for split, listed in index.splits.items():
        if len(listed):  # opened, so that what training would refuse is refused
            rows = index.open(split, classes, classes_map).records.rows.tolist()
            splits[split] = [place_of[row] for row in rows]
    if classes_map and len(index.boxes) and not any(len(record.labels) for record in data.records):
        raise UserError(f"the class map leaves out every object of {index.root}, so there is nothing to write")
    data.notes[:0] = index.list_notes
    names = file_names([index.ids[row] for row in place_of])
    records = Drawn(data.records) if index.layout in OF_POINTS else data.records
    return Content(data.classes, records, names, in_order(splits)), data


def _of_masks(listing, classes, classes_map, options):
    """The `Content` and the `MaskSet` of all images that have a mask."""
    if classes_map:
        raise UserError("a class map is for boxes; classes of masks are mapped by --mask-map")
    data = listing.open(None, classes, **options)
    place_of = {record.id: place for place, record in enumerate(data.records)}
    splits = {split: [place_of[id] for id in ids if id in place_of] for split, ids in data.splits.items()}
    splits = {split: places for split, places in splits.items() if places}
    return Content(data.classes, data.records, file_names([*place_of]), in_order(splits), data.mask), data


def _limited(content, source, limit, seed):
    """The `Content` with at most so many images of its training split, and notes; None: as it is."""
    if limit is None:
        return content, []
    train = next((name for name in ("train", "trainval") if name in content.splits), None)
    if train is None:
        raise UserError(f"there is no split train to limit; there are {', '.join(content.splits)}")
    members = content.splits[train]
    chosen = choose_images(source, members, limit, seed)
    others = {name: places for name, places in content.splits.items() if name not in ("train", "trainval")}
    gone = set(members) - set(chosen) - set().union(*others.values())
    left = [place for place in range(len(content)) if place not in gone]
    new = {place: number for number, place in enumerate(left)}
    splits = {**content.splits, train: chosen}
    limited = replace(
        content,
        records=Chosen(content.records, np.array(left, np.int64)),
        names=[content.names[place] for place in left],
        splits={name: [new[place] for place in places if place in new] for name, places in splits.items()},
        mask=(lambda place: content.mask(left[place])) if content.mask else None,
    )
    return limited, [f"{train} has {len(chosen)} of its {len(members)} images, chosen so that classes are balanced"]


def fill(content, writer, out):
    """Fills the folder by way of another one beside it -> notes."""
    unfinished = out.absolute().with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        unfinished.mkdir(parents=True)
        notes = writer(content, unfinished)
        if out.is_dir():
            out.rmdir()
        unfinished.rename(out)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise UserError(f"data set {out} can't be written: {error.strerror or error}{where}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return notes
