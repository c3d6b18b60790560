"""VOC's layout: JPEGImages, Annotations or SegmentationClass, ImageSets."""

import re
from xml.etree import ElementTree

import numpy as np

from trizoo.data.write.content import hard_link_notes, write_lines, write_lists
from trizoo.ground.files import write_from_memory
from trizoo.pictures.palette import palette_image

# What XML 1.0 can't hold even escaped: control characters, and halves of characters from names that aren't UTF-8.
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write_voc(content, folder):
    """Writes a `Content` into an empty folder -> notes.

    Boxes: corners that count from 1 and include the last pixel, so only xmin and ymin grow by 1; exact, whole numbers
    without a point. COCO's crowds are difficult. What is no wider or no higher than a pixel is left out: its corners
    would coincide. Masks: palette PNG files of class ids. The names of classes are in labels.txt.
    """
    labels = "SegmentationClass" if content.mask else "Annotations"
    for name in ("JPEGImages", labels):
        (folder / name).mkdir()
    write_lists(folder / "ImageSets" / ("Segmentation" if content.mask else "Main"), content)
    write_lines(folder / "labels.txt", content.classes)

    def write(place):
        name = content.names[place]
        hard = content.put_image(place, folder / "JPEGImages")
        if content.mask:
            mask = palette_image(content.mask(place))
            write_from_memory(folder / labels / f"{name}.png", lambda file: mask.save(file, "PNG"))
            return hard, 0, 0
        record = content.records[place]
        boxes = np.asarray(record.boxes, np.float64)
        wide = (boxes[:, 2:] - boxes[:, :2] > 1).all(axis=1)
        corners = (boxes + np.array([1, 1, 0, 0]))[wide].tolist()
        named = [content.classes[label] for label in record.labels[wide]]
        flags = (record.difficult | record.crowd)[wide].tolist()
        objects = [(*thing, None) for thing in zip(named, map(_numbers, corners), flags, strict=True)]
        text = annotation("JPEGImages", content.file_name(place), record.size, objects)
        (folder / labels / f"{name}.xml").write_text(text, encoding="utf-8", newline="\n")
        return hard, int((~wide).sum()), int(record.crowd[wide].sum())

    hard, thin, crowds = zip(*content.each(write), strict=True)
    notes = hard_link_notes(hard)
    if sum(thin):
        notes.append(
            f"VOC has no corners for objects no wider or no higher than a pixel, so these are left out: {sum(thin)}"
        )
    if sum(crowds):
        notes.append(f"VOC knows no crowds, so these are difficult objects: {sum(crowds)}")
    return notes


def annotation(folder, file_name, size, objects):
    """The text of an XML file.

    Args:
        size: (width, height)
        objects: (name, four corners as texts, difficult, score or None)
    """
    root = ElementTree.Element("annotation")
    _add(root, "folder", folder)
    _add(root, "filename", file_name)
    size_tag = ElementTree.SubElement(root, "size")
    for tag, value in zip(("width", "height", "depth"), (*size, 3), strict=True):
        _add(size_tag, tag, value)
    _add(root, "segmented", 0)
    for name, corners, difficult, score in objects:
        entry = ElementTree.SubElement(root, "object")
        for tag, value in (("name", name), ("pose", "Unspecified"), ("truncated", 0), ("difficult", int(difficult))):
            _add(entry, tag, value)
        if score is not None:
            _add(entry, "score", score)
        box = ElementTree.SubElement(entry, "bndbox")
        for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True):
            _add(box, tag, value)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _numbers(corners):
    """Numbers as texts, whole ones without a point: many readers of VOC files take nothing else."""
    return [repr(value).removesuffix(".0") for value in corners]


def _add(parent, tag, value):
    ElementTree.SubElement(parent, tag).text = NOT_XML.sub("\ufffd", str(value))
