"""Images and masks written for tests of what finds them."""

from PIL import Image


def touch(root, *names, size=(4, 3)):
    """Grey pictures of these names below a folder."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size).save(path)


def pairs(listing):
    """Id -> names of the image and of what says its classes, from the root."""
    root = listing.root
    return {
        id: (pair.image.relative_to(root).as_posix(), pair.truth.path.relative_to(root).as_posix())
        for id, pair in listing.pairs.items()
    }


def unpaired(listing):
    """Kind of problem and name of each file without its other half."""
    return sorted((problem.kind, problem.file.name) for problem in listing.unpaired)


def write_masks(root, masks):
    """images/NAME.png and masks/NAME.png for {name: array or Pillow image}; -> root."""
    for name, mask in masks.items():
        mask = mask if isinstance(mask, Image.Image) else Image.fromarray(mask)
        for folder in ("images", "masks"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", mask.size, (10, 20, 30)).save(root / "images" / f"{name}.png")
        mask.save(root / "masks" / f"{name}.png")
    return root


def in_palette(values, *colours):
    """A palette image of uint8 (H, W) values."""
    image = Image.fromarray(values)
    image.putpalette([level for colour in colours for level in colour])
    return image
