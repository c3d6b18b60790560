"""Networks as programs of torch.export, with what their files end in."""

import copy
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.export import Dim, ExportedProgram

from torch_zoo.ends import Raw, WithBoxes, WithMask, WithProbabilities
from torch_zoo.export import MOST, InHalf, of_any_size, quietly, require_new_pytorch
from torch_zoo.network import Network
from torch_zoo.predictor import fold

if TYPE_CHECKING:
    from trizoo.deploy.metadata import Metadata
    from trizoo.families import ModelSpec


def to_pt2(model: Network, size: tuple[int, int], *, metadata: "Metadata") -> ExportedProgram:
    """A program: images, uint8 (B, H, W, 3) -> a dict of what the metadata says that it ends in.

    It holds no example of its input, which PyTorch would pickle, and no path of this machine.

    Args:
        size: (width, height) of the images
        metadata: its kind, dynamic_size, batch, precision and thresholds count

    Raises:
        UserError: for a PyTorch that is too old
    """
    require_new_pytorch("torch.export files")
    network = fold(copy.deepcopy(model).cpu().eval())
    network = InHalf(network) if metadata.precision == "fp16" else network
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.data = tensor.data.clone(memory_format=torch.contiguous_format)  # bytes of its own in the file
    images = torch.zeros(metadata.batch or 2, size[1], size[0], 3, dtype=torch.uint8)
    shapes = {} if metadata.batch else {0: Dim("batch", min=1, max=MOST)}
    if metadata.dynamic_size:
        images, shapes = of_any_size(model.spec, images, shapes)
    with torch.no_grad(), quietly():
        program = torch.export.export(_with_end(network, model.spec, metadata), (images,), dynamic_shapes=(shapes,))
        program = program.run_decompositions({})
    for module in program.graph_module.modules():
        for node in module.graph.nodes:
            node.meta = {"val": node.meta["val"]} if "val" in node.meta else {}
    program._example_inputs = None
    return program


def _with_end(network: nn.Module, spec: "ModelSpec", metadata: "Metadata") -> nn.Module:
    if metadata.kind == "boxes":
        return WithBoxes(network, spec, metadata.thresholds)
    ends = {"mask": WithMask, "probabilities": WithProbabilities, "raw": Raw}
    return ends[metadata.kind](network, spec)
