"""Tar shards as a person's tools write them, for tests."""

import io
import json
import tarfile

from PIL import Image


def picture(size=(40, 30), colour=(90, 120, 60), kind="JPEG", mode="RGB"):
    """The bytes of an image of one colour."""
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, kind)
    return file.getvalue()


def boxes(*objects, **more):
    """JSON of an image's boxes: (class, xmin, ymin, xmax, ymax) each."""
    content = {"boxes": [corners for _, *corners in objects], "labels": [label for label, *_ in objects]}
    return json.dumps({**content, **more}).encode()


def write(path, *members, kind="w"):
    """A tar of (name, bytes) in order, or of `tarfile.TarInfo` of what holds none -> path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, kind) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            name, data = member
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def sample(key, *objects):
    """An image and its boxes under one key, as `write` takes them."""
    return (f"{key}.jpg", picture()), (f"{key}.json", boxes(*objects))
