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
from trizoo.deploy.endings import SAVED_MODEL, ending_of
from trizoo.deploy.metadata import Metadata, parse
from trizoo.families import ModelSpec
from trizoo.framework import PIP, is_installed
from trizoo.ground.cores import available_cores, cpu_multiplies_bf16, describe_cpu
from trizoo.ground.devices import chosen
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
        computes: precisions that a file in fp32 can be computed in too; `start` takes one as a fourth argument
    """

    title: str
    library: str
    install: str
    notes: Callable[[Any], str | None]
    module: str
    takes_thresholds: bool = False
    computes: tuple[str, ...] = ()

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
        """One of its devices by a name of `trizoo.ground.devices`. Raises UserError for one that there isn't."""
        return chosen(wanted, self.load().devices(), self.title)

    def is_cpu(self, device):
        """Whether a device is the CPU."""
        return device == "cpu"

    def describe_device(self, device):
        """The device in words."""
        return describe_cpu(available_cores()) if device == "cpu" else device

    def predictor(self, model, precision, device, shortlist=False):
        """See `trizoo.framework.Framework`: always the raw outputs. The precision is the file's own.

        Args:
            model: an `Opened`
        """
        return model.raw

    def loss(self, spec, section):
        """A runtime doesn't train."""
        raise UserError(f"{self.title} doesn't train; the checkpoint (.h5) that was exported is needed for that")


RUNTIMES = {
    ".onnx": Runtime("ONNX Runtime", "onnxruntime", "onnxruntime", notes.read_onnx, "onnx_runtime", True),
    ".xml": Runtime("OpenVINO", "openvino", "openvino", notes.read_openvino, "openvino_runtime", computes=("bf16",)),
    ".tflite": Runtime("LiteRT", "ai_edge_litert", "ai-edge-litert", notes.read_tflite, "litert_runtime"),
    SAVED_MODEL: Runtime("TensorFlow", "tensorflow", "tensorflow", notes.read_saved_model, "saved_model_runtime", True),
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

    def precision(self, wanted):
        """What it is computed in: its own precision, or "bf16" of an fp32 file where that is asked for.

        Args:
            wanted: None for its own; "auto" for bf16 where the CPU multiplies that itself, else its own

        Raises:
            UserError: for a precision that it can't be computed in
        """
        own = self.metadata.precision
        others = runtime_of(self.path).computes if own == "fp32" else ()
        if wanted == "auto":
            return "bf16" if "bf16" in others and cpu_multiplies_bf16() else own
        if wanted not in (None, own, *others):
            raise UserError(
                f"{self.path} was written in {own}, and a precision of {wanted} was asked for; leave it out"
            )
        return wanted or own

    def open(self, device="cpu", precision=None):
        """The `Opened`. Raises UserError where the runtime isn't installed or doesn't take the file.

        Args:
            precision: see `precision`
        """
        runtime, computed = runtime_of(self.path), self.precision(precision)
        options = () if computed == self.metadata.precision else (computed,)
        with _in_a_sentence(f"{runtime.title} doesn't take {self.path}"):
            return Opened(self, runtime.load().start(self.path, device, available_cores(), *options))


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
    """Outputs of several batches as one; where others have more places of boxes, empty ones of zeros and label -1."""
    most, empty = max(part.shape[1] for part in parts), -1 if parts[0].dtype == np.int64 else 0
    fills = ([(0, 0), (0, most - part.shape[1]), *[(0, 0)] * (part.ndim - 2)] for part in parts)
    return np.concatenate([np.pad(part, fill, constant_values=empty) for part, fill in zip(parts, fills, strict=True)])


def is_exported(path):
    """Whether a path ends as a file for a runtime does."""
    return ending_of(path) in RUNTIMES


def runtime_of(path):
    """The `Runtime` for a path that `is_exported`."""
    return RUNTIMES[ending_of(path)]


def read_notes(path):
    """The `Exported` of a file, without its runtime. Raises UserError for what trizoo export didn't write."""
    path = Path(path)
    return Exported(path, *parse(runtime_of(path).notes(path), path))


def read_model(weights):
    """What predicts, before anything heavy is loaded: an `Exported`, or of a checkpoint `build.read_model`'s."""
    return read_notes(weights) if is_exported(weights) else build.read_model(weights)


def make_model(framework, read, device, precision=None):
    """What was read as (recipe, model), on a framework or a `Runtime`; see `build.make_model`.

    Raises UserError for a precision that an exported file can't be computed in, and for an input size that isn't its
    own where that is fixed.
    """
    if not isinstance(read, Exported):
        return build.make_model(framework, read, device, precision)
    computed = read.precision(precision)
    (width, height), fixed = read.recipe.input_size, read.metadata.input_size
    if not read.metadata.dynamic_size and read.recipe.resize != "none" and (width, height) != fixed:
        raise UserError(
            f"{read.path} takes images of {fixed[0]}x{fixed[1]} and {width}x{height} is asked for; leave --input-size "
            f"out, or export it with --size dynamic"
        )
    return read.recipe.model_copy(update={"precision": computed}), read.open(device, precision)
