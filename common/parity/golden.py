"""Goldens: a few numbers per raw head that any framework must repeat, and the names file of a model."""

from importlib import resources

import numpy as np

from common.architectures import model_spec
from common.parity.pseudo import pseudo_images

TOLERANCE = 1e-4  # of the head's greatest value
SAMPLES = 64
NUM_CLASSES = 80
SIZES = ((64, 64), (96, 160))  # (width, height): square, and neither square nor an even number of cells


def golden_spec(model):
    """The ModelSpec that goldens and names files are made with: 80 classes, default anchors."""
    return model_spec(model, NUM_CLASSES)


def summarize(heads):
    """What a golden keeps of raw heads: per head 64 of its values, mean, standard deviation and greatest |value|."""
    summary = {}
    for number, head in enumerate(heads):
        places = np.linspace(0, head.size - 1, SAMPLES).astype(np.int64)
        summary[f"samples_{number}"] = head.reshape(-1)[places].astype(np.float64)
        summary[f"mean_{number}"] = np.float64(head.mean(dtype=np.float64))
        summary[f"std_{number}"] = np.float64(head.std(dtype=np.float64))
        summary[f"greatest_{number}"] = np.float64(np.abs(head).max())
        summary[f"shape_{number}"] = np.array(head.shape)
    return summary


def measure(predict):
    """The golden of a model with pseudo-weights. predict: uint8 (B, H, W, 3) -> raw heads."""
    golden = {}
    for size in SIZES:
        heads = predict(pseudo_images(2, size))
        golden |= {f"{size[0]}x{size[1]}/{key}": value for key, value in summarize(heads).items()}
    return golden


def difference(golden, measured):
    """The greatest difference of two goldens, as a share of the head's greatest value; inf where shapes differ."""
    if golden.keys() != measured.keys():
        return np.inf
    worst = 0.0
    for key, expected in golden.items():
        prefix, kind = key.rsplit("/", 1)
        kind, number = kind.rsplit("_", 1)
        if kind == "shape":
            if not np.array_equal(expected, measured[key]):
                return np.inf
            continue
        scale = golden[f"{prefix}/greatest_{number}"]
        worst = max(worst, float(np.abs(expected - measured[key]).max() / scale))
    return worst


def golden_path(model):
    """The committed golden of a model."""
    return resources.files("common.parity") / "golden" / f"{model}.npz"


def load_golden(model):
    """The committed golden of a model as {key: array}."""
    with resources.as_file(golden_path(model)) as path, np.load(path, allow_pickle=False) as file:
        return dict(file)


def names_path(model):
    """The committed names file of a model."""
    return resources.files("common.weights") / "names" / f"{model}.txt"


def load_names(model):
    """The committed canonical names of a model and their shapes, in order: {name: shape}."""
    lines = names_path(model).read_text(encoding="utf-8").splitlines()
    pairs = (line.split() for line in lines if line)
    return {name: tuple(int(side) for side in shape.split("x")) for name, shape in pairs}


def names_text(shapes):
    """The text of a names file: `name 32x3x3x3`, a line each, in the model's order."""
    return "".join(f"{name} {'x'.join(map(str, shape))}\n" for name, shape in shapes.items())
