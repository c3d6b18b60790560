"""Mutated files for every reader: any bytes end in what they hold or in one sentence.

    python common/trizoo/tests/fuzz.py                      # 20,000 inputs for each format
    python common/trizoo/tests/fuzz.py coco npz --inputs 500

Each input is a small data set, or a file of fuzz_files.py, that was changed: bytes, words or, in JSON, values. It is
opened as training opens it, in a process that may take 1 GiB more than it has and 5 seconds an input. Anything but what
it holds or a UserError is printed and kept in --keep; the exit code is then 1.
"""

import argparse
import json
import multiprocessing
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

from PIL import Image

SECONDS, MEMORY = 5, 1 << 30
IDS = ("a", "b c", "照片")
SIZE = (64, 48)
WORDS = (
    *(b"-1", b"0", b"1e308", b"-1e400", b"nan", b"inf", b"1" * 400, b"0x10", b"1,5", b"\xff\xfe", b"\0", b"", b"\r"),
    *(b"../../etc/passwd", b"/etc/passwd", b"C:\\a.jpg", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"&", b"<", b"]]>"),
    *(b"{" * 3000, b"[" * 3000, b"<object>" * 500, b"null", b"true", b'"', b"'", b"\xef\xbb\xbf", b"a" * 70_000),
    *(b"*a", b"&a [*a,*a]", b"!!python/object/apply:os.system ['true']", b"1.0 " * 5000, "e\u0301".encode(), b"\x1b"),
)
VALUES = (
    *(None, True, -1, 0, 10**400, 1e308, float("nan"), float("inf"), "", "x", "../../a.jpg", "/etc/passwd", [], {}),
    *([[1, 2], [3]], {"a": {}}, "1", [[[]]] * 3, "\0", "\udcff", -(2**70), [None], "a" * 70_000),
)


def voc(root):
    """XML beside JPEGImages."""
    for id in IDS:
        write(
            root / "Annotations" / f"{id}.xml",
            f"""<?xml version="1.0" encoding="utf-8"?>
<annotation><folder>x</folder><filename>{id}.png</filename><size><width>64</width><height>48</height></size>
<object><name>cat</name><difficult>0</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax>
</bndbox></object><object><name>dög</name><polygon><pt><x>1</x><y>2</y></pt><pt><x>9</x><y>8</y></pt></polygon></object>
<object><name>e</name><robndbox><cx>9</cx><cy>9</cy><w>5</w><h>4</h><angle>0.5</angle></robndbox></object></annotation>""",
        )
    write(root / "ImageSets" / "Main" / "train.txt", "a\nb c\n")
    return "JPEGImages"


def coco(root):
    """One JSON file."""
    content = {
        "info": {},
        "images": [{"id": i, "file_name": f"{id}.png", "width": 64, "height": 48} for i, id in enumerate(IDS)],
        "categories": [{"id": 3, "name": "cat", "supercategory": "x"}, {"id": 7, "name": "dog"}],
        "annotations": [
            {
                "id": i,
                "image_id": i % 3,
                "category_id": 3 + 4 * (i % 2),
                "bbox": [1, 2, 10.5, 20],
                "area": 200.0,
                "iscrowd": i % 2,
                "segmentation": {"counts": [0, 64 * 48], "size": [48, 64]} if i == 3 else [[1, 2, 10, 2, 10, 20]],
            }
            for i in range(5)
        ],
    }
    write(root / "annotations" / "instances_train.json", json.dumps(content, indent=0))
    return "images"


def yolo(root):
    """A text file an image, and data.yaml."""
    write(root / "data.yaml", "path: .\ntrain: images\nval: images\nnc: 2\nnames: [cat, dög]\n")
    for id in IDS:
        write(root / "labels" / f"{id}.txt", "0 0.5 0.5 0.25 0.5\n1 0.1 0.1 0.4 0.1 0.4 0.5 0.1 0.5\n")
    return "images"


def labelme(root):
    """A JSON file an image."""
    for id in IDS:
        shapes = [
            {"label": "cat", "shape_type": "rectangle", "points": [[1, 2], [30.5, 40]], "flags": {}, "group_id": None},
            {"label": "dog", "shape_type": "polygon", "points": [[1, 2], [30, 4], [20, 30]], "flags": {}},
            {"label": "dog", "shape_type": "circle", "points": [[20, 20], [20, 25]], "flags": {}},
        ]
        content = {"version": "5.0", "flags": {}, "shapes": shapes, "imagePath": f"{id}.png", "imageData": None}
        write(root / f"{id}.json", json.dumps({**content, "imageHeight": 48, "imageWidth": 64}))
    return "."


def cvat(root):
    """CVAT XML for images 1.1."""
    images = "".join(
        f"""<image id="{i}" name="{id}.png" width="64" height="48" subset="train">
<box label="cat" occluded="0" xtl="1.0" ytl="2" xbr="30" ybr="40" rotation="10" z_order="0"/>
<polygon label="dog" points="1,2;30,4;20,30" z_order="1"/><ellipse label="dog" cx="20" cy="20" rx="5" ry="4"/>
<mask label="cat" rle="2, 3, 4" left="3" top="3" width="3" height="3"/></image>\n"""
        for i, id in enumerate(IDS)
    )
    labels = "<labels><label><name>cat</name></label><label><name>dog</name></label></labels>"
    write(
        root / "annotations.xml",
        f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version><meta><task>{labels}</task></meta>'
        f"{images}</annotations>",
    )
    return "images"


def csv(root):
    """TensorFlow's object detection CSV."""
    rows = "".join(f"{id}.png,64,48,{name},1,2,30,40\n" for id in IDS for name in ("cat", "dog"))
    write(root / "train.csv", f"filename,width,height,class,xmin,ymin,xmax,ymax\n{rows}")
    return "images"


def lists(root):
    """Lines of an image and its boxes."""
    write(root / "train.txt", "".join(f"images/{id}.png 1,2,30,40,0 5,6,20,21,1\n" for id in IDS))
    write(root / "classes.txt", "cat\ndog\n")
    return "images"


SEEDS = {seed.__name__: seed for seed in (voc, coco, yolo, labelme, cvat, csv, lists)}


def write(path, text):
    """A text file, its folders made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def mutated(data, rng):
    """Bytes with one to four changes."""
    if rng.random() < 0.4:
        try:
            return json.dumps(changed(json.loads(data), rng)).encode("utf-8", "surrogatepass")
        except ValueError:
            pass
    for _ in range(rng.randint(1, 4)):
        data = change(data, rng)
    return data


def changed(tree, rng):
    """A JSON value with one or two of its values changed, doubled or taken away."""
    for _ in range(rng.randint(1, 2)):
        node, way = tree, []
        while isinstance(node, dict | list) and node:
            key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
            way.append((node, key))
            if rng.random() < 0.25:
                break
            node = node[key]
        if not way:
            return rng.choice(VALUES)
        node, key = way[-1]
        kind = rng.random()
        if kind < 0.2:
            del node[key]
        elif kind < 0.3 and isinstance(node, list):
            node.insert(key, node[key])
        else:
            node[key] = rng.choice(VALUES)
    return tree


def change(data, rng):
    """Bytes with one change."""
    place, length = rng.randrange(len(data) + 1), rng.randint(1, 40)
    kind = rng.randrange(7)
    if kind == 0:
        return data[:place] + bytes([rng.randrange(256)]) + data[place + 1 :]
    if kind == 1:
        return data[:place] + data[place + length :]
    if kind == 2:
        return data[:place] + data[place : place + length] * rng.randint(2, 50) + data[place + length :]
    if kind == 3:
        return data[:place]
    if kind == 4:
        other = rng.randrange(len(data) + 1)
        return data[:place] + data[other : other + length] + data[place:]
    words = data.split(b" ") if rng.random() < 0.5 else data.split(b"\n")
    if kind == 5:
        words[rng.randrange(len(words))] = rng.choice(WORDS)
        return b" ".join(words)
    return data[:place] + rng.choice(WORDS) + data[place:]


def _alarm(*_):
    raise TimeoutError(f"more than {SECONDS} seconds")


def _data_set(layout, root):
    """A data set of a layout: the files to change, and what opens it."""
    from trizoo.data.boxes.find import find_boxes

    images = SEEDS[layout](root)
    for id in IDS:
        path = root / images / f"{id}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", SIZE, (90, 120, 60)).save(path)

    def opened():
        source = find_boxes(root, layout).open()
        for record in source.records:
            if not record.image.resolve().is_relative_to(root.resolve()):
                raise RuntimeError(f"{record.image} lies outside of the data set")

    return [path for path in sorted(root.rglob("*")) if path.is_file() and path.suffix != ".png"], opened


def _single_file(name, root):
    """A file of fuzz_files: itself, and what reads it."""
    from trizoo.tests.fuzz_files import FILES

    root.mkdir()
    make, read = FILES[name]
    path = make(root)
    return [path], lambda: read(path)


def campaign(task):
    """Tries the inputs of one format: (its name, inputs, seed, folder to keep what goes wrong in).

    Gives name, inputs, how many were opened, the slowest in seconds, the most memory in MiB beside that of the imports,
    and a line on each that went wrong.
    """
    name, inputs, seed, keep = task
    from trizoo.ground.errors import UserError

    warnings.simplefilter("error")
    rng, wrong, opened, slowest = random.Random(f"{name} {seed}"), [], 0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "set"
        files, read = _data_set(name, root) if name in SEEDS else _single_file(name, root)
        read()  # what is to be changed can be read itself
        with Path("/proc/self/statm").open() as file:
            there = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (there + MEMORY, -1))
        signal.signal(signal.SIGALRM, _alarm)
        taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(inputs):
            path = rng.choice(files)
            data = path.read_bytes()
            path.write_bytes(mutated(data, rng))
            started = time.monotonic()
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            try:
                read()
                opened += 1
            except UserError:
                pass
            except BaseException as error:
                signal.setitimer(signal.ITIMER_REAL, 0)
                last = traceback.extract_tb(error.__traceback__)[-1]
                line = f"{name} {number}: {type(error).__name__} {error} ({last.filename}:{last.lineno})"
                wrong.append(line[:300])
                shutil.copytree(root, Path(keep) / f"{name}-{number}", dirs_exist_ok=True)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                slowest = max(slowest, time.monotonic() - started)
                path.write_bytes(data)
    most = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - taken) >> 10
    return name, inputs, opened, slowest, most, wrong


def main():
    """The command."""
    from trizoo.tests.fuzz_files import FILES

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("layouts", nargs="*", metavar="LAYOUT", help=f"of {', '.join((*SEEDS, *FILES))} (default: all)")
    parser.add_argument("--inputs", type=int, default=20_000, metavar="N", help="of each (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (%(default)s)")
    parser.add_argument("--keep", default="fuzz-findings", metavar="DIR", help="where inputs that went wrong are kept")
    arguments = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    tasks = [
        (layout, arguments.inputs, arguments.seed, arguments.keep) for layout in arguments.layouts or (*SEEDS, *FILES)
    ]
    failed = False
    with spawn.Pool(arguments.jobs, maxtasksperchild=1) as pool:
        for name, inputs, opened, slowest, most, wrong in pool.imap(campaign, tasks):
            refused = inputs - opened - len(wrong)
            figures = f"{inputs:,} | {opened:,} | {refused:,} | {slowest:.2f} s | {most} MiB"
            print(f"| {name} | {figures} | {len(wrong)} wrong |")
            print("".join(f"  {line}\n" for line in wrong[:20]), end="", flush=True)
            failed |= bool(wrong)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
