"""Files that are made to fill the memory or to take for ever, for every reader: each ends within what is stated.

    tox -e bombs                                                 # all of them, some minutes
    python common/trizoo/tests/campaigns/bombs.py "boxes: voc"

Each is put in the place of a file of the small set that fuzz.py has, and read as fuzz.py reads it, in a process of its
own. READ_BY says whose docstring states the limits: "within N MiB and N seconds", which are of the CPU.
"""

import importlib
import json
import os
import re
import resource
import sys
import time
import traceback
import warnings
from pathlib import Path

from trizoo.ground.errors import UserError
from trizoo.tests.campaigns.bomb_files import (
    ANY,
    DEEP,
    HDF5,
    LEGACY,
    MANY,
    WIDEST,
    coco,
    crowded,
    cvat_bombs,
    documents,
    labelme_bombs,
    mat_bomb,
    notes,
    onnx_length,
    outlines,
    patched,
    picture,
    pictures,
    rows,
    tables,
    tarred,
    trees,
    zipped,
    zips,
)
from trizoo.tests.campaigns.fuzz import readers
from trizoo.tests.campaigns.running import Findings, Process, arguments, scratch, table
from trizoo.tests.weights.readers import pth

WAIT = 900  # seconds of any kind for one file

BOMBS = {
    **dict.fromkeys(("checkpoint", "checkpoint, resumed", "checkpoint, embedding", "gallery"), lambda: HDF5),
    **dict.fromkeys(("Keras 2 .h5", "Keras 3 .h5"), lambda: HDF5),
    ".pth": lambda: {
        "bomb": lambda _: zipped("a/data.pkl", "a/data/0"),
        "members": lambda _: crowded(),
        "containers": lambda _: pth.archive(b"\x80\x02" + b"]" * ((1 << 20) - 8) + b".", {}),
        "legacy": lambda _: LEGACY + b"\x80\x02" + b"]" * (1 << 22),
    },
    ".npz": lambda: {"bomb": lambda _: zipped("a.npy"), "members": lambda _: crowded()},
    ".safetensors": lambda: {
        "length": lambda _: (1 << 62).to_bytes(8, "little") + b'{"a": 1}',
        "table": lambda _: (3 << 20).to_bytes(8, "little") + b'{"a":[' + b"[]," * (1 << 20),
        "deep": lambda _: (1 << 20).to_bytes(8, "little") + b'{"a":' + b"[" * (1 << 20),
        "names": lambda _: (
            (4 << 20).to_bytes(8, "little")
            + b"{"
            + b"".join(b'"%07d":{},' % n for n in range(1 << 18))
            + bytes(1 << 22)
        ),
    },
    "Darknet .weights": lambda: {"version": lambda _: WIDEST * (1 << 20)},
    "log of a run": lambda: {
        "deep": lambda _: DEEP,
        "wide": lambda _: b'{"kind": "step", "step": 1}\n' * MANY,
        **rows('{"kind": "epoch"}\n', "[[]]\n"),
    },
    "metrics.csv of a run": lambda: rows("step,loss\n", "1,2\n", 10**5),
    "metrics.json of a run": lambda: tables("per_class", "mAP"),
    "recipe": lambda: documents(),
    "--set": lambda: {
        "deep": lambda _: b"classes=" + DEEP,
        "wide": lambda _: b"classes=[" + b"a," * 200_000 + b"]",
        "keys": lambda _: b"a=1\n" * 2000,
    },
    "manifest": lambda: documents("weights"),
    "notes": notes,
    "ONNX": lambda: {
        "length": onnx_length,
        "fields": lambda _: b"\x08\x0a" * MANY,
        "strings": lambda _: b"\x12\x00" * MANY,
    },
    "OpenVINO": lambda: trees("net"),
    "TFLite": notes,
    "SavedModel": notes,
    ".pt2": zips,
    ".keras": zips,
    "zip": lambda: {"bomb": lambda _: zipped("a.txt", "b.txt"), "members": lambda _: crowded()},
    "tar": lambda: {"headers": lambda _: tarred(2000), "header": lambda _: tarred(1, 64 << 20)},
    "BMP": lambda: {"sides": lambda data: data[:18] + WIDEST * 2 + data[26:]},
    "GIF": lambda: {"sides": lambda data: data[:6] + b"\xff\xff\xff\xff" + data[10:]},
    "JPEG": lambda: {"sides": lambda data: patched(data, b"\xff\xc0", 5, b"\xff\xff\xff\xff")},
    "JPEG, turned": lambda: {"sides": lambda data: patched(data, b"\xff\xc0", 5, b"\xff\xff\xff\xff")},
    "PNG": pictures,
    "PNG, 16 bits": pictures,
    "TIFF": lambda: {
        "sides": lambda _: picture("TIFF", 25_000, compression="group4"),
        "pages": lambda data: data[:4] + data[4:] * 2,
    },
    "WebP": lambda: {"sides": lambda data: patched(data, b"\x9d\x01\x2a", 3, b"\xff\x3f\xff\x3f")},
    "HEIC": lambda: {"sides": lambda data: patched(data, b"ispe", 8, WIDEST[::-1] * 2)},
    "video": lambda: {"samples": lambda data: patched(data, b"stsz", 12, WIDEST[::-1])},
    "boxes: voc": lambda: trees("annotation"),
    "boxes: coco": lambda: {**tables("images", "annotations"), "many": lambda _: coco([], count=50_000)},
    "boxes: yolo": lambda: {
        "long": lambda _: b"0 0.5 0.5 0.25 0.5\n" * 10**6,
        "most": lambda _: b"0 .5 .5 .2 .5\n" * 140_000,
        "line": lambda _: b"0 " * 10**6,
    },
    "boxes: labelme": labelme_bombs,
    "boxes: cvat": cvat_bombs,
    "boxes: csv": lambda: rows(
        "filename,width,height,class,xmin,ymin,xmax,ymax\n", "a.png,64,48,cat,1,2,30,40\n", 300_000
    ),
    "boxes: shards": lambda: {
        "headers": lambda _: tarred(1000),
        "header": lambda _: tarred(1, 64 << 20),
        "json": lambda _: tarred(members=(("a.png", picture("PNG", 8)), ("a.json", b'{"objects": [' + b"{}," * 10**6))),
        "picture": lambda _: tarred(members=(("a.png", pictures()["colours"](b"")), ("a.json", b'{"objects": []}'))),
    },
    "boxes: lists": lambda: rows("", "images/a.png 1,2,30,40,0 5,6,20,21,1\n"),
    "boxes: points": lambda: rows("image,x,y,class\n", "a.png,1,2,cat\n", 300_000),
    "boxes: coco-keypoints": lambda: {**tables("images", "annotations"), "many": lambda _: coco([], count=50_000)},
    "boxes: labelme-points": labelme_bombs,
    "boxes: cvat-points": cvat_bombs,
    "boxes: yolo-pose": lambda: {
        "long": lambda _: b"0 0.5 0.5 0.25 0.5 0.5 0.5 2 0.1 0.2 1\n" * 10**6,
        "line": lambda _: b"0 " * 10**6,
    },
    "classes: class-lists": lambda: rows("", "images/a.png\tcat\n", 300_000),
    "classes: class-lists, CSV": lambda: rows("image,class\n", "images/a.png,cat\n", 300_000),
    "classes: class-folders": lambda: rows("", "a\n", 300_000),
    "classes: label-lists": lambda: rows("", "images/a.png\tcat\tdog\n", 300_000),
    "gallery, list": lambda: rows("", "a.png\tname of a\n", 300_000),
    "masks: folders": pictures,
    "masks: cityscapes": pictures,
    "masks: voc": pictures,
    "masks: panoptic": lambda: {**tables("images", "annotations"), **pictures()},
    "masks: sbd": lambda: {"bomb": mat_bomb, "sides": lambda data: data[:128] + WIDEST * 32},
    "masks: coco": lambda: {
        **tables("images", "annotations"),
        "outline": lambda _: coco([[float(v) for point in outlines() for v in point]]),
        "run lengths": lambda _: coco({"counts": [0, 10**10], "size": [10**5, 10**5]}, 10**5),
        "many": lambda _: coco([[0, 0, 64, 0, 64, 48, 0, 48]], count=50_000),
        "packed": lambda _: coco({"counts": "o" * 10**6, "size": [48, 64]}),
    },
    "masks: cvat": cvat_bombs,
    "masks: labelme": labelme_bombs,
    "masks: yolo": lambda: {
        "outline": lambda _: ("0 " + " ".join(f"{n % 7 / 7:.2f} {n % 2}" for n in range(100_000))).encode(),
        "many": lambda _: b"0 0 0 1 0 1 1 0 1\n" * 100_000,
        "long": lambda _: b"0 0.1 0.1 0.4 0.1 0.4 0.5 0.1 0.5\n" * 10**6,
    },
}
READ_BY = {
    "weights.hdf5": (
        "checkpoint",
        "checkpoint, resumed",
        "checkpoint, embedding",
        "gallery",
        "Keras 2 .h5",
        "Keras 3 .h5",
    ),
    "weights.readers.pytorch": (".pth",),
    "weights.readers.npy": (".npz",),
    "weights.readers.safetensors": (".safetensors",),
    "weights.readers.darknet": ("Darknet .weights",),
    "diagnosis.history": ("log of a run", "metrics.csv of a run", "metrics.json of a run"),
    "ground.yaml_tree": ("recipe", "--set", "manifest"),
    "deploy.metadata": ("notes",),
    "deploy.notes": ("ONNX", "OpenVINO", "TFLite", "SavedModel"),
    "deploy.archives": (".pt2", ".keras"),
    "download.unpack": ("zip", "tar"),
    "data.opening": ("BMP", "GIF", "JPEG", "JPEG, turned", "PNG", "PNG, 16 bits", "TIFF", "WebP", "HEIC"),
    "data.video": ("video",),
    "data.boxes.voc_xml": ("boxes: voc",),
    "data.boxes.coco": ("boxes: coco",),
    "data.boxes.coco_keypoints": ("boxes: coco-keypoints",),
    "data.boxes.yolo": ("boxes: yolo", "boxes: yolo-pose"),
    "data.boxes.labelme": ("boxes: labelme", "boxes: labelme-points"),
    "data.boxes.cvat": ("boxes: cvat", "boxes: cvat-points"),
    "data.boxes.csv": ("boxes: csv", "boxes: points"),
    "data.boxes.shards": ("boxes: shards",),
    "data.boxes.lists": ("boxes: lists",),
    "data.classes.lists": ("classes: class-lists", "classes: class-lists, CSV", "classes: label-lists"),
    "data.classes.folders": ("classes: class-folders",),
    "gallery.pictures": ("gallery, list",),
    "data.masks.encoding": ("masks: folders", "masks: cityscapes", "masks: voc"),
    "data.masks.panoptic": ("masks: panoptic",),
    "data.masks.mat_files": ("masks: sbd",),
    "data.masks.coco": ("masks: coco",),
    "data.masks.cvat": ("masks: cvat",),
    "data.masks.labelme": ("masks: labelme",),
    "data.masks.yolo": ("masks: yolo",),
}
MODULES = {reader: f"trizoo.{module}" for module, names in READ_BY.items() for reader in names}
_STATED = re.compile(r"within ([\d,]+)\s(MiB|GiB)\sand ([\d,]+)\s+seconds")


def limits(reader):
    """(bytes, CPU seconds) that the docstring of a reader's module states; None where it states none."""
    stated = _STATED.search(" ".join((importlib.import_module(MODULES[reader]).__doc__ or "").split()))
    if stated is None:
        return None
    size = int(stated[1].replace(",", "")) << (30 if stated[2] == "GiB" else 20)
    return size, int(stated[3].replace(",", ""))


def campaign(reader, folder, findings, only=None):
    """Reads the files that are made to break a reader -> its row: reader, files, read, refused, slowest, memory.

    Args:
        folder: an empty one
        only: how many of the reader's own; None: those and the ones for any reader
    """
    memory, seconds = limits(reader)
    root = folder / "set"
    root.mkdir()
    files, read = readers()[reader](root)
    read()
    made = {**ANY, **BOMBS[reader]()} if only is None else dict(list(BOMBS[reader]().items())[:only])
    firsts = {path.suffix: path for path in reversed(files)}  # a file of each kind
    found = []
    for path in firsts.values():
        whole = path.read_bytes()
        for name, make in made.items():
            (folder / "result.json").unlink(missing_ok=True)
            path.write_bytes(make(whole))
            process = Process(lambda: _read(read, folder, memory + (256 << 20), seconds + 5), folder / "out.txt")
            process.wait(WAIT)
            path.write_bytes(whole)
            result = folder / "result.json"
            if not result.exists():
                findings.add(f"{reader} {name}", f"ended with {process.code}: {process.text()[-300:]}")
                continue
            told = json.loads(result.read_text())
            found.append(told)
            if told["wrong"] or told["bytes"] > memory or told["seconds"] > seconds:
                findings.add(f"{reader} {name} as {path.name}", str(told))
    refused = sum(told["refused"] for told in found)
    slowest, most = (max((told[key] for told in found), default=0) for key in ("seconds", "bytes"))
    return reader, len(found), len(found) - refused, refused, f"{slowest:.2f} s", f"{most >> 20} MiB"


def _read(read, folder, most, seconds):
    """In a process of its own: reads, and writes what that took."""
    warnings.simplefilter("error")
    there = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (there + most, -1))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds + int(time.process_time()), -1))
    before, started, wrong, refused = _status("VmRSS"), time.process_time(), "", False
    Path("/proc/self/clear_refs").write_text("5")  # the highest of its memory is that from now on
    try:
        read()
    except UserError:
        refused = True
    except BaseException as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        wrong = f"{type(error).__name__} {str(error)[:200]} ({last.filename}:{last.lineno})"
    took = {"seconds": time.process_time() - started, "bytes": _status("VmHWM") - before}
    (folder / "result.json").write_text(json.dumps({**took, "refused": refused, "wrong": wrong}))


def _status(name):
    text = Path("/proc/self/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)[1]) << 10


def main(given=None):
    """The command."""
    parser = arguments(__doc__)
    parser.add_argument("readers", nargs="*", metavar="READER", help="by the table's names (all)")
    args = parser.parse_args(given)
    findings, rows_of = Findings(args.keep), []
    known = readers()
    for reader in args.readers or [reader for reader in BOMBS if reader in known]:
        with scratch("bombs") as temporary:
            os.environ["TRIZOO_HOME"] = f"{temporary}/home"
            rows_of.append(campaign(reader, Path(temporary), findings))
            print(*rows_of[-1], sep=" | ", flush=True)
    table(("reader", "files", "read", "refused", "slowest", "largest memory"), *rows_of)
    return findings.end()


if __name__ == "__main__":
    sys.exit(main())
