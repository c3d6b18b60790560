"""Boxes and masks of a graph against the zoo's own decode, on made-up outputs of networks."""

import numpy as np
import pytest

from trizoo.augment.letterbox import Placement
from trizoo.deploy.metadata import Thresholds
from trizoo.families import model_spec
from trizoo.tests.exported import make_unfinite, outputs_of

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

DETECTORS = {
    "yolov3-tiny": ((96, 64), {}),
    "yolov4-tiny": ((64, 160), {}),  # whose centres reach over their cells
    "ssd300-mobilenetv2": ((300, 300), {"anchor_scale": 1.41}),
    "retinanet-resnet18": ((150, 131), {"anchor_scale": 0.71}),
    "retinanet-resnet34": ((64, 200), {"anchor_preset": "keras-retinanet"}),
    "retinanet-resnet50": ((96, 64), {"anchor_preset": "retinanet-bubbliiiing"}),
    # 75 x 50 cells before the pool, 5 x 4 before P6, 3 x 2 before P7: anchors move to different sides
    "retinanet-resnet101": ((150, 100), {"anchor_preset": "retinanet-keras"}),
    "retinanet-resnet152": ((64, 230), {"anchor_preset": "keras-retinanet-same"}),
}
THRESHOLDS = Thresholds(confidence=0.4, nms=0.45, max_detections=20)


def session_of(spec, outputs, thresholds=THRESHOLDS):
    """A network that gives what it is fed, with boxes behind it: (images, {name: array}) -> boxes, scores, labels."""
    from onnx import TensorProto, helper

    from trizoo.deploy.onnx_ends import add_boxes

    names = spec.output_names
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ("batch", "height", "width", 3))
    ranks = zip(names, outputs, strict=True)
    fed = [helper.make_tensor_value_info(f"fed_{name}", TensorProto.FLOAT, [None] * raw.ndim) for name, raw in ranks]
    given = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * raw.ndim)
        for name, raw in zip(names, outputs, strict=True)
    ]
    nodes = [helper.make_node("Identity", [f"fed_{name}"], [name]) for name in names]
    graph = helper.make_graph(nodes, "fed", [images, *fed], given)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    add_boxes(model, spec, thresholds, None)
    onnx.checker.check_model(model)
    return onnxruntime.InferenceSession(model.SerializeToString())


def found_by(session, spec, outputs, size, **thresholds):
    """Per image the boxes, scores and labels that a graph found, without its empty places."""
    feed = {f"fed_{name}": raw for name, raw in zip(spec.output_names, outputs, strict=True)}
    kinds = {"max_detections": np.int64}
    feed |= {name: np.array(value, kinds.get(name, np.float32)) for name, value in thresholds.items()}
    feed["images"] = np.zeros((len(outputs[0]), size[1], size[0], 3), np.uint8)
    results = session.run(["boxes", "scores", "labels"], feed)
    return [
        tuple(values[labels >= 0] for values in (boxes, scores, labels))
        for boxes, scores, labels in zip(*results, strict=True)
    ]


def decoded(spec, outputs, size, **changes):
    """The zoo's own `Detections` of images that fill the input."""
    wanted = THRESHOLDS.model_copy(update=changes)
    placements = [Placement(size, size, size, 0, 0)] * len(outputs[0])
    return spec.decode(
        outputs,
        placements,
        size,
        score=wanted.confidence,
        threshold=wanted.nms,
        max_detections=wanted.max_detections,
        method=wanted.nms_method,
    )


def assert_alike(found, expected):
    assert len(found) == len(expected)
    for (boxes, scores, labels), detections in zip(found, expected, strict=True):
        np.testing.assert_array_equal(labels, detections.labels)
        np.testing.assert_allclose(scores, detections.scores, atol=1e-6)
        np.testing.assert_allclose(boxes, detections.boxes, atol=2e-3)


@pytest.mark.parametrize("name", DETECTORS)
def test_boxes_are_those_of_the_zoos_decode(name):
    size, options = DETECTORS[name]
    spec = model_spec(name, 3, **options)
    outputs = outputs_of(spec, size, 3)
    session = session_of(spec, outputs)
    expected = decoded(spec, outputs, size)
    assert all(len(detections) > 5 for detections in expected)
    assert_alike(found_by(session, spec, outputs, size), expected)


@pytest.mark.parametrize("name", DETECTORS)
def test_boxes_that_vote_are_those_of_the_zoos_decode(name):
    size, options = DETECTORS[name]
    spec = model_spec(name, 3, **options)
    outputs = outputs_of(spec, size, 3)
    make_unfinite(outputs, 3)  # what isn't finite has no vote
    outputs[1][1] = np.nan  # few boxes in this image, or none
    session = session_of(spec, outputs, THRESHOLDS.model_copy(update={"nms_method": "vote"}))
    for numbers in ({}, {"confidence": 0.001, "max_detections": 100}, {"nms": 0.1}):
        expected = decoded(spec, outputs, size, nms_method="vote", **numbers)
        assert_alike(found_by(session, spec, outputs, size, **numbers), expected)
    assert not np.allclose(expected[0].boxes, decoded(spec, outputs, size, nms=0.1)[0].boxes, atol=0.1)


def test_squared_widths_and_heights_are_those_of_the_zoos_decode():
    size, spec = (96, 64), model_spec("yolov3-tiny", 3, coding="squared", scale_xy=2)
    outputs = outputs_of(spec, size, 3)
    assert_alike(found_by(session_of(spec, outputs), spec, outputs, size), decoded(spec, outputs, size))
    other = decoded(model_spec("yolov3-tiny", 3, scale_xy=2), outputs, size)
    assert not np.array_equal(decoded(spec, outputs, size)[0].boxes, other[0].boxes)


@pytest.mark.parametrize("name", ["yolov3-tiny", "retinanet-resnet18"])
def test_one_graph_takes_inputs_of_any_size(name):
    spec = model_spec(name, 2)
    session = session_of(spec, outputs_of(spec, (96, 64), 1))
    for size in ((128, 224), (32, 32), (320, 160)):
        outputs = outputs_of(spec, size, 2, seed=4)
        assert_alike(found_by(session, spec, outputs, size), decoded(spec, outputs, size))


@pytest.mark.parametrize(
    "thresholds", [{"confidence": 0.001, "max_detections": 100}, {"nms": 0.1}, {"confidence": 0.8}], ids=str
)
@pytest.mark.parametrize("name", DETECTORS)
def test_thresholds_are_inputs_that_may_be_left_out(name, thresholds):
    size, options = DETECTORS[name]
    spec = model_spec(name, 3, **options)
    outputs = outputs_of(spec, size, 2, seed=1)
    found = found_by(session_of(spec, outputs), spec, outputs, size, **thresholds)
    assert_alike(found, decoded(spec, outputs, size, **thresholds))
    usual = decoded(spec, outputs, size)
    assert any(not np.array_equal(ours[1], theirs.scores) for ours, theirs in zip(found, usual, strict=True))


@pytest.mark.parametrize("name", DETECTORS)
def test_what_isnt_finite_is_no_detection(name):
    size, options = DETECTORS[name]
    spec = model_spec(name, 3, **options)
    outputs = outputs_of(spec, size, 1, seed=2)
    for raw, value in zip(outputs, (np.nan, np.inf), strict=True):
        rows = raw.reshape(-1, raw.shape[-1])
        rows[::2, -1] = value
    assert_alike(found_by(session_of(spec, outputs), spec, outputs, size), decoded(spec, outputs, size))


@pytest.mark.parametrize("name", DETECTORS)
def test_nothing_found_is_no_places_at_all(name):
    size, options = DETECTORS[name]
    spec = model_spec(name, 3, **options)
    outputs = [np.full_like(raw, -20) for raw in outputs_of(spec, size, 2)]
    if spec.family == "ssd":
        outputs[1][..., 0] = 20  # the background's
    session = session_of(spec, outputs)
    feed = {f"fed_{output}": raw for output, raw in zip(spec.output_names, outputs, strict=True)}
    feed["images"] = np.zeros((2, size[1], size[0], 3), np.uint8)
    boxes, scores, labels = session.run(["boxes", "scores", "labels"], feed)
    assert (boxes.shape, scores.shape, labels.shape) == ((2, 0, 4), (2, 0), (2, 0))


def test_images_with_fewer_boxes_have_empty_places():
    size, spec = (64, 64), model_spec("yolov3-tiny", 1)
    outputs = [np.full_like(raw, -20) for raw in outputs_of(spec, size, 2)]
    # one sure object in the first image: 2 x 2 cells of 32 pixels, the cell at column 1, row 0
    outputs[0][0, 0, 1, 0] = (0, 0, 0, 0, 20, 20)
    session = session_of(spec, outputs)
    feed = {f"fed_{output}": raw for output, raw in zip(spec.output_names, outputs, strict=True)}
    feed["images"] = np.zeros((2, 64, 64, 3), np.uint8)
    boxes, scores, labels = session.run(["boxes", "scores", "labels"], feed)
    # its centre is at (1.5, 0.5) * 32 = (48, 16), its anchor 81 x 82: 7.5 to 88.5 and -25 to 57, cut at 0 and 64
    np.testing.assert_allclose(boxes, [[[7.5, 0, 64, 57]], [[0, 0, 0, 0]]])
    np.testing.assert_allclose(scores, [[1], [0]], atol=1e-6)
    np.testing.assert_array_equal(labels, [[0], [-1]])


def test_a_mask_is_the_likeliest_class_of_each_pixel():
    from onnx import TensorProto, helper

    from trizoo.deploy.onnx_ends import add_mask

    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ("batch", "height", "width", 3))
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ("batch", "height", "width", 3))
    nodes = [helper.make_node("Cast", ["images"], ["logits"], to=TensorProto.FLOAT)]
    graph = helper.make_graph(nodes, "fed", [images], [logits])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    add_mask(model, None, None)
    onnx.checker.check_model(model)
    given = np.array([[[[1, 2, 3], [9, 2, 3]], [[5, 5, 1], [0, 0, 0]]]], np.uint8)
    mask, raw = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"images": given})
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, [[[2, 0], [0, 0]]])  # of equal ones the first class
    np.testing.assert_array_equal(raw, given)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("classify-resnet18", [[1 / 3] * 3, [1, 0, 0]]), ("multilabel-resnet18", [[0.731059] * 3, [1, 0.5, 0.5]])],
)
def test_probabilities_are_the_softmax_of_the_logits_or_of_each_its_sigmoid(name, expected):
    from onnx import TensorProto, helper

    from trizoo.deploy.onnx_ends import add_probabilities

    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ("batch", 3))
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ("batch", 3))
    nodes = [helper.make_node("Cast", ["images"], ["logits"], to=TensorProto.FLOAT)]
    graph = helper.make_graph(nodes, "fed", [images], [logits])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    add_probabilities(model, model_spec(name, 3), None)
    onnx.checker.check_model(model)
    given = np.array([[1, 1, 1], [200, 0, 0]], np.uint8)
    shares, raw = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"images": given})
    np.testing.assert_allclose(shares, expected, atol=1e-6)
    np.testing.assert_array_equal(raw, given)
