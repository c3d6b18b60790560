"""The graphs against an independent interpreter of Darknet's own network definitions."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812, its usual name

from common.parity.pseudo import pseudo_images
from torch_zoo.framework import PyTorch
from torch_zoo.goldens import pseudo_model, raw_heads


def sections(path):
    """The sections of a .cfg file: a list of (name, {key: value})."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        line = line.split("#")[0].strip()
        if line.startswith("["):
            found.append((line[1:-1], {}))
        elif line:
            key, value = line.split("=")
            found[-1][1][key.strip()] = value.strip()
    return found


def darknet_floats(arrays):
    """Our arrays in the order of a .weights file: per convolution biases, (scales, means, variances), kernel."""
    modules = {}
    for name, array in arrays.items():
        module, part, leaf = name.rsplit(".", 2)
        modules.setdefault(module if part in ("conv", "bn") else f"{module}.{part}", {})[f"{part}.{leaf}"] = array
    for parts in modules.values():
        if "bn.bias" in parts:
            keys = ("bn.bias", "bn.weight", "bn.running_mean", "bn.running_var", "conv.weight")
        else:
            keys = ("predict.bias", "predict.weight")
        yield from (parts[key].ravel() for key in keys)


def interpret(cfg, floats, images):
    """Runs a .cfg: inputs of its [yolo] layers as (B, A * (5 + C), H, W), and how many floats it took."""
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    taken, outputs, heads = 0, [], []

    def take(*shape):
        nonlocal taken
        count = int(np.prod(shape))
        taken += count
        return torch.from_numpy(floats[taken - count : taken]).reshape(shape)

    for name, options in sections(cfg)[1:]:
        if name == "convolutional":
            filters, size, stride = (int(options[key]) for key in ("filters", "size", "stride"))
            bias = take(filters)
            norm = [take(filters) for _ in range(3)] if options.get("batch_normalize") == "1" else None
            x = F.conv2d(x, take(filters, x.shape[1], size, size), stride=stride, padding=size // 2)
            if norm:
                scale, mean, variance = (v.view(1, -1, 1, 1) for v in norm)
                x = (x - mean) / (variance + 1e-5).sqrt() * scale
            x = x + bias.view(1, -1, 1, 1)
            if options["activation"] == "leaky":
                x = torch.where(x > 0, x, 0.1 * x)
        elif name == "maxpool":
            size, stride = int(options["size"]), int(options["stride"])
            x = F.max_pool2d(F.pad(x, (0, size - 1, 0, size - 1), value=float("-inf")), size, stride)
        elif name == "shortcut":
            x = x + outputs[int(options["from"])]
        elif name == "upsample":
            x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        elif name == "route":
            x = torch.cat([outputs[int(layer)] for layer in options["layers"].split(",")], dim=1)
        elif name == "yolo":
            heads.append(x)
        outputs.append(x)
    return heads, taken


@pytest.mark.parametrize("name", ["yolov3", "yolov3-tiny"])
def test_heads_equal_an_interpreter_of_the_cfg_fed_with_the_same_floats_in_file_order(name):
    model = pseudo_model(name)
    floats = np.concatenate(list(darknet_floats(PyTorch.arrays(model))))
    images = pseudo_images(1, (96, 64))
    expected, taken = interpret(Path(__file__).parent / "cfg" / f"{name}.cfg", floats, images)
    assert taken == len(floats)
    for head, raw in zip(raw_heads(model, images), expected, strict=True):
        raw = raw.permute(0, 2, 3, 1).reshape(head.shape).numpy()
        assert np.abs(head - raw).max() < 1e-4 * np.abs(raw).max()
