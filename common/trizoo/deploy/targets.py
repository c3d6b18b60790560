"""What a checkpoint can be exported to. A target is a module and a line in TARGETS."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trizoo.deploy.endings import SAVED_MODEL
from trizoo.deploy.metadata import Metadata
from trizoo.families import ModelSpec
from trizoo.framework import find, is_installed
from trizoo.ground.errors import UserError


@dataclass(frozen=True)
class Target:
    """A form of exported files.

    Args:
        title: its name for a person
        ending: of its files, a key of `trizoo.deploy.runtimes.RUNTIMES`
        framework: that writes it, whatever framework trained the checkpoint
        graph: what it writes, a key of its `exporters`
        libraries: modules that are needed to write and to check it
        of_int8: those that --int8 needs too, None where there is no int8
        extra: of the distribution, with all of these
        module: of `trizoo.deploy`; its `write(job, path)` writes the file
        beside: endings of files that lie beside it
        is_folder: whether it writes a folder, which may have any name
        is_free: whether it takes images of any size, and any number at once
        halves: whether there is fp16
    """

    title: str
    ending: str
    framework: str
    graph: str
    libraries: tuple[str, ...]
    of_int8: tuple[str, ...] | None
    extra: str
    module: str
    beside: tuple[str, ...] = ()
    is_folder: bool = False
    is_free: bool = True
    halves: bool = True

    def require(self, int8, half=False):
        """UserError, before any work, for a precision that it hasn't, and for a library that isn't installed."""
        if half and not self.halves:
            raise UserError(f"--half was asked for, and {self.title} files are in fp32; leave it out")
        if int8 and self.of_int8 is None:
            able = " or ".join(name for name, target in TARGETS.items() if target.of_int8 is not None)
            or_half = ", or --half would do" if self.halves else ""
            raise UserError(f"--int8 is for {able}, and not for {self.title}; leave it out{or_half}")
        missing = [name for name in (*self.libraries, *(self.of_int8 or () if int8 else ())) if not is_installed(name)]
        if missing:
            raise UserError(
                f"{self.title} needs {' and '.join(missing)}; pip install 'trizoo[{self.extra}]', or "
                f"{' '.join(name.replace('_', '-') for name in missing)}, would do"
            )
        find(self.framework)

    def write(self, job, path):
        """Writes the file of a `Job`."""
        importlib.import_module(f"trizoo.deploy.{self.module}").write(job, path)

    def files(self, path):
        """All files that there are of one."""
        return [Path(path), *(Path(path).with_suffix(ending) for ending in self.beside)]


TARGETS = {
    "onnx": Target(
        "ONNX",
        ".onnx",
        "pytorch",
        "onnx",
        ("onnx", "onnxscript", "onnxruntime"),
        (),
        "export",
        "onnx_file",
    ),
    "openvino": Target(
        "OpenVINO",
        ".xml",
        "pytorch",
        "onnx",
        ("onnx", "onnxscript", "openvino"),
        ("nncf",),
        "export,openvino",
        "openvino_file",
        (".bin",),
    ),
    "tflite": Target(
        "TFLite",
        ".tflite",
        "tf2",
        "tflite",
        ("ai_edge_litert",),
        (),
        "tflite",
        "tflite_file",
        (".json",),
        is_free=False,
    ),
    "saved-model": Target(
        "SavedModel",
        SAVED_MODEL,
        "tf2",
        "saved_model",
        ("tensorflow",),
        None,
        "tf2",
        "saved_model_file",
        is_folder=True,
    ),
    "torch-export": Target("torch.export", ".pt2", "pytorch", "pt2", ("torch",), None, "torch", "pt2_file"),
    "keras": Target("Keras", ".keras", "keras", "keras", ("keras",), None, "keras", "keras_file", halves=False),
}


@dataclass(frozen=True)
class Job:
    """What is to be written.

    Args:
        graph: of the framework: (size, batch=, half=, ...) -> the network alone in the target's own terms
        size: (width, height) of the images
        metadata: what the file says of itself, its kind, batch and precision among it
        calibration: uint8 (1, H, W, 3) each, for int8; None otherwise
    """

    graph: Callable[..., Any]
    spec: ModelSpec
    size: tuple[int, int]
    metadata: Metadata
    calibration: list[np.ndarray] | None = None
