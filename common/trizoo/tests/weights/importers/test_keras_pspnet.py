"""PSPNet of pspnet-keras and -tf2: what it is told from, and what is refused.

That ours give what they give is in keras/keras_zoo/tests/test_older_pspnet.py.
"""

import pytest

from trizoo.families import ARCHITECTURES
from trizoo.ground.errors import UserError
from trizoo.tests.weights.importers import published
from trizoo.weights.importers import fits, import_weights
from trizoo.weights.readers import Weights

CHANNELS = {"mobilenetv2": 320, "resnet50": 2048}


def numbered(kind, number):
    """What Keras calls its nth layer of a kind: the first has no number."""
    return f"{kind}_{number}" if number else kind


def pspnet(backbone, auxiliary=None, first=0):
    """A file's shapes, of 21 classes.

    Args:
        auxiliary: "named" or "numbered", None for no such branch
        first: number of the first layer without a name
    """
    channels = CHANNELS[backbone]
    if backbone == "mobilenetv2":
        shapes = published.keras_deeplab("mobilenetv2", 3)
        behind = ("aspp", "image_pooling", "concat", "custom")
        shapes = {name: shape for name, shape in shapes.items() if not name.startswith(behind)}
    else:
        shapes = published.keras_resnet(50, caffe=True, bias=False, top=False)
        shapes = {name: shape for name, shape in shapes.items() if not name.startswith(("conv1/", "bn_conv1/"))}
        for number, inputs, outputs in ((1, 3, 64), (2, 64, 64), (3, 64, 128)):
            shapes |= published.keras_conv(f"conv{number}", inputs, outputs, 3, False)
            shapes |= published.keras_batch_norm(f"bn_conv{number}", outputs)
        shapes["res2a_branch2a/res2a_branch2a/kernel:0"] = (1, 1, 128, 64)
        shapes["res2a_branch1/res2a_branch1/kernel:0"] = (1, 1, 128, 256)
    width = channels // 4
    convs = [(channels, width, 1)] * 4 + [(2 * channels, width, 3), (width, 21, 1)]
    if auxiliary == "numbered":
        convs += [(96, channels // 8, 3), (channels // 8, 21, 1)]
    norm = first
    for number, (inputs, outputs, kernel) in enumerate(convs):
        shapes |= published.keras_conv(numbered("conv2d", first + number), inputs, outputs, kernel, outputs == 21)
        if outputs != 21:
            shapes |= published.keras_batch_norm(numbered("batch_normalization", norm), outputs)
            norm += 1
    if auxiliary == "named":
        shapes |= published.keras_conv("branch_conv1", 96, channels // 8, 3, False)
        shapes |= published.keras_batch_norm("branch_batchnor1", channels // 8)
        shapes |= published.keras_conv("branch_conv2", channels // 8, 21, 1)
    return shapes


def of(shapes):
    return Weights("keras2", published.filled(shapes), {})


@pytest.mark.parametrize("backbone", CHANNELS)
@pytest.mark.parametrize(("auxiliary", "first"), [(None, 0), ("named", 1), ("numbered", 8)])
def test_a_pspnet_is_recognised_among_all_models(backbone, auxiliary, first):
    given = of(pspnet(backbone, auxiliary, first))
    assert [name for name in ARCHITECTURES if fits(given, name)] == [f"pspnet-{backbone}"]
    imported = import_weights(given, f"pspnet-{backbone}")
    for ours, number in (("pyramid.branches.0.conv", 0), ("pyramid.branches.3.conv", 3), ("head.predict_class", 5)):
        layer = numbered("conv2d", first + number)
        theirs = given.arrays[f"{layer}/{layer}/kernel:0"]
        assert imported.arrays[f"{ours}.weight"].flat[0] == theirs.flat[0]
    assert any("auxiliary branch" in note for note in imported.notes) == (auxiliary is not None)


def test_keras_s_eps_goes_into_every_variance():
    given = of(pspnet("resnet50"))
    arrays = import_weights(given, "pspnet-resnet50").arrays
    for ours, theirs in (("backbone.stem.conv3", "bn_conv3"), ("head.conv", "batch_normalization_4")):
        variance = float(given.arrays[f"{theirs}/{theirs}/moving_variance:0"][0])
        assert arrays[f"{ours}.bn.running_var"][0] == pytest.approx(variance + 1e-3 - 1e-5, rel=1e-6)


@pytest.mark.parametrize(
    ("shapes", "model", "words"),
    [
        (pspnet("mobilenetv2"), "pspnet-resnet50", "PSPNet and no pspnet-resnet50; --model pspnet-mobilenetv2 is"),
        (
            pspnet("mobilenetv2") | published.keras_conv("conv2d_9", 3, 4, 1),
            "pspnet-mobilenetv2",
            "with 7 numbered convolutions and 5 batch norms; an unchanged one",
        ),
        (
            pspnet("resnet50") | {"conv2d_4/conv2d_4/kernel:0": (3, 3, 4096, 256)},
            "pspnet-resnet50",
            r"of shape \(256, 4096, 3, 3\), pspnet-resnet50 needs \(512, 4096, 3, 3\)",
        ),
    ],
)
def test_another_network_is_one_sentence(shapes, model, words):
    with pytest.raises(UserError, match=rf"^a\.h5 [^\n]*{words}[^\n]*$"):
        import_weights(of(shapes), model, "a.h5")
