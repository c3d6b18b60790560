"""Folders of drawn images: VOC's layout for boxes, folders of classes, lists of labels."""

from html import escape

from PIL import Image

from trizoo.ground.files import write_from_memory
from trizoo.pictures.palette import palette_image

_SPLITS = ("train", "val", "test")
# Of 20 images in a row 14 train, 3 validate and 3 test, whatever the count
_VAL, _TEST = (1, 8, 14), (2, 11, 17)


def split_of(index):
    """The split of an image."""
    place = index % 20
    return "val" if place in _VAL else "test" if place in _TEST else "train"


def write_boxes(folder, parameters, draw):
    """Images with boxes, and with masks where they are drawn, in VOC's layout.

    Args:
        draw: function of index, size, classes and seed that gives pixels, a mask or None, and objects, as
            `trizoo.data.synthetic.draw_image` does
    """
    images, size, classes, seed = (parameters[key] for key in ("images", "size", "classes", "seed"))
    for name in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (folder / name).mkdir(parents=True)
    lists, masks = {name: [] for name in _SPLITS}, folder / "SegmentationClass"
    for index in range(images):
        id = f"{index:06d}"
        image, mask, objects = draw(index, size, classes, seed)
        if mask is not None:
            masks.mkdir(exist_ok=True)
            write_from_memory(masks / f"{id}.png", lambda file, mask=mask: palette_image(mask).save(file, "PNG"))
        save_jpeg(image, folder / "JPEGImages" / f"{id}.jpg")
        text = _xml(id, size, classes, objects)
        (folder / "Annotations" / f"{id}.xml").write_text(text, encoding="utf-8", newline="\n")
        lists[split_of(index)].append(f"{id}\n")
    for kind in ("Main", "Segmentation") if masks.is_dir() else ("Main",):
        (folder / "ImageSets" / kind).mkdir(exist_ok=True)
        for name, lines in lists.items():
            (folder / "ImageSets" / kind / f"{name}.txt").write_text("".join(lines), encoding="utf-8", newline="\n")


def write_classes(folder, parameters, draw, split=lambda number, name: split_of(number)):
    """Folders of splits, in them folders of classes; each class has as many images as any other, to one.

    Args:
        draw: function of index, label, size, classes and seed that gives pixels
        split: function of an image's number within its class, and of the class
    """
    images, size, classes, seed = (parameters[key] for key in ("images", "size", "classes", "seed"))
    for index in range(images):
        number, label = divmod(index, len(classes))
        place = folder / split(number, classes[label]) / classes[label]
        place.mkdir(parents=True, exist_ok=True)
        save_jpeg(draw(index, label, size, classes, seed), place / f"{index:06d}.jpg")


def write_labels(folder, parameters, draw):
    """Images in one folder, and a list a split with the names of the classes in each.

    Args:
        draw: as `write_boxes` takes it
    """
    images, size, classes, seed = (parameters[key] for key in ("images", "size", "classes", "seed"))
    (folder / "images").mkdir(parents=True)
    lists = {name: [] for name in _SPLITS}
    for index in range(images):
        image, _, objects = draw(index, size, classes, seed)
        save_jpeg(image, folder / "images" / f"{index:06d}.jpg")
        names = [classes[label] for label in sorted({label for label, *_ in objects})]
        lists[split_of(index)].append("\t".join((f"images/{index:06d}.jpg", *(names or [""]))) + "\n")
    for name, lines in lists.items():
        (folder / f"{name}.txt").write_text("".join(lines), encoding="utf-8", newline="\n")


def save_jpeg(pixels, path):
    """A picture of uint8 (H, W, 3) RGB."""
    write_from_memory(path, lambda file: Image.fromarray(pixels).save(file, "JPEG", quality=92))


def _xml(id, size, classes, objects):
    """A VOC annotation: corners count from 1 and include the last pixel, so only xmin and ymin change."""
    lines = [
        "<annotation>",
        f"  <filename>{id}.jpg</filename>",
        f"  <size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>",
        "  <segmented>1</segmented>",
    ]
    for label, xmin, ymin, xmax, ymax, cut in objects:
        corners = {"xmin": xmin + 1, "ymin": ymin + 1, "xmax": xmax, "ymax": ymax}
        lines += [
            "  <object>",
            f"    <name>{escape(classes[label], quote=False)}</name>",
            f"    <truncated>{int(cut)}</truncated>",
            "    <difficult>0</difficult>",
            f"    <bndbox>{''.join(f'<{tag}>{value}</{tag}>' for tag, value in corners.items())}</bndbox>",
            "  </object>",
        ]
    return "\n".join([*lines, "</annotation>", ""])
