import pytest

from trizoo.ground.errors import UserError
from trizoo.tests.weights.importers import published
from trizoo.weights.importers import fits, import_weights
from trizoo.weights.names import load_names
from trizoo.weights.readers import Weights


def of(shapes):
    return Weights("pytorch", published.filled(shapes), {})


def test_the_lists_of_names_have_as_many_numbers_as_the_files():
    """20,483,904 and 26.285 million, by the notes of those who measured the files."""
    assert published.parameters(published.amdegroot_vgg16()) == 20_483_904
    assert published.parameters(published.amdegroot_ssd300()) == 26_285_486


def test_ssd300_is_imported_whole_with_the_original_s_anchors():
    given = of(published.amdegroot_ssd300(81))
    imported = import_weights(given, "ssd300-vgg16")
    assert (imported.missing, imported.unexpected) == ((), ())
    assert {name: array.shape for name, array in imported.arrays.items()} == load_names("ssd300-vgg16")
    assert imported.settings == {"anchor_preset": "ssd300-caffe", "mean": (123, 117, 104), "std": (1, 1, 1)}
    for ours, theirs in {
        "backbone.stages.4.convs.2.conv.weight": "vgg.28.weight",
        "backbone.fc7.conv.bias": "vgg.33.bias",
        "l2_norm.scale": "L2Norm.weight",
        "extras.2.conv2.conv.weight": "extras.5.weight",
        "heads.3.predict_box.bias": "loc.3.bias",
        "heads.5.predict_class.weight": "conf.5.weight",
    }.items():
        assert imported.arrays[ours].flat[0] == given.arrays[theirs].flat[0]
    assert [name for name in ("ssd300-vgg16", "ssd512-vgg16", "retinanet-resnet50") if fits(given, name)] == [
        "ssd300-vgg16"
    ]


@pytest.mark.parametrize("model", ["ssd300-vgg16", "ssd512-vgg16"])
def test_its_vgg16_is_a_backbone(model):
    imported = import_weights(of(published.amdegroot_vgg16()), model)
    wanted = {name: shape for name, shape in load_names(model).items() if name.startswith("backbone.")}
    assert {name: array.shape for name, array in imported.arrays.items()} == wanted
    assert imported.unexpected == ()


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (published.amdegroot_ssd300(), "an SSD300 on VGG16 and no ssd300-mobilenetv2"),
        (published.amdegroot_vgg16(), "VGG16 with reduced layers and has nothing in common"),
    ],
)
def test_another_model_is_a_sentence(shapes, words):
    with pytest.raises(UserError, match=words):
        import_weights(of(shapes), "ssd300-mobilenetv2", "a.pth")
