"""labelme's files written for tests."""

import base64
import io
import json

import numpy as np
from PIL import Image


def shape(label, points, kind="polygon", **more):
    """A shape as labelme writes it."""
    return {"label": label, "points": points, "group_id": None, "shape_type": kind, "flags": {}, **more}


def write(path, *shapes, size=(8, 6), image="a.jpg", **more):
    """A file of these shapes. Gives its path."""
    content = {"version": "5.2.1", "flags": {}, "shapes": list(shapes), "imagePath": image, "imageData": None}
    content |= {"imageHeight": size[1], "imageWidth": size[0], **more}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def png(pixels):
    """A mask in base64, as labelme writes it: rows of 0 and 1."""
    buffer = io.BytesIO()
    Image.fromarray(np.array(pixels, bool)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
