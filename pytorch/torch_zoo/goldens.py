"""Writes the names files and goldens that every framework is tested against: python -m torch_zoo.goldens [MODEL ...].

Run it only when a graph was changed on purpose, and say why in the commit.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from common.architectures import ARCHITECTURES
from common.parity.golden import golden_path, golden_spec, measure, names_path, names_text
from common.parity.pseudo import pseudo_arrays
from torch_zoo.framework import PyTorch


def pseudo_model(name):
    """A model of 80 classes with pseudo-weights, in inference mode."""
    zoo = PyTorch()
    model = zoo.build(golden_spec(name), torch.device("cpu"))
    zoo.assign(model, pseudo_arrays(zoo.shapes(model)))
    return model.eval()


@torch.inference_mode()
def raw_heads(model, images):
    """Raw heads of a model as it stands, without the predictor's folding: uint8 (B, H, W, 3) -> list of arrays."""
    return [head.numpy() for head in model(torch.from_numpy(images))]


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="*", default=list(ARCHITECTURES), help="default: all")
    for name in parser.parse_args().model:
        model = pseudo_model(name)
        Path(str(names_path(name))).write_text(names_text(PyTorch.shapes(model)), encoding="utf-8")
        np.savez(str(golden_path(name)), **measure(lambda images, model=model: raw_heads(model, images)))
        print(f"wrote {names_path(name)} and {golden_path(name)}")


if __name__ == "__main__":
    main()
