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
