"""Decoding as a graph, done by PyTorch's operators: the numbers of each family's decode."""

import numpy as np
import pytest
import torch

from torch_zoo.graph_ops import Ops
from trizoo.augment.letterbox import Placement
from trizoo.families import model_spec
from trizoo.ground.boxes import nms

SIZE = (160, 136)
MODELS = {"yolov3-tiny": (160, 128), "ssd300-mobilenetv2": (300, 300), "retinanet-resnet18": SIZE}
OPTIONS = {"score": 0.3, "threshold": 0.4, "max_detections": 50}


def outputs_of(spec, size):
    """Outputs of two images, at random, one of them without an object."""
    random = np.random.default_rng(0)
    if spec.family == "yolo":
        shapes = [(2, size[1] // stride, size[0] // stride, 3, 5 + spec.num_classes) for stride in spec.strides]
    else:
        count = {"ssd": 3000, "retinanet": 4212}[spec.family]
        shapes = [(2, count, 4), (2, count, spec.num_classes + (spec.family == "ssd"))]
    outputs = [random.normal(0, 1.5, shape).astype(np.float32) for shape in shapes]
    for output in outputs if spec.family == "yolo" else outputs[1:]:
        output[1] = -9
        output[..., 1] = output[..., 1] if spec.family == "yolo" else np.round(output[..., 1])  # equal scores
    if spec.family == "ssd":
        outputs[1][1, :, 0] = 9
    return outputs


@pytest.mark.parametrize("name", MODELS)
def test_candidates_after_nms_are_the_familys_detections(name):
    spec, size = model_spec(name, num_classes=3), MODELS[name]
    outputs = outputs_of(spec, size)
    outputs[0][0, 3] = np.nan
    places = [Placement(size, size, size, 0, 0)] * 2
    expected = spec.decode(outputs, places, size, **OPTIONS)
    given = [torch.from_numpy(output) for output in outputs]
    boxes, scores, labels = spec.candidates(Ops(), given, ((size[0],), (size[1],)), OPTIONS["score"])
    for number, wanted in enumerate(expected):
        there = scores[number] >= 0
        own = boxes[number, there].numpy().clip(0, np.array(size * 2, np.float32))
        own_scores, own_labels = scores[number, there].numpy(), labels[number, there].numpy()
        large = (own[:, 2:] > own[:, :2]).all(axis=1)
        own, own_scores, own_labels = own[large], own_scores[large], own_labels[large]
        kept, _ = nms(own, own_scores, own_labels, threshold=0.4, max_detections=50)
        assert len(kept) == len(wanted) == (0 if number else 50)
        np.testing.assert_allclose(own_scores[kept], wanted.scores, atol=1e-6)
        np.testing.assert_allclose(own[kept], wanted.boxes, atol=1e-3)
        np.testing.assert_array_equal(own_labels[kept], wanted.labels)


def test_of_equal_ones_the_earlier_comes_first():
    values, places = Ops()("TopK", torch.tensor([[1.0, 3.0, 3.0, 0.0, 3.0]]), np.array([4]), axis=1, outputs=2)
    assert values.tolist() == [[3, 3, 3, 1]]
    assert places.tolist() == [[1, 2, 4, 0]]


def test_lengths_are_calculated_with_as_whole_numbers():
    ops = Ops()
    length = ops("Gather", ops("Shape", torch.zeros(2, 7, 4)), np.array([1]), axis=0)
    assert ops("Div", ops("Add", length, np.array([1])), np.array([3])) == (2,)  # (7 + 1) // 3
    assert ops("Min", length, np.array([5])) == (5,)
