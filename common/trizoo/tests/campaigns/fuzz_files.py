"""Single files that fuzz.py changes, beside data sets: weights of every format, recipes, notes of exports, archives.

FILES: name -> (function of a folder that writes one and gives its path, function of the path that reads it).
"""

import io
import json
import tarfile
import tempfile
import zipfile

import h5py
import numpy as np

from trizoo.deploy.metadata import parse
from trizoo.deploy.notes import read_openvino
from trizoo.download.unpack import unpack
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe
from trizoo.tests.weights.readers import pth
from trizoo.weights import checkpoint
from trizoo.weights.readers import darknet, read, safetensors

ARRAYS = {f"a.{number}.weight": np.arange(12, dtype=np.float32).reshape(3, 4) for number in range(12)}


def own_checkpoint(root):
    """As training writes it."""
    path = root / "last.h5"
    recipe = load(Recipe, file="yolov3-tiny").recipe.model_dump(mode="json")
    slots = {"momentum": ARRAYS}
    checkpoint.save(path, checkpoint.Checkpoint(ARRAYS, recipe, "pytorch", optimizer=slots, ema=ARRAYS, best=0.5))
    return path


def keras_2(root, version="earliest"):
    """Layers with lists of names."""
    with h5py.File(root / "a.h5", "w", libver=version) as file:
        file.attrs["layer_names"] = np.array([f"conv{number}".encode() for number in range(12)])
        file.attrs["backend"] = "tensorflow"
        for number in range(12):
            group = file.create_group(f"conv{number}")
            group.attrs["weight_names"] = [b"kernel:0"]
            group["kernel:0"] = ARRAYS["a.0.weight"]
    return root / "a.h5"


def keras_3(root, version="latest"):
    """Variables by number."""
    with h5py.File(root / "a.weights.h5", "w", libver=version) as file:
        for number in range(12):
            file[f"layers/conv{number}/vars/0"] = ARRAYS["a.0.weight"]
            file[f"layers/conv{number}/vars"].attrs["name"] = f"conv{number}"
    return root / "a.weights.h5"


def pytorch(root):
    """A zip archive of a pickle and storages."""
    body = pth.mapping({f"w{n}": pth.tensor(pth.storage("FloatStorage", "0", 6), (2, 3), (3, 1)) for n in range(3)})
    (root / "a.pth").write_bytes(pth.archive(body, {"0": bytes(24)}))
    return root / "a.pth"


def npz(root):
    """NumPy's archive."""
    np.savez(root / "a.npz", **ARRAYS)
    return root / "a.npz"


def safe(root):
    """safetensors."""
    safetensors.write(root / "a.safetensors", ARRAYS, {"format": "pt"})
    return root / "a.safetensors"


def darknet_weights(root):
    """Darknet's numbers."""
    darknet.write(root / "a.weights", list(ARRAYS.values()))
    return root / "a.weights"


def recipe(root):
    """YAML with most of what it has."""
    path = root / "a.yaml"
    path.write_text(
        "_base_: yolov3-tiny\n# a comment\nclasses: &c [cat, 'dög', \"e\\u0301\"]\nschedule: {epochs: 3, lr: 1e-3}\n"
        "augment:\n  - {op: flip, probability: 0.5}\n  - op: hsv\nmodel:\n  anchors: [[1, 2], [3.5, 4]]\nseed: 0x1f\n"
    )
    return path


def notes(root):
    """What an exported file says of itself."""
    thresholds = {"confidence": 0.5, "nms": 0.3, "max_detections": 100}
    told = load(Recipe, file="yolov3-tiny", overrides=[("classes", ["cat"], "")]).recipe.model_dump(mode="json")
    known = {"task": "detection", "kind": "boxes", "outputs": ["boxes", "scores", "labels"], "dynamic_size": False}
    known |= {"raw_outputs": ["head_p5", "head_p4"], "batch": 1, "thresholds": thresholds, "recipe": told}
    (root / "notes.json").write_text(json.dumps(known))
    return root / "notes.json"


def openvino(root):
    """A model's XML."""
    (root / "a.bin").write_bytes(b"")
    (root / "a.xml").write_text(
        '<?xml version="1.0"?><net><layers/><rt_info><trizoo value="{&quot;a&quot;: 1}"/></rt_info></net>'
    )
    return root / "a.xml"


def zipped(root):
    """A data set's archive."""
    with zipfile.ZipFile(root / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("VOC/", "VOC/a.txt", "VOC/b c.txt", "照片.txt"):
            archive.writestr(name, b"" if name.endswith("/") else b"one two " * 20)
    return root / "a.zip"


def tarred(root):
    """The same as tar, with long names."""
    with tarfile.open(root / "a.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("VOC/a.txt", "VOC/" + "b" * 150, "照片.txt"):
            info = tarfile.TarInfo(name)
            info.size = 16
            archive.addfile(info, io.BytesIO(b"one two " * 2))
    return root / "a.tar"


def _unpacked(path):
    with tempfile.TemporaryDirectory() as folder:
        unpack(path, folder, path.suffix[1:])


def _parsed(path):
    parse(path.read_text(errors="replace"), path)


FILES = {
    **{make.__name__: (make, read) for make in (own_checkpoint, keras_2, keras_3, pytorch, npz, safe, darknet_weights)},
    "resumed": (own_checkpoint, checkpoint.load),
    "recipe": (recipe, lambda path: load(Recipe, file=str(path))),
    "notes": (notes, _parsed),
    "openvino": (openvino, read_openvino),
    "zip": (zipped, _unpacked),
    "tar": (tarred, _unpacked),
}
