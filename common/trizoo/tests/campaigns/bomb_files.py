"""What bombs.py puts in the place of a reader's file: name -> function of the whole file that gives the other one."""

import base64
import io
import json
import tarfile
import zipfile
import zlib

import h5py
import numpy as np
from PIL import Image

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
    first = b'{"' + keys[0].encode() + b'": '
    return {
        "deep": lambda _: first + DEEP,
        "wide": lambda _: json.dumps({key: [[]] * 10**6 for key in keys}).encode(),
        "keys": lambda _: json.dumps({**dict.fromkeys(map(str, range(MANY)), 0), **{key: [] for key in keys}}).encode(),
        "number": lambda _: first + b"9" * (1 << 22) + b"}",
        "text": lambda _: first + b'"' + b"\\u0041" * (1 << 22) + b'"}',
    }


def trees(tag, inside=""):
    """XML that expands, is deep, or has more tags and attributes than fit."""
    attributes = " ".join(f'a{number}="1"' for number in range(MANY))
    return {
        "entities": lambda _: f"{XML}<!DOCTYPE a [<!ENTITY a0 'a'>{LAUGHS}]><{tag}>&a9;</{tag}>".encode(),
        "deep": lambda _: f"{XML}<{tag}>{'<a>' * 200_000}".encode(),
        "wide": lambda _: f"{XML}<{tag}>{'<object/>' * 10**6}</{tag}>".encode(),
        "attributes": lambda _: f"{XML}<{tag} {attributes}/>".encode(),
        "namespaces": lambda _: f'{XML}<{tag} xmlns:a="{"u" * 10**6}">{"<a:a/>" * 100_000}</{tag}>'.encode(),
        "ampersands": lambda _: f"{XML}<{tag}>{'& ' * 10**6}</{tag}>".encode(),
        "text": lambda _: f"{XML}<{tag}><object><name>{'a' * 10**7}</name></object>{inside}</{tag}>".encode(),
    }


def documents(key="classes"):
    """YAML that expands, is deep, or is long."""
    lines = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10))
    merges = "\n".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 60))
    return {
        "aliases": lambda _: f"a0: &a0 [x, x]\n{lines}\n{key}: *a9\n".encode(),
        "merges": lambda _: f"a0: &a0 {{x: 1}}\n{merges}".encode(),
        "deep": lambda _: f"{key}: {'[' * MANY}".encode(),
        "deep mappings": lambda _: "".join(f"{' ' * n}a:\n" for n in range(900)).encode(),
        "wide": lambda _: f"{key}: [{'a,' * 200_000}]".encode(),
        "keys": lambda _: "".join(f"a{n}: 1\n" for n in range(50_000)).encode(),
        "number": lambda _: f"{key}: {'9' * 400_000}".encode(),
        "sexagesimal": lambda _: f"{key}: {'1:' * 100_000}1".encode(),
        "long": lambda _: b"a" * (64 << 20),
    }


def rows(head, line, count=10**6):
    """Text of very many rows, of one endless row, of a quote that never ends, and of very many fields."""
    return {
        "line": lambda _: (head + "a" * (64 << 20)).encode(),
        "many": lambda _: (head + line * count).encode(),
        "quote": lambda _: (head + '"' + "a,b\n" * 10**7).encode(),
        "fields": lambda _: (head + "," * (1 << 19) + "\n").encode(),
        "zeros": lambda _: bytes(64 << 20),
    }


def coco(segmentation, height=48, count=1):
    """A COCO file of an image with a segmentation, once or very often."""
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


def _mask(side):
    data = base64.b64encode(png(side, side, colours=0, rows=side)).decode()
    return {"label": "a", "shape_type": "mask", "points": [[0, 0], [1, 1]], "mask": data}


def labelme_bombs():
    """labelme's shapes without end, and those that cover more than there is."""
    return {
        **tables("shapes"),
        "outline": lambda _: _labelme([{"label": "a", "shape_type": "polygon", "points": outlines()}]),
        "many": lambda _: _labelme([{"label": "a", "shape_type": "rectangle", "points": [[0, 0], [64, 48]]}] * 100_000),
        "circles": lambda _: _labelme([{"label": "a", "shape_type": "circle", "points": [[0, 0], [1e8, 1e8]]}] * 5000),
        "masks": lambda _: _labelme([_mask(8000)] * 6),
    }


def _cvat(inside, count=1):
    labels = "<labels><label><name>cat</name></label></labels>"
    image = f'<image id="0" name="a.png" width="64" height="48">{inside * count}</image>'
    head = f"{XML}<annotations><version>1.1</version><meta><task>{labels}</task></meta>"
    return f"{head}{image}</annotations>".encode()


def cvat_bombs():
    """CVAT's shapes likewise."""
    sides = 'width="99999" height="99999"'
    points = ";".join(f"{x:g},{y:g}" for x, y in outlines())
    return {
        **trees("annotations"),
        "outline": lambda _: _cvat(f'<polygon label="cat" points="{points}"/>'),
        "many": lambda _: _cvat('<polygon label="cat" points="0,0;64,0;64,48;0,48"/>', 100_000),
        "mask": lambda _: _cvat(f'<mask label="cat" rle="1, 9999999999" left="0" top="0" {sides}/>', 100),
        "tag": lambda _: _cvat(f'<box label="{"a" * (20 << 20)}"/>'),
        "images": lambda _: f"{XML}<annotations><version>1.1</version>{'<image/>' * 10**6}</annotations>".encode(),
    }


def mat_bomb(data):
    """MATLAB's file whose one compressed element inflates to 256 MiB."""
    packed = zlib.compress(bytes(256 << 20), 1)
    return data[:128] + (15).to_bytes(4, "little") + len(packed).to_bytes(4, "little") + packed


ANY = {"empty": lambda data: b"", "zeros": lambda data: bytes(64 << 20), "letters": lambda data: b"a" * (64 << 20)}
WIDEST = b"\xff\xff\xff\x7f"


def pictures():
    """PNGs whose headers say more than anybody's memory holds."""
    return {
        "sides": lambda _: png(2**31 - 1, 2**31 - 1),
        "text": lambda _: png(64, 48, rows=48, text=True),
        "16 bits": lambda _: png(13_500, 13_500, 16, 0, 20),
        "colours": lambda _: png(30_000, 30_000, 8, 6, 20),
        "largest": lambda _: png(10_800, 10_800, rows=10_800),
        "largest of 16 bits": lambda _: png(10_800, 10_800, 16, 0, 10_800),
    }


def notes():
    """What an exported file says of itself, without end."""
    return {**tables("recipe", "outputs"), "long": lambda _: b" " * (64 << 20)}


def onnx_length(data):
    """ONNX whose last field has 2^63 bytes."""
    return data + b"\x72\xff\xff\xff\xff\xff\xff\xff\xff\x7f"


def zips():
    """Archives of exported models."""
    names = "a/version", "a/extra/trizoo.json", "trizoo.json"
    return {"members": lambda _: crowded(), "bomb": lambda _: zipped(*names)}
