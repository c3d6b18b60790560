"""Networks as graphs of other programs: ONNX by PyTorch's own exporter."""

import contextlib
import copy
import logging
import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from torch_zoo.network import Network
from torch_zoo.predictor import fold
from trizoo.families import architecture
from trizoo.framework import PIP
from trizoo.ground.errors import UserError

OLDEST = (2, 9)  # since when this exporter is PyTorch's usual one
# a side of one cell is a constant to torch.export, and the coarsest cells of RetinaNet have 128 pixels, of others 32
LEAST_SIDE = {"retinanet": 129, "classification": 33, "multilabel": 33}
MOST = 1 << 14  # pixels a side, and images at once
OPSET = 18  # that the exporter is written for; newer ones are a conversion, and fewer runtimes read them


class InHalf(nn.Module):
    """A network that computes in fp16 and gives float32, its batch norms folded before."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network.half()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(output.float() for output in self.network(images))


def to_onnx(model: Network, size: tuple[int, int], *, dynamic_size: bool, batch: int | None, half: bool = False) -> Any:
    """The network alone as onnx.ModelProto: images, uint8 (B, H, W, 3) -> the outputs by their names, float32.

    Args:
        size: (width, height) of the images
        dynamic_size: whether images of other sizes that the model takes will do
        batch: images at once, None for any number
        half: whether weights and arithmetic are in fp16

    Raises:
        UserError: for a PyTorch whose exporter is another
    """
    require_new_pytorch("ONNX")
    spec = model.spec
    model = fold(copy.deepcopy(model).cpu().eval())
    model = InHalf(model) if half else model
    images = torch.zeros(batch or 2, size[1], size[0], 3, dtype=torch.uint8)
    shapes = {} if batch else {0: Dim("batch", min=1, max=MOST)}
    if dynamic_size:
        images, shapes = of_any_size(spec, images, shapes)
    with torch.no_grad(), quietly():
        program = torch.onnx.export(
            model,
            (images,),
            dynamo=True,
            dynamic_shapes=(shapes,),
            input_names=["images"],
            output_names=list(spec.output_names),
            opset_version=OPSET,
            verbose=False,
        )
    return _without_notes(program.model_proto)


def require_new_pytorch(form: str) -> None:
    """UserError for a PyTorch whose exporter is another.

    Args:
        form: what is to be written
    """
    if tuple(map(int, torch.__version__.split(".")[:2])) < OLDEST:
        raise UserError(
            f"PyTorch {torch.__version__} exports to {form} in an older way; {PIP['torch']} would do, and so would "
            f"any from {'.'.join(map(str, OLDEST))}"
        )


def of_any_size(spec, images, shapes):
    """Images to trace with and the axes that change, those of height and width among them."""
    known, least = architecture(spec.name), LEAST_SIDE.get(spec.family, 32)
    if known.takes_any_size:
        names = {1: "height", 2: "width"}
        sides = {axis: Dim(name, min=least, max=MOST) for axis, name in names.items()}
    else:
        multiple = known.size_multiple
        names = {1: "rows", 2: "columns"}
        sides = {axis: multiple * Dim(name, min=1, max=MOST // multiple) for axis, name in names.items()}
    # sides that differ from each other and from one cell, so that neither is taken for a constant
    return torch.zeros(len(images), 192, 160, 3, dtype=torch.uint8), {**shapes, **sides}


def _without_notes(model):
    """The model without the exporter's notes, in which the paths of this machine's files stand."""
    graph = model.graph
    del graph.value_info[:]
    for dimension, name in zip(graph.input[0].type.tensor_type.shape.dim, ("batch", "height", "width"), strict=False):
        if dimension.dim_param:  # else called "32*rows", and so on
            dimension.dim_param = name
    for noted in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        del noted.metadata_props[:]
        noted.doc_string = ""
    return model


@contextlib.contextmanager
def quietly():
    """Without what the exporter says of torchvision, which it would like to see, and of Python's own changes."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
