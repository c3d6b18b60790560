"""Goldens: the numbers that any framework must repeat, how far apart is too far, and the names file of a model."""

from importlib import resources

import numpy as np

from trizoo.families import ARCHITECTURES, architecture, model_spec
from trizoo.families.base.backbones import BACKBONES
from trizoo.parity.pseudo import pseudo_images
from trizoo.weights.names import NUM_CLASSES

TOLERANCE = 1e-4  # of the greatest value of the output, gradient or parameter, or of the loss
BATCH_TOLERANCE = 5e-4  # DeepLab's image pooling has a batch norm of as many values as images, and these are alike
TOLERANCES = {
    **dict.fromkeys(("outputs", "loss", "gradients", "step", "frozen_step"), TOLERANCE),
    "batch_step": BATCH_TOLERANCE,
    "curve": TOLERANCE,
}
SAMPLES = 64  # of a output
ARRAY_SAMPLES = 8  # of a parameter or gradient
# graphs that differ from another's in the number of their blocks alone: names and counts are checked, no numbers
WITHOUT_GOLDEN = (
    *("retinanet-resnet34", "retinanet-resnet101", "retinanet-resnet152"),
    *("deeplabv3plus-resnet101", "deeplabv3-resnet101"),
    # these stand on backbones whose own numbers are held by other goldens
    *(f"classify-{name}" for name in BACKBONES if name not in ("resnet18", "mobilenetv2")),
    "embed-resnet50",
    *("multilabel-resnet50", "multilabel-mobilenetv2"),
)
GOLDENS = tuple(name for name in ARCHITECTURES if name not in WITHOUT_GOLDEN)
SIZES = ((64, 64), (96, 96), (160, 64))  # (width, height): an even number of coarse cells, an odd one, not square
ODD_SIZE = (97, 65)  # of models that take it


def golden_spec(model, **options):
    """The ModelSpec that goldens and names files are made with: 80 classes and, without options, the model's own."""
    return model_spec(model, NUM_CLASSES, **options)


def sizes(model):
    """The (width, height) of each input that a golden is taken at."""
    known = architecture(model)
    if known.only_size:
        return (known.only_size,)
    return (*SIZES, ODD_SIZE) if known.takes_any_size else SIZES


def summarize(outputs):
    """What a golden keeps of outputs: per output 64 of its values, mean, standard deviation and greatest |value|."""
    summary = {}
    for number, output in enumerate(outputs):
        places = np.linspace(0, output.size - 1, SAMPLES).astype(np.int64)
        summary[f"samples_{number}"] = output.reshape(-1)[places].astype(np.float64)
        summary[f"mean_{number}"] = np.float64(output.mean(dtype=np.float64))
        summary[f"std_{number}"] = np.float64(output.std(dtype=np.float64))
        summary[f"greatest_{number}"] = np.float64(np.abs(output).max())
        summary[f"shape_{number}"] = np.array(output.shape)
    return summary


def summarize_arrays(arrays):
    """{name: array} -> float32 (names, 8 + 3): per array 8 of its values, mean, standard deviation, greatest |value|.

    Rows are in the order of the names.
    """
    rows = []
    for name in sorted(arrays):
        flat = arrays[name].reshape(-1).astype(np.float64)
        places = np.linspace(0, flat.size - 1, ARRAY_SAMPLES).astype(np.int64)
        rows.append([*flat[places], flat.mean(), flat.std(), np.abs(flat).max()])
    return np.array(rows, np.float32)


def measure(predict, sizes=SIZES):
    """The golden of a model with pseudo-weights.

    Args:
        predict: uint8 (B, H, W, 3) -> outputs
    """
    golden = {}
    for size in sizes:
        outputs = predict(pseudo_images(2, size))
        golden |= {f"{size[0]}x{size[1]}/{key}": value for key, value in summarize(outputs).items()}
    return golden


def difference(golden, measured):
    """The greatest difference of two `measure` results, as a share of the output's greatest value; inf for shapes."""
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


def array_difference(golden, measured):
    """The greatest difference of two `summarize_arrays`, as a share of each array's greatest value; inf for shapes."""
    if golden.shape != measured.shape:
        return np.inf
    differences = np.abs(golden.astype(np.float64) - measured).max(axis=1)
    return float((differences / np.maximum(golden[:, -1], np.finfo(np.float32).tiny)).max())


def differences(golden, measured):
    """How far two results of `trizoo.parity.probe.probe` lie apart in each check of TOLERANCES: {check: float}.

    What isn't finite is infinitely far.
    """
    found = {
        "outputs": np.max(
            [difference(_below(prefix, golden), _below(prefix, measured)) for prefix in ("outputs/", "variant/")]
        ),
        "loss": np.max(  # unlike max() it passes nan on
            [
                abs(float(measured[key] - value)) / max(abs(float(value)), 1e-12)
                for key, value in golden.items()
                if key.startswith("loss/")
            ]
        ),
        "curve": float(np.abs(measured["curve"] / golden["curve"] - 1).max()),
    }
    for check in ("gradients", "step", "frozen_step", "batch_step"):
        found[check] = array_difference(golden[check], measured[check])
    return {check: float(found[check]) if np.isfinite(found[check]) else np.inf for check in TOLERANCES}


def _below(prefix, arrays):
    return {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}


def golden_path(model):
    """The committed golden of a model."""
    return resources.files("trizoo.parity") / "golden" / f"{model}.npz"


def load_golden(model):
    """The committed golden of a model: the result of PyTorch's `trizoo.parity.probe.probe`, {key: array}."""
    with resources.as_file(golden_path(model)) as path, np.load(path, allow_pickle=False) as file:
        return dict(file)


def load_golden_heads(model):
    """Of the committed golden what `measure` gives of outputs: {key: array}."""
    return _below("outputs/", load_golden(model))
