"""Which exported files can be opened, and by what. A runtime is a module and a line in RUNTIMES.

A runtime gives what a framework gives for predicting (`trizoo.framework.Framework`): versions, a device and
`predictor`; its model is an `Opened` file.
"""

import contextlib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trizoo.deploy import archives, notes
from trizoo.deploy.metadata import Metadata, parse
from trizoo.families import ModelSpec
from trizoo.framework import PIP, is_installed
from trizoo.ground.cores import available_cores, describe_cpu
from trizoo.ground.errors import UserError
from trizoo.recipes.schema import Recipe
from trizoo.training import build


@dataclass(frozen=True)
class Runtime:
    """What opens the files of an ending.

    Args:
        title: its name for a person
        library: the module to import
        install: what pip is asked for
        notes: path -> JSON text of the file's notes, None where it has none
        module: of `trizoo.deploy`; its `version()` is the library's, its `devices()` are the names of what it runs on,
            the CPU's and perhaps "cuda", and its `start(path, device, threads)` gives the session of a file, a function
            (images, names of outputs, {input: number}) -> arrays
        takes_thresholds: whether inputs that may be left out can be given
    """

    title: str
    library: str
    install: str
    notes: Callable[[Any], str | None]
    module: str
    takes_thresholds: bool = False

    @property
    def name(self):
        """As frameworks have one."""
        return self.library

    def load(self):
        """Its module of `trizoo.deploy`. Raises UserError where the library isn't installed."""
        if not is_installed(self.library):
            raise UserError(f"{self.title} isn't installed; pip install {self.install} would do")
        return importlib.import_module(f"trizoo.deploy.{self.module}")

    def versions(self):
        """ "ONNX Runtime 1.32.0" and so on."""
        return f"{self.title} {self.load().version()}"

    def device(self, wanted):
        """One of its devices for "auto", "cpu" or "cuda". Raises UserError for one that there isn't."""
        there = self.load().devices()
        if wanted == "cuda" and wanted not in there:
            raise UserError(
                f"--device cuda was asked for, and {self.title} has none here; --device cpu or auto would do"
            )
        return "cuda" if wanted != "cpu" and "cuda" in there else "cpu"

    def is_cpu(self, device):
        """Whether a device is the CPU."""
        return device == "cpu"

    def describe_device(self, device):
        """The device in words."""
        return describe_cpu(available_cores()) if device == "cpu" else device

    def predictor(self, model, precision, device):
        """See `trizoo.framework.Framework`: the raw outputs. The precision is the file's own.

        Args:
            model: an `Opened`
        """
        return model.raw

    def loss(self, spec, section):
        """A runtime doesn't train."""
        raise UserError(f"{self.title} doesn't train; the checkpoint (.h5) that was exported is needed for that")


RUNTIMES = {
    ".onnx": Runtime("ONNX Runtime", "onnxruntime", "onnxruntime", notes.read_onnx, "onnx_runtime", True),
    ".xml": Runtime("OpenVINO", "openvino", "openvino", notes.read_openvino, "openvino_runtime"),
    ".tflite": Runtime("LiteRT", "ai_edge_litert", "ai-edge-litert", notes.read_tflite, "litert_runtime"),
    ".pt2": Runtime("PyTorch", "torch", PIP["torch"], archives.read_notes, "pt2_runtime"),
    ".keras": Runtime("Keras", "keras", PIP["keras"], archives.read_notes, "keras_runtime"),
}


@dataclass(frozen=True)
class Exported:
    """The notes of an exported file, which isn't opened yet.

    Args:
        spec: a ModelSpec
    """

    path: Path
    metadata: Metadata
    recipe: Recipe
    spec: ModelSpec

    def check_size(self, size):
        """UserError where the file isn't for images of this (width, height)."""
        own = self.metadata.input_size
        if not self.metadata.dynamic_size and tuple(size) != own:
            raise UserError(
                f"{self.path} is for images of {own[0]}x{own[1]}, and {size[0]}x{size[1]} is asked for; trizoo export "
                f"--size dynamic makes a file for all sizes"
            )

    def open(self, device="cpu"):
        """The `Opened`. Raises UserError where the runtime isn't installed or doesn't take the file."""
        runtime = runtime_of(self.path)
        with _in_a_sentence(f"{runtime.title} doesn't take {self.path}"):
            return Opened(self, runtime.load().start(self.path, device, available_cores()))


@dataclass(frozen=True)
class Opened:
    """An exported file, ready for images.

    Args:
        session: see `Runtime`
    """

    exported: Exported
    session: Callable[..., list[np.ndarray]]

    @property
    def metadata(self):
        """The file's `Metadata`."""
        return self.exported.metadata

    def __call__(self, images):
        """What the graph ends in: uint8 (B, H, W, 3) -> arrays."""
        return self.outputs(images, self.metadata.outputs or self.metadata.raw_outputs)

    def raw(self, images):
        """The network's own outputs: uint8 (B, H, W, 3) -> float32 arrays."""
        return [output.astype(np.float32, copy=False) for output in self.outputs(images, self.metadata.raw_outputs)]

    def boxes(self, images, **thresholds):
        """Boxes, scores and labels: uint8 (B, H, W, 3) -> (B, K, 4), (B, K), (B, K).

        Args:
            thresholds: confidence, nms and max_detections that count instead of the file's own, where it takes them
        """
        return self.outputs(images, self.metadata.outputs, thresholds)

    def outputs(self, images, names, numbers=None):
        """Outputs by name. A file for another number of images gets them in parts, the last one filled up.

        Args:
            names: of the outputs
            numbers: {input: number}

        Raises:
            UserError: for images of another size than the file is for
        """
        self.exported.check_size(images.shape[2:0:-1])
        with _in_a_sentence(f"{runtime_of(self.exported.path).title} can't run {self.exported.path}"):
            return self._run(images, names, numbers or {})

    def _run(self, images, names, numbers):
        batch = self.metadata.batch
        if batch is None or batch == len(images):
            return self.session(images, names, numbers)
        parts = []
        for first in range(0, len(images), batch):
            part = images[first : first + batch]
            filled = np.concatenate([part, np.zeros((batch - len(part), *part.shape[1:]), np.uint8)])
            parts.append([output[: len(part)] for output in self.session(filled, names, numbers)])
        return [_joined(outputs) for outputs in zip(*parts, strict=True)]


@contextlib.contextmanager
def _in_a_sentence(beginning):
    """Makes a UserError of what a runtime raises."""
    try:
        yield
    except (MemoryError, UserError, ImportError):
        raise
    except Exception as error:  # every runtime has its own kinds, and none says which
        reason = str(error).strip().splitlines()
        raise UserError(f"{beginning}: {reason[0][:200] if reason else type(error).__name__}") from None


def _joined(parts):
    """Outputs of several batches as one, places of boxes filled up with zeros where others have more."""
    most = max(part.shape[1] for part in parts)
    padded = [np.pad(part, [(0, 0), (0, most - part.shape[1]), *[(0, 0)] * (part.ndim - 2)]) for part in parts]
    return np.concatenate(padded)


def is_exported(path):
    """Whether a path ends as a file for a runtime does."""
    return Path(path).suffix.lower() in RUNTIMES


def runtime_of(path):
    """The `Runtime` for a path that `is_exported`."""
    return RUNTIMES[Path(path).suffix.lower()]


def read_notes(path):
    """The `Exported` of a file, without its runtime. Raises UserError for what trizoo export didn't write."""
    path = Path(path)
    return Exported(path, *parse(runtime_of(path).notes(path), path))


def read_model(weights):
    """What predicts, before anything heavy is loaded: an `Exported`, or of a checkpoint `build.read_model`'s."""
    return read_notes(weights) if is_exported(weights) else build.read_model(weights)


def make_model(framework, read, device, precision=None):
    """What was read as (recipe, model), on a framework or a `Runtime`; see `build.make_model`.

    Raises UserError for another precision than an exported file's own, and for an input size that isn't its own where
    that is fixed. "auto" is the file's own.
    """
    if not isinstance(read, Exported):
        return build.make_model(framework, read, device, precision)
    own = read.metadata.precision
    if precision not in (None, "auto", own):
        raise UserError(f"{read.path} was written in {own}, and a precision of {precision} was asked for; leave it out")
    (width, height), fixed = read.recipe.input_size, read.metadata.input_size
    if not read.metadata.dynamic_size and read.recipe.resize != "none" and (width, height) != fixed:
        raise UserError(
            f"{read.path} takes images of {fixed[0]}x{fixed[1]} and {width}x{height} is asked for; leave --input-size "
            f"out, or export it with --size dynamic"
        )
    return read.recipe, read.open(device)
