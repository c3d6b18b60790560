"""The graphs, as in every framework, and that the goldens notice a changed one."""

import pytest
from keras import ops

from keras_zoo import blocks, layout, necks
from keras_zoo.backbones import csp_darknet53
from keras_zoo.layers import BatchNorm, named_layers
from keras_zoo.models import yolov3, yolov3_tiny, yolov4, yolov4_tiny
from trizoo.parity.golden import TOLERANCE, difference, load_golden_heads, measure, sizes
from trizoo.parity.probe import pseudo_model
from trizoo.tests.contract.models import *  # noqa: F403
from trizoo.tests.contract.models import ONE_OF_EACH


def golden_difference(name, model):
    measured = measure(lambda images: [ops.convert_to_numpy(head) for head in model(images)], sizes(name))
    return difference(load_golden_heads(name), measured)


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_heads_without_folded_batch_norms_equal_the_golden(zoo, name):
    assert golden_difference(name, pseudo_model(zoo, name, zoo.device("cpu"))) < TOLERANCE


def other_eps(model, monkeypatch):
    for _, layer in named_layers(model):
        if isinstance(layer, BatchNorm):
            layer.eps = 1e-3


def other_slope(model, monkeypatch):
    monkeypatch.setattr(blocks, "LEAKY_SLOPE", 0.01)


def other_concat_order(model, monkeypatch):
    for module in (yolov3, yolov3_tiny, yolov4, yolov4_tiny, csp_darknet53, necks):
        monkeypatch.setattr(module, "concat", lambda *tensors: blocks.concat(*tensors[::-1]))


def padding_right_and_below_only(model, monkeypatch):
    """What "same" means at stride 2."""
    strided = [layer for _, layer in named_layers(model) if getattr(layer, "strides", 1) == (2, 2)]
    assert len(strided) == 5
    for conv in strided:
        conv.padding = "same"
    for _, layer in named_layers(model):
        if isinstance(layer, blocks.ConvBlock):
            layer.padding = 0


def zero_padded_pool(model, monkeypatch):
    def pool(x, kernel_size, stride):
        x = layout.pad(x, 0, kernel_size - stride, value=1.0)
        return ops.max_pool(x, kernel_size, stride, padding="valid", data_format=layout.DATA_FORMAT)

    monkeypatch.setattr(yolov3_tiny, "max_pool", pool)


def other_smooth_activation(model, monkeypatch):
    for _, module in named_layers(model):
        if isinstance(module, blocks.ConvBlock) and module.activate is blocks.mish:
            module.activate = ops.silu


def first_half_instead_of_second(model, monkeypatch):
    monkeypatch.setattr(yolov4_tiny, "split_half", lambda x: ops.split(x, 2, axis=layout.CHANNELS)[0])


def narrower_pools(model, monkeypatch):
    monkeypatch.setattr(necks, "max_pool", lambda x, kernel_size, stride: blocks.max_pool(x, 3, stride))


@pytest.mark.parametrize(
    ("name", "mutate"),
    [
        ("yolov3", padding_right_and_below_only),
        ("yolov3-tiny", other_eps),
        ("yolov3-tiny", other_slope),
        ("yolov3-tiny", other_concat_order),
        ("yolov3-tiny", zero_padded_pool),
        ("yolov3-spp", narrower_pools),
        ("yolov4", other_smooth_activation),
        ("yolov4-tiny", other_concat_order),
        ("yolov4-tiny", first_half_instead_of_second),
    ],
)
def test_a_mutated_graph_breaks_the_golden(zoo, name, mutate, monkeypatch):
    model = pseudo_model(zoo, name, zoo.device("cpu"))
    mutate(model, monkeypatch)
    assert golden_difference(name, model) > 10 * TOLERANCE


def test_images_are_normalised_by_mean_and_std():
    normalize = blocks.Normalize((10.0, 20.0, 30.0), (2.0, 4.0, 5.0))
    pixel = ops.convert_to_tensor([[[[12, 28, 20]]]], dtype="uint8")
    # (12 - 10) / 2, (28 - 20) / 4, (20 - 30) / 5
    assert ops.convert_to_numpy(normalize(pixel)).ravel().tolist() == pytest.approx([1.0, 2.0, -2.0])
