"""Darknet's networks against OpenCV's own reader of them, which OpenCV has before version 5: tox -e opencv4."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from trizoo.parity.golden import golden_spec
from trizoo.parity.pseudo import pseudo_images
from trizoo.tests.contract import darknet_weights
from trizoo.tests.weights.darknet_cfg import made_up, sections
from trizoo.weights.importers import darknet
from trizoo.weights.importers.batch_norm import with_eps
from trizoo.weights.readers import read

OPENCVS_EPS = 1e-6  # it divides by sqrt(variance + eps) whatever Darknet does, by either of its rules
SIZES = ((64, 64), (160, 96))  # (width, height)

if not hasattr(cv2.dnn, "readNetFromDarknet"):
    pytest.skip(f"OpenCV {cv2.__version__} reads no Darknet files", allow_module_level=True)


@pytest.mark.parametrize("name", darknet_weights.FLOATS)
def test_heads_are_those_of_opencv(zoo, name, tmp_path):
    cfg, path = Path(darknet_weights.CFG, f"{name}.cfg"), tmp_path / f"{name}.weights"
    path.write_bytes(made_up(cfg.read_text()))
    # a [yolo] section's input is the convolution before it; sections are counted from the one behind [net]
    kinds = [kind for kind, _ in sections(cfg.read_text())[1:]]
    heads = [f"conv_{number - 1}" for number, kind in enumerate(kinds) if kind == "yolo"]
    network = cv2.dnn.readNetFromDarknet(str(cfg), str(path))
    network.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    network.enableWinograd(False)  # it rounds more

    device = zoo.device("cpu")
    model = zoo.build(golden_spec(name), device, seed=None)
    zoo.assign(model, with_eps(darknet.import_floats(read(path).arrays["floats"], name).arrays, OPENCVS_EPS))
    predict = zoo.predictor(model, "fp32", device)
    for size in SIZES:
        images = pseudo_images(1, size)
        network.setInput(images.transpose(0, 3, 1, 2).astype(np.float32) / 255)
        expected = sorted(network.forward(heads), key=lambda head: head.shape[2])  # coarsest first, as ours
        for found, wanted in zip(predict(images), expected, strict=True):
            wanted = wanted.transpose(0, 2, 3, 1).reshape(found.shape)
            assert np.abs(found - wanted).max() < 1e-5 * np.abs(wanted).max()
