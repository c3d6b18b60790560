"""What a network is served by: a SavedModel that gives the heads by their names, at any size."""

import copy

import numpy as np
import pytest
import tensorflow as tf

from tf2_zoo import weights
from tf2_zoo.models.yolov3_tiny import YOLOv3Tiny
from trizoo.families import model_spec
from trizoo.parity.golden import golden_spec, sizes
from trizoo.parity.probe import pseudo_learner, pseudo_model
from trizoo.parity.pseudo import pseudo_images
from trizoo.weights.initial import initial_arrays, unfilled

NAMES = {
    "yolov3-tiny": ("head_p5", "head_p4"),
    "yolov4-tiny": ("head_p5", "head_p4"),
    "ssd300-mobilenetv2": ("deltas", "logits"),
    "retinanet-resnet18": ("deltas", "logits"),
    "deeplabv3plus-mobilenetv2": ("logits",),
    "pspnet-mobilenetv2": ("logits",),
}


@pytest.fixture(scope="module", params=NAMES)
def saved(zoo, request, tmp_path_factory):
    """A model's name, its network with pseudo-weights, and what is loaded from the network's SavedModel."""
    network = pseudo_model(zoo, request.param, zoo.device("cpu"))
    folder = str(tmp_path_factory.mktemp("saved") / "model")
    tf.saved_model.save(network, folder)
    return request.param, network, tf.saved_model.load(folder)


@pytest.mark.parametrize("count", [1, 2])
def test_a_saved_network_gives_its_heads_by_name_at_sizes_that_its_graph_does_not_know(saved, count):
    model, network, loaded = saved
    for size in sizes(model)[-2:]:  # the last one isn't square
        images = tf.constant(pseudo_images(count, size))
        expected = tf.function(network)(images)  # a graph of this size
        found = loaded.signatures["serving_default"](images=images)
        assert found.keys() == set(NAMES[model])
        for name, head in zip(NAMES[model], expected, strict=True):
            assert found[name].shape == head.shape
            assert np.abs(found[name] - head).max() <= 1e-6 * np.abs(head).max()


def test_the_signature_takes_bytes_of_any_size_but_where_there_is_only_one(saved):
    model, _, loaded = saved
    side = 300 if model == "ssd300-mobilenetv2" else None
    _, named = loaded.signatures["serving_default"].structured_input_signature
    assert named == {"images": tf.TensorSpec((None, side, side, 3), tf.uint8, name="images")}


def test_heads_are_in_order_and_named_by_the_levels_of_a_yolo(zoo):
    assert golden_spec("yolov4").output_names == ("head_p5", "head_p4", "head_p3")
    network = pseudo_model(zoo, "yolov3-tiny", zoo.device("cpu"))
    assert tuple(network.serve(pseudo_images(1, (64, 64)))) == ("head_p5", "head_p4")


def test_serving_in_the_middle_of_training_uses_stored_statistics_and_gives_float32(zoo):
    learner = pseudo_learner(zoo, "yolov3-tiny", {"name": "sgd"}, {"batch_norm": False})
    network, images = learner.model, pseudo_images(2, (64, 64))
    before, expected = zoo.arrays(network), [head.numpy() for head in network(tf.constant(images))]
    served = network.serve(images)
    assert zoo.arrays(network).keys() == before.keys()
    assert all(np.array_equal(array, before[name]) for name, array in zoo.arrays(network).items())
    for head, wanted in zip(served.values(), expected, strict=True):
        assert head.dtype == tf.float32
        assert np.abs(head - wanted).max() < 1e-5 * np.abs(wanted).max()


def test_a_copy_serves_its_own_weights(zoo):
    network, images = pseudo_model(zoo, "yolov3-tiny", zoo.device("cpu")), pseudo_images(1, (64, 64))
    before = network.serve(images)["head_p5"].numpy()
    twin = copy.deepcopy(network)
    twin.head_p5.predict.bias.assign_add(tf.ones_like(twin.head_p5.predict.bias))
    assert np.abs(twin.serve(images)["head_p5"] - (before + 1)).max() < 1e-5 * np.abs(before).max()
    assert np.array_equal(network.serve(images)["head_p5"], before)


def test_a_network_made_by_hand_has_the_initial_weights_of_its_names():
    spec = model_spec("yolov3-tiny", 2)
    arrays = weights.arrays(YOLOv3Tiny(spec))
    expected = initial_arrays({name: array.shape for name, array in arrays.items()}, 0, spec)
    assert all(np.array_equal(arrays[name], expected[name]) for name in expected)
    with unfilled():
        assert not weights.arrays(YOLOv3Tiny(spec))["head_p5.predict.weight"].any()
