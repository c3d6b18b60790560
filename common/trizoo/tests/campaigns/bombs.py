"""Files that are made to fill the memory or to take for ever, for every reader that fuzz.py has.

bombs_of(reader): name -> bytes or, of a function, what makes them of a whole file's; each is put in the place of the
file that the reader's small set has, and read as fuzz.py reads it.
"""

import base64
import io
import json
import tarfile
import zipfile
import zlib

import h5py
import numpy as np
from PIL import Image

from trizoo.tests.weights.readers import pth

MANY = 300_000
DEEP = b"[" * MANY
LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}."  # before torch.save's own pickle
XML = '<?xml version="1.0" encoding="utf-8"?>'
LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))


def zipped(*names, size=64 << 20):
    """A zip archive whose members are zeros: 1,000 times as many bytes as it has itself."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, bytes(size))
    return held.getvalue()


def crowded(count=200_000):
    """A zip archive of very many members, whose directory is all that it has."""
    entry = b"PK\x01\x02" + bytes(24) + (1).to_bytes(2, "little") + bytes(16) + b"a"
    first = b"PK\x03\x04" + bytes(22) + b"\x01\0\0\0a"
    sizes = (len(entry) * count).to_bytes(4, "little") + len(first).to_bytes(4, "little")
    return first + entry * count + b"PK\x05\x06" + bytes(4) + b"\xff\xff\xff\xff" + sizes + bytes(2)


def tarred(count=0, header=0, members=()):
    """A tar of empty files, a long pax header among them, or of these members."""
    held = io.BytesIO()
    headers = {"comment": "a" * header} if header else {}
    with tarfile.open(fileobj=held, mode="w", format=tarfile.PAX_FORMAT, pax_headers=headers) as archive:
        for number in range(count):
            info = tarfile.TarInfo(f"{number}.txt")
            info.pax_headers = {"comment": "b" * 60_000}
            archive.addfile(info)
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return held.getvalue()


def png(width, height, depth=8, colours=2, rows=0, text=False):
    """A PNG that says it has such sides, with a few rows of zeros; perhaps with a text of 64 MiB."""

    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([depth, colours, 0, 0, 0])
    row = bytes(1 + width * {0: 1, 2: 3, 3: 1, 6: 4}[colours] * depth // 8)
    packed = zlib.compressobj(1)
    body = b"".join([packed.compress(row) for _ in range(rows)]) + packed.flush()
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(64 << 20))) if text else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + text + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def picture(kind, side, mode="1", **options):
    """A picture of zeros of a format."""
    held = io.BytesIO()
    Image.new(mode, (side, side)).save(held, kind, **options)
    return held.getvalue()


def patched(data, mark, offset, sides):
    """A picture's bytes with other sides at so many bytes after a mark."""
    place = data.index(mark) + offset
    return data[:place] + sides + data[place + len(sides) :]


def tree_loop(data):
    """HDF5 whose B-trees have themselves for children."""
    data, place = bytearray(data), 0
    while (place := data.find(b"TREE", place)) >= 0:
        for at in range(place + 24, place + 200, 8):
            data[at : at + 8] = place.to_bytes(8, "little")
        place += 4
    return bytes(data)


def shared_name(_):
    """HDF5 with 4,000 texts that are one megabyte in the heap."""
    held = io.BytesIO()
    with h5py.File(held, "w") as file:
        names = np.array(["a" * (1 << 20), *("b" for _ in range(3999))], object)
        for name in ("layer_names", "weight_names", "recipe"):
            file.attrs.create(name, names, dtype=h5py.string_dtype())
    data = bytearray(held.getvalue())
    first = (1 << 20).to_bytes(4, "little")
    place = data.find(first)
    while place >= 0:
        entry = data[place : place + 16]
        if int.from_bytes(entry[12:16], "little") == 1:  # the record of the first text, before those of the others
            data[place : place + 16 * 4000] = entry * 4000
            place += 16 * 4000
        place = data.find(first, place + 1)
    return bytes(data)


def giant_attribute(_):
    """HDF5 with an attribute of 64 MiB."""
    held = io.BytesIO()
    with h5py.File(held, "w", libver="latest") as file:
        file.attrs["layer_names"] = np.full(1 << 20, b"a" * 63)
    return held.getvalue()


def many_groups(_):
    """HDF5 of 30,000 groups."""
    held = io.BytesIO()
    with h5py.File(held, "w", libver="latest") as file:
        for number in range(30_000):
            file.create_group(f"{number:x}")
    return held.getvalue()


HDF5 = {"loop": tree_loop, "shared": shared_name, "attribute": giant_attribute, "groups": many_groups}


def tables(*keys):
    """JSON that is deep, wide, or has very large numbers, under some keys."""
    wide = {key: [[]] * 10**6 for key in keys}
    return {
        "deep": b'{"' + keys[0].encode() + b'": ' + DEEP,
        "wide": json.dumps(wide).encode(),
        "keys": json.dumps({**dict.fromkeys(map(str, range(MANY)), 0), **{key: [] for key in keys}}).encode(),
        "number": b'{"' + keys[0].encode() + b'": ' + b"9" * (1 << 22) + b"}",
        "text": b'{"' + keys[0].encode() + b'": "' + b"\\u0041" * (1 << 22) + b'"}',
    }


def trees(tag, inside=""):
    """XML that expands, is deep, or has more tags and attributes than fit."""
    attributes = " ".join(f'a{number}="1"' for number in range(MANY))
    return {
        "entities": f"{XML}<!DOCTYPE a [<!ENTITY a0 'a'>{LAUGHS}]><{tag}>&a9;</{tag}>".encode(),
        "deep": f"{XML}<{tag}>{'<a>' * 200_000}".encode(),
        "wide": f"{XML}<{tag}>{'<object/>' * 10**6}</{tag}>".encode(),
        "attributes": f"{XML}<{tag} {attributes}/>".encode(),
        "namespaces": f'{XML}<{tag} xmlns:a="{"u" * 10**6}">{"<a:a/>" * 100_000}</{tag}>'.encode(),
        "ampersands": f"{XML}<{tag}>{'& ' * 10**6}</{tag}>".encode(),
        "text": f"{XML}<{tag}><object><name>{'a' * 10**7}</name></object>{inside}</{tag}>".encode(),
    }


def documents(key="classes"):
    """YAML that expands, is deep, or is long."""
    lines = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10))
    merges = "\n".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 60))
    return {
        "aliases": f"a0: &a0 [x, x]\n{lines}\n{key}: *a9\n".encode(),
        "merges": f"a0: &a0 {{x: 1}}\n{merges}".encode(),
        "deep": f"{key}: {'[' * MANY}".encode(),
        "deep mappings": "".join(f"{' ' * n}a:\n" for n in range(900)).encode(),
        "wide": f"{key}: [{'a,' * 200_000}]".encode(),
        "keys": "".join(f"a{n}: 1\n" for n in range(50_000)).encode(),
        "number": f"{key}: {'9' * 400_000}".encode(),
        "sexagesimal": f"{key}: {'1:' * 100_000}1".encode(),
        "long": b"a" * (64 << 20),
    }


def rows(head, line, count=10**6):
    """Text of very many rows, of one endless row, of a quote that never ends, and of very many fields."""
    return {
        "many": (head + line * count).encode(),
        "line": (head + "a" * (64 << 20)).encode(),
        "quote": (head + '"' + "a,b\n" * 10**7).encode(),
        "fields": (head + "," * (1 << 19) + "\n").encode(),
        "zeros": bytes(64 << 20),
    }


def _coco(segmentation, height=48, count=1):
    images = [{"id": 1, "file_name": "a.png", "width": 64, "height": height}]
    entry = {"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4], "iscrowd": 0, "area": 9}
    annotations = [entry | {"segmentation": segmentation}] * count
    content = {"images": images, "annotations": annotations, "categories": [{"id": 3, "name": "cat"}]}
    return json.dumps(content).encode()


def outlines():
    """Shapes of an image that cover far more than it has: as points, by far-off corners, very often."""
    return [[x, y] for n in range(50_000) for x, y in ((1, -1e6), (n % 64, 1e6))]


def _labelme(shapes):
    content = {"version": "5.0", "flags": {}, "shapes": shapes, "imagePath": "a.png", "imageData": None}
    return json.dumps({**content, "imageHeight": 48, "imageWidth": 64}).encode()


def _labelme_bombs():
    mask = base64.b64encode(png(8000, 8000, colours=0, rows=8000)).decode()
    return {
        **tables("shapes"),
        "outline": _labelme([{"label": "a", "shape_type": "polygon", "points": outlines()}]),
        "many": _labelme([{"label": "a", "shape_type": "rectangle", "points": [[0, 0], [64, 48]]}] * 100_000),
        "circles": _labelme([{"label": "a", "shape_type": "circle", "points": [[0, 0], [1e8, 1e8]]}] * 5000),
        "masks": _labelme([{"label": "a", "shape_type": "mask", "points": [[0, 0], [1, 1]], "mask": mask}] * 6),
    }


def _cvat(inside, count=1):
    labels = "<labels><label><name>cat</name></label></labels>"
    image = f'<image id="0" name="a.png" width="64" height="48">{inside * count}</image>'
    head = f"{XML}<annotations><version>1.1</version><meta><task>{labels}</task></meta>"
    return f"{head}{image}</annotations>".encode()


def _cvat_bombs():
    points = ";".join(f"{x:g},{y:g}" for x, y in outlines())
    return {
        **trees("annotations"),
        "outline": _cvat(f'<polygon label="cat" points="{points}"/>'),
        "many": _cvat('<polygon label="cat" points="0,0;64,0;64,48;0,48"/>', 100_000),
        "mask": _cvat('<mask label="cat" rle="1, 9999999999" left="0" top="0" width="99999" height="99999"/>', 100),
        "tag": _cvat(f'<box label="{"a" * (20 << 20)}"/>'),
        "images": f"{XML}<annotations><version>1.1</version>{'<image/>' * 10**6}</annotations>".encode(),
    }


def _mat(data):
    """MATLAB's file whose one compressed element inflates to 256 MiB."""
    packed = zlib.compress(bytes(256 << 20), 1)
    return data[:128] + (15).to_bytes(4, "little") + len(packed).to_bytes(4, "little") + packed


ANY = {"empty": b"", "zeros": lambda data: bytes(64 << 20), "letters": lambda data: b"a" * (64 << 20)}
WIDEST = b"\xff\xff\xff\x7f"


def pictures():
    """PNGs whose headers say more than anybody's memory holds."""
    return {
        "sides": png(2**31 - 1, 2**31 - 1),
        "text": png(64, 48, rows=48, text=True),
        "16 bits": png(13_500, 13_500, 16, 0, 20),
        "colours": png(30_000, 30_000, 8, 6, 20),
    }


def notes():
    """What an exported file says of itself, without end."""
    return {**tables("recipe", "outputs"), "long": b" " * (64 << 20)}


def _onnx(data):
    return data + b"\x72\xff\xff\xff\xff\xff\xff\xff\xff\x7f"


def zips():
    """Archives of exported models."""
    return {"members": crowded(), "bomb": zipped("a/version", "a/extra/trizoo.json", "trizoo.json")}


BOMBS = {
    **dict.fromkeys(("checkpoint", "checkpoint, resumed", "checkpoint, embedding", "gallery"), lambda: HDF5),
    **dict.fromkeys(("Keras 2 .h5", "Keras 3 .h5"), lambda: HDF5),
    ".pth": lambda: {
        "bomb": zipped("a/data.pkl", "a/data/0"),
        "members": crowded(),
        "containers": pth.archive(b"\x80\x02" + b"]" * ((1 << 20) - 8) + b".", {}),
        "legacy": LEGACY + b"\x80\x02" + b"]" * (1 << 22),
    },
    ".npz": lambda: {"bomb": zipped("a.npy"), "members": crowded()},
    ".safetensors": lambda: {
        "length": (1 << 62).to_bytes(8, "little") + b'{"a": 1}',
        "table": (3 << 20).to_bytes(8, "little") + b'{"a":[' + b"[]," * (1 << 20),
        "deep": (1 << 20).to_bytes(8, "little") + b'{"a":' + b"[" * (1 << 20),
        "names": (4 << 20).to_bytes(8, "little")
        + b"{"
        + b"".join(b'"%07d":{},' % n for n in range(1 << 18))
        + bytes(1 << 22),
    },
    "Darknet .weights": lambda: {"zeros": bytes(32 << 20), "version": WIDEST * (1 << 20)},
    "log of a run": lambda: {
        "deep": DEEP,
        "wide": b'{"kind": "step", "step": 1}\n' * MANY,
        **rows('{"kind": "epoch"}\n', "[[]]\n"),
    },
    "metrics.csv of a run": lambda: rows("step,loss\n", "1,2\n", 10**5),
    "metrics.json of a run": lambda: tables("per_class", "mAP"),
    "recipe": lambda: documents(),
    "--set": lambda: {
        "deep": b"classes=" + DEEP,
        "wide": b"classes=[" + b"a," * 200_000 + b"]",
        "keys": b"a=1\n" * 2000,
    },
    "manifest": lambda: documents("weights"),
    "notes": notes,
    "ONNX": lambda: {"length": _onnx, "fields": b"\x08\x0a" * MANY, "strings": b"\x12\x00" * MANY},
    "OpenVINO": lambda: trees("net"),
    "TFLite": notes,
    "SavedModel": notes,
    ".pt2": zips,
    ".keras": zips,
    "zip": lambda: {"bomb": zipped("a.txt", "b.txt"), "members": crowded()},
    "tar": lambda: {"headers": tarred(2000), "header": tarred(1, 64 << 20)},
    "BMP": lambda: {"sides": lambda data: data[:18] + WIDEST * 2 + data[26:]},
    "GIF": lambda: {"sides": lambda data: data[:6] + b"\xff\xff\xff\xff" + data[10:]},
    "JPEG": lambda: {"sides": lambda data: patched(data, b"\xff\xc0", 5, b"\xff\xff\xff\xff")},
    "JPEG, turned": lambda: {"sides": lambda data: patched(data, b"\xff\xc0", 5, b"\xff\xff\xff\xff")},
    "PNG": pictures,
    "PNG, 16 bits": pictures,
    "TIFF": lambda: {
        "sides": picture("TIFF", 25_000, compression="group4"),
        "pages": lambda data: data[:4] + data[4:] * 2,
    },
    "WebP": lambda: {"sides": lambda data: patched(data, b"\x9d\x01\x2a", 3, b"\xff\x3f\xff\x3f")},
    "HEIC": lambda: {"sides": lambda data: patched(data, b"ispe", 8, WIDEST[::-1] * 2)},
    "video": lambda: {"samples": lambda data: patched(data, b"stsz", 12, WIDEST[::-1])},
    "boxes: voc": lambda: trees("annotation"),
    "boxes: coco": lambda: {**tables("images", "annotations"), "many": _coco([], count=50_000)},
    "boxes: yolo": lambda: {
        "long": b"0 0.5 0.5 0.25 0.5\n" * 10**6,
        "most": b"0 .5 .5 .2 .5\n" * 140_000,
        "line": b"0 " * 10**6,
    },
    "boxes: labelme": _labelme_bombs,
    "boxes: cvat": _cvat_bombs,
    "boxes: csv": lambda: rows(
        "filename,width,height,class,xmin,ymin,xmax,ymax\n", "a.png,64,48,cat,1,2,30,40\n", 300_000
    ),
    "boxes: shards": lambda: {
        "headers": tarred(1000),
        "header": tarred(1, 64 << 20),
        "json": tarred(members=(("a.png", picture("PNG", 8)), ("a.json", b'{"objects": [' + b"{}," * 10**6))),
        "picture": tarred(members=(("a.png", pictures()["colours"]), ("a.json", b'{"objects": []}'))),
    },
    "boxes: lists": lambda: rows("", "images/a.png 1,2,30,40,0 5,6,20,21,1\n"),
    "boxes: points": lambda: rows("image,x,y,class\n", "a.png,1,2,cat\n", 300_000),
    "boxes: coco-keypoints": lambda: {**tables("images", "annotations"), "many": _coco([], count=50_000)},
    "boxes: labelme-points": _labelme_bombs,
    "boxes: cvat-points": _cvat_bombs,
    "boxes: yolo-pose": lambda: {"long": b"0 0.5 0.5 0.25 0.5 0.5 0.5 2 0.1 0.2 1\n" * 10**6, "line": b"0 " * 10**6},
    "classes: class-lists": lambda: rows("", "images/a.png\tcat\n", 300_000),
    "classes: class-lists, CSV": lambda: rows("image,class\n", "images/a.png,cat\n", 300_000),
    "classes: class-folders": lambda: rows("", "a\n", 300_000),
    "classes: label-lists": lambda: rows("", "images/a.png\tcat\tdog\n", 300_000),
    "gallery, list": lambda: rows("", "a.png\tname of a\n", 300_000),
    "masks: folders": pictures,
    "masks: cityscapes": pictures,
    "masks: voc": pictures,
    "masks: panoptic": lambda: {**tables("images", "annotations"), **pictures()},
    "masks: sbd": lambda: {"bomb": _mat, "sides": lambda data: data[:128] + WIDEST * 32},
    "masks: coco": lambda: {
        **tables("images", "annotations"),
        "outline": _coco([[float(v) for point in outlines() for v in point]]),
        "run lengths": _coco({"counts": [0, 10**10], "size": [10**5, 10**5]}, 10**5),
        "many": _coco([[0, 0, 64, 0, 64, 48, 0, 48]], count=50_000),
        "packed": _coco({"counts": "o" * 10**6, "size": [48, 64]}),
    },
    "masks: cvat": _cvat_bombs,
    "masks: labelme": _labelme_bombs,
    "masks: yolo": lambda: {
        "outline": ("0 " + " ".join(f"{n % 7 / 7:.2f} {n % 2}" for n in range(100_000))).encode(),
        "many": b"0 0 0 1 0 1 1 0 1\n" * 100_000,
        "long": b"0 0.1 0.1 0.4 0.1 0.4 0.5 0.1 0.5\n" * 10**6,
    },
}


def bombs_of(reader, data):
    """Name -> bytes of each file that is made to break a reader, one after the other.

    Args:
        data: the whole file in whose place it is put
    """
    for name, made in {**ANY, **BOMBS[reader]()}.items():
        yield name, made(data) if callable(made) else made
