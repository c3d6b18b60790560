"""Fixtures of several rooms: the fake framework, synthetic data, and a manifest and a cache of a test's own.

The manifest's files come from this disk, by file:// URLs.
"""

import hashlib

import numpy as np
import pytest

from trizoo.data.synthetic import synthesize
from trizoo.download import manifest
from trizoo.families import ARCHITECTURES
from trizoo.tests.cache import own_cache  # noqa: F401
from trizoo.tests.testing import FakeFramework
from trizoo.weights.importers import darknet
from trizoo.weights.readers.darknet import write

TINY_2 = darknet.count("yolov3-tiny", 2)  # floats of YOLOv3-tiny for two classes
ENTRY = """
  {tag}:
    model: {model}
    part: {part}
    dataset: pets
    source: nobody
    format: darknet
    urls: [{url}]
    bytes: {bytes}
    checksums: {{sha256: "{sha256}"}}
    trust: good
    licence: free
    classes: {classes}
    num_classes: {num_classes}
    input_size: [320, 224]
    normalisation: {normalisation}
"""
HEAD = """
class_lists: {two: [cat, dog]}
normalisations:
  unit: {channels: RGB, divisor: 255, mean: [0, 0, 0], std: [1, 1, 1]}
  bgr: {channels: BGR, divisor: 2, mean: [1, 2, 3], std: [4, 5, 6]}
licences: {free: do as you like}
datasets: {}
weights:
"""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A .weights file of YOLOv3-tiny for two classes, 35 MB, and its numbers."""
    floats = np.random.default_rng(3).standard_normal(TINY_2, np.float32)
    path = tmp_path_factory.mktemp("mirror") / "tiny.weights"
    write(path, [floats])
    return path, floats


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The cache folder, empty."""
    monkeypatch.setenv("TRIZOO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def entries(tmp_path, monkeypatch, home):
    """Makes the zoo's manifest one of these entries: tag -> (file, changes)."""

    def use(**files):
        text = HEAD
        for tag, (path, changes) in files.items():
            values = {"tag": tag.replace("__", ".").replace("_", "-"), "model": "yolov3-tiny", "part": "model"}
            values |= {"url": path.as_uri(), "classes": "two", "num_classes": 2, "normalisation": "unit"}
            values |= {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            text += ENTRY.format(**(values | changes))
        place = tmp_path / "weights_manifest.yaml"
        place.write_text(text, encoding="utf-8")
        manifest.read_manifest.cache_clear()
        monkeypatch.setattr(manifest, "PLACES", (place,))

    yield use
    manifest.read_manifest.cache_clear()


@pytest.fixture
def small(tmp_path):
    """A file of a model that the zoo doesn't have, so one that need not be weights."""
    path = tmp_path / "mirror" / "small.weights"
    path.parent.mkdir()
    path.write_bytes(b"small")
    assert "yolov9" not in ARCHITECTURES
    return path


@pytest.fixture
def framework():
    """A fresh fake."""
    return FakeFramework()


@pytest.fixture(scope="session")
def synthetic_data(tmp_path_factory):
    """Ten images: 7 to train on, 1 or 2 for validation and test."""
    return str(synthesize(tmp_path_factory.mktemp("data") / "set", images=10, size=(64, 64)))
