"""The files of hostile.py. KINDS: kind -> Kind."""

import io
import json
import stat
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from trizoo.deploy import archives
from trizoo.deploy.notes import read_onnx, read_openvino, read_saved_model, read_tflite
from trizoo.download.unpack import unpack
from trizoo.ground.errors import UserError
from trizoo.recipes.load import load, parse_assignment
from trizoo.recipes.schema import Recipe
from trizoo.tests.campaigns import fuzz_files, fuzz_sets
from trizoo.tests.weights.readers import pth
from trizoo.weights import checkpoint
from trizoo.weights.readers import read


@dataclass(frozen=True)
class Kind:
    """Files that one reader reads.

    Args:
        cases: the canary's path -> (name, function of an empty folder that writes the files)
        read: reads what is in such a folder. Raises UserError
        sound: writes files of this kind that are as they should be
    """

    cases: Callable[[Path], Iterator]
    read: Callable[[Path], None]
    sound: Callable[[Path], object]

    def warm(self, folder):
        """Loads what reading needs."""
        with tempfile.TemporaryDirectory() as temporary, suppress(UserError):
            self.sound(Path(temporary))
            self.read(Path(temporary))


def _calls(canary):
    """Name, module, function and text argument of what a pickle would call to leave its mark."""
    ran = canary.with_suffix(".ran")
    yield "posix system", "posix", "system", f"touch {ran}"
    yield "os system", "os", "system", f"touch {ran}"
    yield "eval", "builtins", "eval", f"open({str(ran)!r}, 'w')"
    yield "exec", "builtins", "exec", f"open({str(ran)!r}, 'w')"
    yield "eval of Python 2", "__builtin__", "eval", f"open({str(ran)!r}, 'w')"
    yield "open", "io", "open", str(canary)
    yield "popen", "os", "popen", f"touch {ran}"
    yield "subprocess", "subprocess", "getoutput", f"touch {ran}"
    yield "import", "importlib", "import_module", "antigravity"
    yield "torch's attribute", "torch._utils", "os.system", f"touch {ran}"
    yield "torch.load", "torch", "load", str(canary)
    yield "numpy", "numpy.f2py.crackfortran", "myeval", f"open({str(ran)!r}, 'w')"
    yield "runpy", "runpy", "run_path", str(canary)
    yield "codecs", "codecs", "open", str(canary)
    yield "collections' attribute", "collections", "abc.sys.modules", "os"


def _pickles(module, name, text):
    """Name and body of pickles that call it, by each instruction that could."""
    argument = pth.sequence(pth.text(text))
    yield "reduce", pth.named(module, name) + argument + b"R"
    yield "stack global", pth.text(module) + pth.text(name) + b"\x93" + argument + b"R"
    yield "inst", b"(" + pth.text(text) + f"i{module}\n{name}\n".encode()
    yield "obj", b"(" + pth.named(module, name) + pth.text(text) + b"o"
    yield "newobj", pth.named(module, name) + argument + b"\x81"
    yield "build", pth.ordered() + pth.mapping({"__reduce__": pth.named(module, name)}) + b"b"


def _pytorch(canary):
    for name, *call in _calls(canary):
        for how, body in _pickles(*call):
            within = pth.mapping({"w": body})
            if how in ("reduce", "stack global"):
                yield f"legacy {name} {how}", lambda folder, body=within: _put(folder / "a.pth", pth.legacy(body, {}))
            yield f"{name} {how}", lambda folder, body=within: _put(folder / "a.pth", pth.archive(body, {}))


def _arrays(canary):
    for name, *call in _calls(canary):
        _, body = next(_pickles(*call))
        head = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
        head += b" " * (63 - (10 + len(head)) % 64) + b"\n"
        data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + pth.pickled(body)
        yield f"npz {name}", lambda folder, data=data: _zip(folder / "a.npz", {"a.npy": data})


def _hdf5(canary):
    def linked(link, version):
        def make(folder):
            with h5py.File(folder / "a.h5", "w", libver=version) as file:
                file.attrs["layer_names"] = [b"conv"]
                file.create_group("conv").attrs["weight_names"] = [b"kernel:0"]
                file["conv"]["kernel:0"] = link

        return make

    with h5py.File(canary.with_suffix(".h5"), "w") as file:
        file["a"] = np.arange(4.0)
    for version in ("earliest", "latest"):
        for target in (str(canary), str(canary.with_suffix(".h5")), "../../canary.h5", "/etc/passwd"):
            yield f"link {target[:9]} {version}", linked(h5py.ExternalLink(target, "/a"), version)
        yield f"soft {version}", linked(h5py.SoftLink("/conv"), version)

        def external(folder, version=version):
            with h5py.File(folder / "a.h5", "w", libver=version) as file:
                file.attrs["layer_names"] = [b"conv"]
                group = file.create_group("conv")
                group.attrs["weight_names"] = [b"kernel:0"]
                group.create_dataset("kernel:0", (2,), "f4", external=[(str(canary), 0, 8)])

        yield f"storage {version}", external

    def virtual(folder):
        layout = h5py.VirtualLayout((4,), "f8")
        layout[:] = h5py.VirtualSource(str(canary.with_suffix(".h5")), "a", (4,))
        with h5py.File(folder / "a.h5", "w", libver="latest") as file:
            file.attrs["layer_names"] = [b"conv"]
            group = file.create_group("conv")
            group.attrs["weight_names"] = [b"kernel:0"]
            group.create_virtual_dataset("kernel:0", layout)

    yield "virtual", virtual


def _safetensors(canary):
    good = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    changes = {
        "outside": {"data_offsets": [0, 1 << 40]},
        "before": {"data_offsets": [-8, 0]},
        "huge": {"shape": [1 << 60]},
        "negative": {"shape": [-1]},
        "type": {"dtype": "O"},
        "path": {"path": str(canary)},
    }
    for name, change in changes.items():
        yield name, lambda folder, table={"w": good | change}: _safe(folder, table)
    yield "name", lambda folder: _safe(folder, {f"../../../{canary}": good})


def _safe(folder, content):
    text = json.dumps(content).encode()
    _put(folder / "a.safetensors", struct.pack("<Q", len(text)) + text + bytes(8))


def _archives(canary):
    names = (
        "../escaped",
        "a/../../escaped",
        str(canary.parent / "escaped"),
        "..\\escaped",
        "C:\\escaped",
        "a\0b",
        "..",
    )
    for name in names:
        yield f"zip {name[:9]!r}", lambda folder, name=name: _zip(folder / "a.zip", {name.replace("\0", ""): b"x"})
        yield f"tar {name[:9]!r}", lambda folder, name=name: _tar(folder, [(name, tarfile.REGTYPE, "")])
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        for target in (str(canary), "../canary.txt", "../../canary.txt", ".."):
            members = [("link", kind, target), ("link/escaped", tarfile.REGTYPE, "")]
            yield f"tar link {target[-9:]} {kind}", lambda folder, members=members: _tar(folder, members)
    for kind in (tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE):
        yield f"tar device {kind}", lambda folder, kind=kind: _tar(folder, [("device", kind, "")])

    def linked(folder):
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        _zip(folder / "a.zip", {info: str(canary).encode(), "link/escaped": b"x"})

    yield "zip link", linked


def _recipes(canary):
    ran = canary.with_suffix(".ran")
    for tag in (
        *("object/apply:os.system", "object/new:os.system", "object/apply:builtins.eval", "name:os.system"),
        *("module:antigravity", "object/apply:subprocess.getoutput", "object:os.system", "object/apply:builtins.open"),
    ):
        for place in ("seed: ", "augment: [", "? "):
            text = f"_base_: yolov3-tiny\n{place}!!python/{tag} ['touch {ran}']{']' if '[' in place else ''}\n"
            yield f"{tag} {place}", lambda folder, text=text: _put(folder / "a.yaml", text.encode())
    yield "include", lambda folder: _put(folder / "a.yaml", f"_base_: yolov3-tiny\nseed: !include {canary}\n".encode())


def _sets(canary):
    outside = ("../../canary.txt", str(canary), "..\\..\\canary.txt", f"file://{canary}")
    for layout, old in (
        *(
            ("coco", '"a.png"'),
            ("cvat", 'name="a.png"'),
            ("labelme", '"a.png"'),
            ("csv", "a.png,"),
            ("lists", "/a.png "),
        ),
        *(("yolo", "train: images"), ("voc", "<filename>a.png")),
    ):
        for name in outside:
            yield f"{layout} {name[:12]}", _changed_set(layout, old, old.replace("a.png", name).replace("images", name))
    for layout, head in (("voc", "<annotation>"), ("cvat", "<annotations>")):
        for entity in (
            f'SYSTEM "file://{canary}"',
            f'SYSTEM "{canary}"',
            'SYSTEM "http://127.0.0.1:9/a"',
            f'"{"a" * 99}"',
        ):
            new = f"<!DOCTYPE a [<!ENTITY b {entity}>]>{head}<name>&b;</name>"
            yield f"{layout} entity {entity[:20]}", _changed_set(layout, head, new)


def _changed_set(layout, old, new):
    def make(folder):
        paths, _ = fuzz_sets.boxes_of(layout, folder)
        changed = 0
        for path in paths:
            text = path.read_text(encoding="utf-8")
            changed += old in text
            path.write_text(text.replace(old, new), encoding="utf-8")
        if not changed:
            raise RuntimeError(f"{layout} has no {old}")

    return make


def _read_set(folder):
    from trizoo.data.boxes.find import find_boxes
    from trizoo.data.images import read_image

    data = find_boxes(folder).open()
    for record in data.records:
        fuzz_sets.check_within(record.image, folder)
        read_image(record.image)


def _exports(canary):
    for name, *call in _calls(canary):
        _, body = next(_pickles(*call))
        files = {"a/data.pkl": pth.pickled(body), "a/extra/trizoo.json": pth.pickled(body)}
        yield f"pt2 {name}", lambda folder, files=files: _zip(folder / "a.pt2", files)
    names = ("../trizoo.json", f"{canary}", "trizoo.json")
    for suffix in (".keras", ".pt2"):
        for name in names:
            yield (
                f"{suffix} {name[-12:]}",
                lambda folder, name=name, suffix=suffix: _zip(
                    folder / f"a{suffix}", {name: b"{", "config.json": b'{"class_name": "Lambda"}'}
                ),
            )

    def linked(target):
        def make(folder):
            fuzz_files.saved_model(folder)
            (folder / "sm" / "variables").mkdir()
            (folder / "sm" / "variables" / "link").symlink_to(target)

        return make

    yield "SavedModel link", linked(canary)
    yield "SavedModel link up", linked("../..")
    entity = f'<!DOCTYPE a [<!ENTITY b SYSTEM "file://{canary}">]>'
    text = f'<?xml version="1.0"?>{entity}<net><rt_info><trizoo value="&b;"/></rt_info></net>'
    yield "OpenVINO entity", lambda folder: (_put(folder / "a.bin", b""), _put(folder / "a.xml", text.encode()))


def _read_export(folder):
    readers = {".onnx": read_onnx, ".xml": read_openvino, ".tflite": read_tflite, "sm": read_saved_model}
    readers |= {".pt2": archives.read_notes, ".keras": archives.read_notes}
    for path in sorted(folder.iterdir()):
        reader = readers.get(path.suffix or path.name)
        if reader is not None:
            reader(path)


def _put(path, data):
    path.write_bytes(data)


def _zip(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def _tar(folder, members):
    with tarfile.open(folder / "a.tar", "w") as archive:
        for name, kind, target in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info, io.BytesIO())


def _read_weights(folder):
    for path in sorted(folder.iterdir()):
        read(path)
        if path.suffix == ".h5":
            checkpoint.load(path)


def _unpacked(folder):
    for path in sorted(folder.iterdir()):
        unpack(path, folder / "out", path.suffix[1:])


def _loaded(folder):
    text = (folder / "a.yaml").read_text()
    for line in text.splitlines()[1:]:
        with suppress(UserError):
            parse_assignment(line.replace(": ", "=", 1))
    load(Recipe, file=str(folder / "a.yaml"))


KINDS = {
    "pickles": Kind(_pytorch, _read_weights, fuzz_files.pytorch),
    "arrays": Kind(_arrays, _read_weights, fuzz_files.npz),
    "HDF5": Kind(_hdf5, _read_weights, fuzz_files.keras_2),
    "safetensors": Kind(_safetensors, _read_weights, fuzz_files.safe),
    "archives": Kind(_archives, _unpacked, fuzz_files.zipped),
    "recipes": Kind(_recipes, _loaded, fuzz_files.recipe),
    "data sets": Kind(_sets, _read_set, lambda folder: fuzz_sets.boxes_of("voc", folder)),
    "exported files": Kind(_exports, _read_export, fuzz_files.archived),
}
