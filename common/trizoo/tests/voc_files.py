"""A VOC data set written for tests, file by file."""

from PIL import Image


def thing(name, xmin, ymin, xmax, ymax, more=""):
    """The XML of an object, its name on the second line."""
    corners = f"<xmin>{xmin}</xmin><ymin>{ymin}</ymin><xmax>{xmax}</xmax><ymax>{ymax}</ymax>"
    return f"<object>\n<name>{name}</name>{more}<bndbox>{corners}</bndbox></object>\n"


def add(root, id, objects="", size=(40, 30), suffix="jpg", annotate=True, orientation=1, filename=""):
    """An image and its annotation; suffix: "" for no image. Gives the root."""
    for folder in ("JPEGImages", "Annotations"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    if suffix:
        exif = Image.Exif()
        exif[274] = orientation
        Image.new("RGB", size, (90, 120, 60)).save(root / "JPEGImages" / f"{id}.{suffix}", exif=exif)
    if annotate:
        text = f"<annotation><filename>{filename}</filename>\n{objects}</annotation>"
        (root / "Annotations" / f"{id}.xml").write_text(text, encoding="utf-8")
    return root


def add_list(root, name, ids, kind="Main"):
    """The list of a split."""
    folder = root / "ImageSets" / kind
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.txt").write_text("\n".join(ids), encoding="utf-8")
