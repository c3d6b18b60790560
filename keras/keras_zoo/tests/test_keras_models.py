"""What a Keras user expects of a keras.Model: summary, parameter count, saved weights, export."""

import inspect

import keras
import numpy as np
import pytest
from keras import ops

from keras_zoo.families import make_network
from trizoo.families import model_spec
from trizoo.parity.golden import golden_spec
from trizoo.parity.probe import pseudo_model
from trizoo.parity.pseudo import pseudo_images

IMAGES = pseudo_images(1, (96, 64))


@pytest.fixture(scope="module")
def model(zoo):
    """A YOLOv3-tiny of 80 classes."""
    return pseudo_model(zoo, "yolov3-tiny", zoo.device("cpu"))


def heads(model):
    return [ops.convert_to_numpy(head) for head in model(IMAGES)]


def test_summary_and_count_know_all_parameters_before_the_first_call(zoo):
    model = zoo.build(golden_spec("yolov3-tiny"), zoo.device("cpu"))
    assert model.count_params() == 8_858_734
    lines = []
    model.summary(print_fn=lambda line, **_: lines.append(line), expand_nested=True)
    text = "\n".join(lines)
    assert "8,858,734" in text
    assert "TinyBackbone" in text


def test_saved_weights_load_into_another_model(zoo, model, tmp_path):
    model.save_weights(tmp_path / "tiny.weights.h5")
    other = zoo.build(golden_spec("yolov3-tiny"), zoo.device("cpu"))
    other.load_weights(tmp_path / "tiny.weights.h5")
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(heads(model), heads(other), strict=True))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="other backends export through more packages")
@pytest.mark.skipif(
    "input_signature" not in inspect.signature(keras.Model.export).parameters,
    reason="this Keras can't be told of bytes",
)
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_an_exported_model_gives_the_same_heads_at_any_size(model, tmp_path, dtype):
    signature = None if dtype == "float32" else [keras.InputSpec(shape=(None, None, None, 3), dtype=dtype)]
    model.export(tmp_path / "saved", format="tf_saved_model", verbose=False, input_signature=signature)
    serve = keras.layers.TFSMLayer(tmp_path / "saved", call_endpoint="serve")
    for images in (IMAGES, pseudo_images(2, (64, 160))):
        for ours, theirs in zip(model(images), serve(images.astype(dtype)), strict=True):
            ours, theirs = ops.convert_to_numpy(ours), ops.convert_to_numpy(theirs)
            assert np.abs(ours - theirs).max() < 1e-5 * np.abs(ours).max()


def test_the_layout_is_the_same_whatever_keras_json_says(model):
    expected = heads(model)
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        other = make_network(model_spec("yolov3-tiny", 80))
        other.set_weights(model.get_weights())
        assert all(np.array_equal(ours, theirs) for ours, theirs in zip(expected, heads(other), strict=True))
    finally:
        keras.config.set_image_data_format(before)
