"""Single files that fuzz.py changes: weights of every format, recipes, manifests, notes of exports, archives, pictures.

FILES: name -> (function of a folder that writes one and gives its path, function of the path that reads it).
"""

import importlib.util
import io
import json
import tarfile
import tempfile
import zipfile
from contextlib import suppress
from functools import cache
from unittest.mock import patch
from xml.sax.saxutils import quoteattr

import h5py
import numpy as np
from PIL import Image

from trizoo.data.images import read_header, read_image
from trizoo.data.masks.encoding import read_pixels
from trizoo.data.video import open_video
from trizoo.deploy import archives
from trizoo.deploy.endings import GRAPH, NOTES
from trizoo.deploy.metadata import parse
from trizoo.deploy.notes import read_onnx, read_openvino, read_saved_model, read_tflite
from trizoo.diagnosis.diagnose import diagnose
from trizoo.download.manifest import read_manifest
from trizoo.download.unpack import unpack
from trizoo.gallery.file import load as read_gallery
from trizoo.gallery.file import save as save_gallery
from trizoo.ground.errors import UserError
from trizoo.recipes.load import load, parse_assignment
from trizoo.recipes.schema import Recipe
from trizoo.tests.conftest import ENTRY, HEAD
from trizoo.tests.diagnosis.runs import HEALTHY, make_run
from trizoo.tests.galleries import gallery
from trizoo.tests.video_files import write_video
from trizoo.tests.weights.readers import pth
from trizoo.training.build import read_model
from trizoo.weights import checkpoint
from trizoo.weights.readers import darknet, read, safetensors

ABOUT = {
    **{"tag": "a.coco", "model": "yolov3-tiny", "part": "model", "url": "https://example.org/a.weights"},
    **{"bytes": 10, "sha256": "0" * 64, "classes": "two", "num_classes": 2, "normalisation": "unit"},
}
ARRAYS = {f"a.{number}.weight": np.arange(12, dtype=np.float32).reshape(3, 4) for number in range(12)}


def own_checkpoint(root):
    """As training writes it."""
    path = root / "last.h5"
    recipe = load(Recipe, file="yolov3-tiny").recipe.model_dump(mode="json")
    slots = {"momentum": ARRAYS}
    checkpoint.save(path, checkpoint.Checkpoint(ARRAYS, recipe, "pytorch", optimizer=slots, ema=ARRAYS, best=0.5))
    return path


def embedding(root):
    """One of an embedding model."""
    recipe = load(Recipe, file="embed-mobilenetv2", overrides=[("classes", ["cat", "dog"], "")]).recipe
    path = root / "best.h5"
    checkpoint.save(path, checkpoint.Checkpoint(ARRAYS, recipe.model_dump(mode="json"), "pytorch", best=0.5))
    return path


def own_gallery(root):
    """As trizoo gallery writes it."""
    save_gallery(root / "g.h5", gallery(names=("cat", "dög")))
    return root / "g.h5"


def run_log(root):
    """With epochs and steps; the rest of the run is whole."""
    return make_run(root / "run", HEALTHY) / "log.jsonl"


def run_table(root):
    """As a run has it whose log was lost."""
    run = make_run(root / "run", HEALTHY)
    (run / "log.jsonl").unlink()
    return run / "metrics.csv"


def run_metrics(root):
    """The final ones."""
    metrics = {"per_class": {"cat": {"AP50": 0.5, "ground_truths": 3}}}
    return make_run(root / "run", HEALTHY, metrics=metrics) / "metrics.json"


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
    value = quoteattr(notes(root).read_text())
    (root / "a.xml").write_text(f'<?xml version="1.0"?><net><layers/><rt_info><trizoo value={value}/></rt_info></net>')
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


def onnx(root):
    """ONNX's outermost fields: a version, a graph, the notes."""
    entry = _field(1, b"trizoo") + _field(2, notes(root).read_bytes())
    (root / "a.onnx").write_bytes(b"\x08\x0a" + _field(2, b"pytorch") + _field(7, b"g" * 300) + _field(14, entry))
    return root / "a.onnx"


def _field(number, data):
    """Bytes as protobuf writes them."""
    length = len(data)
    prefix = bytes([number << 3 | 2])
    while length > 127:
        prefix += bytes([length & 127 | 128])
        length >>= 7
    return prefix + bytes([length]) + data


def archived(root, suffix=".pt2", folder="a/extra/"):
    """A model in a zip archive, with notes."""
    with zipfile.ZipFile(root / f"a{suffix}", "w") as archive:
        archive.writestr("a/version", b"3")
        archive.writestr(f"{folder}trizoo.json", notes(root).read_bytes())
    return root / f"a{suffix}"


def keras_file(root):
    """The same as Keras has it."""
    return archived(root, ".keras", "")


def tflite(root):
    """Its notes stand beside it."""
    (root / "a.json").write_bytes(notes(root).read_bytes())
    (root / "a.tflite").write_bytes(bytes(4) + b"TFL3" + bytes(40))
    return root / "a.tflite"


def saved_model(root):
    """A folder: its notes are changed."""
    (root / "sm" / NOTES).parent.mkdir(parents=True)
    (root / "sm" / GRAPH).write_bytes(b"")
    (root / "sm" / NOTES).write_bytes(notes(root).read_bytes())
    return root / "sm" / NOTES


def manifest(root):
    """The head of the zoo's own and two of its entries."""
    (root / "a.yaml").write_text(HEAD + ENTRY.format(**ABOUT) + ENTRY.format(**ABOUT | {"tag": "b.coco"}))
    return root / "a.yaml"


def assignments(root):
    """What --set takes, a line each."""
    lines = ("schedule.epochs=3", "classes=[cat, dog]", "augment=[{op: flip}]", "model.anchors=[[1, 2]]", "seed=0x1f")
    (root / "set.txt").write_text("\n".join(lines))
    return root / "set.txt"


def picture(name, mode="RGB", **options):
    """A function that writes a picture of a format and a mode."""

    def make(root):
        values = np.random.default_rng(1).integers(0, 200, (40, 56, 3), np.uint8)
        image = Image.fromarray(values).resize((112, 80)) if mode == "RGB" else Image.fromarray(values).convert(mode)
        if mode == "I;16":
            image = Image.fromarray(values[..., 0].astype(np.uint16) * 256)
        image.save(root / name, **options)
        return root / name

    return make


def turned(root):
    """A JPEG that EXIF turns."""
    exif = Image.Exif()
    exif[274] = 6
    return picture("turned.jpg", exif=exif)(root)


def heif(root):
    """As telephones write it."""
    import pillow_heif

    pillow_heif.register_heif_opener()
    return picture("a.heic")(root)


def video(root):
    """Ten frames of H.264."""
    return write_video(root / "a.mp4", 10)


def _unpacked(path):
    with tempfile.TemporaryDirectory() as folder:
        unpack(path, folder, path.suffix[1:])


def _parsed(path):
    parse(path.read_text(errors="replace"), path)


def _noted(read):
    """Reads a file's notes, then what they say."""

    def reading(path):
        text = read(path)
        if text is not None:
            parse(text, path)

    return reading


def _assigned(path):
    lines = path.read_text(errors="replace").split("\n")
    load(Recipe, file="yolov3-tiny", overrides=[parse_assignment(line) for line in lines])


def _diagnosed(path):
    """A run's log, table or metrics; its recipe, which is a reader of its own here, isn't read each time anew."""
    with patch("trizoo.diagnosis.history._found_recipe", lambda run: _RECIPES(run.recipe_path)):
        str(diagnose(path.parent))


_RECIPES = cache(lambda path: load(Recipe, file=str(path)).recipe)


def _seen(path):
    read_image(path)
    read_image(path, (8, 8))
    read_header(path)
    with suppress(UserError):  # a picture in colours is no mask, and a reader of its own
        read_pixels(path)


def _played(path):
    with open_video(str(path), path.name) as opened:
        for _ in opened.frames(3):
            pass


FILES = {
    "checkpoint": (own_checkpoint, read),
    "checkpoint, resumed": (own_checkpoint, checkpoint.load),
    "checkpoint, embedding": (embedding, read_model),
    "gallery": (own_gallery, read_gallery),
    "Keras 2 .h5": (keras_2, read),
    "Keras 3 .h5": (keras_3, read),
    ".pth": (pytorch, read),
    ".npz": (npz, read),
    ".safetensors": (safe, read),
    "Darknet .weights": (darknet_weights, read),
    "log of a run": (run_log, _diagnosed),
    "metrics.csv of a run": (run_table, _diagnosed),
    "metrics.json of a run": (run_metrics, _diagnosed),
    "recipe": (recipe, lambda path: load(Recipe, file=str(path))),
    "--set": (assignments, _assigned),
    "manifest": (manifest, read_manifest.__wrapped__),
    "notes": (notes, _parsed),
    "ONNX": (onnx, _noted(read_onnx)),
    "OpenVINO": (openvino, _noted(read_openvino)),
    "TFLite": (tflite, _noted(read_tflite)),
    "SavedModel": (saved_model, _noted(lambda path: read_saved_model(path.parents[1]))),
    ".pt2": (archived, _noted(archives.read_notes)),
    ".keras": (keras_file, _noted(archives.read_notes)),
    "zip": (zipped, _unpacked),
    "tar": (tarred, _unpacked),
    "BMP": (picture("a.bmp"), _seen),
    "GIF": (picture("a.gif", "P"), _seen),
    "JPEG": (picture("a.jpg"), _seen),
    "JPEG, turned": (turned, _seen),
    "PNG": (picture("a.png", "RGBA"), _seen),
    "PNG, 16 bits": (picture("a.png", "I;16"), _seen),
    "TIFF": (picture("a.tif", compression="tiff_lzw"), _seen),
    "WebP": (picture("a.webp"), _seen),
}
if importlib.util.find_spec("pillow_heif"):
    FILES["HEIC"] = (heif, _seen)
if importlib.util.find_spec("av"):
    FILES["video"] = (video, _played)
