import pytest

from trizoo.families import model_spec
from trizoo.families.base.backbones import BACKBONES, fits
from trizoo.ground.errors import UserError


def test_where_nothing_strides_further_the_last_features_are_there():
    assert BACKBONES["resnet18"].at(32) == {4: 64, 8: 128, 16: 256, 32: 512}
    assert BACKBONES["resnet18"].at(16) == {4: 64, 8: 128, 16: 512}
    assert BACKBONES["mobilenetv2"].at(8) == {4: 24, 8: 320}
    assert BACKBONES["vgg16"].at(32) == {4: 256, 8: 512, 16: 1024}


def test_a_backbone_fits_where_it_has_the_strides():
    assert [name for name in BACKBONES if not fits(name, (8, 16, 32))] == ["vgg16"]
    assert fits("vgg16", (4, 16), 16)
    assert not fits("vgg16", (4, 8), 8)  # it isn't made to be dilated
    assert not fits("resnet19", (8,))


@pytest.mark.parametrize("name", ["ssd300-vgg16", "retinanet-resnet18", "deeplabv3plus-xception65", "pspnet-resnet50"])
def test_a_model_stands_on_the_backbone_that_is_asked_for(name):
    spec = model_spec(name, 3, backbone="darknet53")
    assert spec.backbone == "darknet53"
    assert model_spec(name, 3).backbone in name


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        (
            "retinanet-resnet18",
            {"backbone": "vgg16"},
            "is vgg16, and retinanet-resnet18 needs features at the strides 8, 16, 32; resnet18, .* have them",
        ),
        (
            "ssd300-vgg16",
            {"backbone": "resnet19"},
            "is 'resnet19', which the zoo doesn't have; ssd300-vgg16 can stand on vgg16",
        ),
        (
            "deeplabv3plus-resnet50",
            {"backbone": "vgg16", "output_stride": 8},
            "is vgg16, and deeplabv3plus-resnet50 needs .* 4, 8",
        ),
        ("pspnet-mobilenetv2", {"stride_on_1x1": True}, "is for resnet50, .* stands on mobilenetv2; leave it out"),
        ("retinanet-resnet18", {"stride_on_1x1": True}, "is for resnet50, .* stands on resnet18"),
    ],
)
def test_a_backbone_that_does_not_fit_is_a_sentence(name, options, words):
    with pytest.raises(UserError, match=rf"^model\.\w+ {words}"):
        model_spec(name, 3, **options)


def test_vgg16_keeps_its_biases_under_a_head_that_is_normalised():
    spec = model_spec("deeplabv3plus-resnet50", 3, backbone="vgg16")
    assert (spec.norm, spec.backbone_norm) == ("batch", None)
    assert model_spec("ssd300-vgg16", 3).norm is None
    assert model_spec("ssd300-vgg16", 3, norm="group").norm == "group"
