import math

import numpy as np
import pytest

from trizoo.families import architecture, check_input_size, model_spec, size_around
from trizoo.families.retinanet.anchors import KERAS_RETINANET_CODING, RETINANET_CODING
from trizoo.families.yolo.spec import YOLO_ARCHITECTURES
from trizoo.ground.errors import UserError
from trizoo.weights.names import load_names


@pytest.mark.parametrize("name", YOLO_ARCHITECTURES)
def test_an_architecture_is_consistent(name):
    known = architecture(name)
    assert len(known.strides) == len(known.masks)
    assert list(known.strides) == sorted(known.strides, reverse=True)
    assert {i for mask in known.masks for i in mask} == set(range(len(known.anchors)))
    assert known.size_multiple == 32


def test_tiny_has_its_anchors_shared_out_by_the_masks():
    spec = model_spec("yolov3-tiny", 3)
    assert spec.anchors == (((81, 82), (135, 169), (344, 319)), ((10, 14), (23, 27), (37, 58)))
    assert spec.anchors_per_cell == (3, 3)
    assert spec.strides == (32, 16)


def test_equal_specs_are_equal_keys_whatever_held_the_numbers():
    given = [[10, 14], [23, 27], [37, 58], [81, 82], [135, 169], [344, 319]]
    spec = model_spec("yolov3-tiny", 3, anchors=given, mean=[0, 0, 0], std=[255, 255, 255])
    assert {spec: "found"}[model_spec("yolov3-tiny", 3)] == "found"


def test_heads_have_the_masks_and_grid_sensitivity_of_their_definitions():
    spec = model_spec("yolov4-tiny", 3)
    # yolov4-tiny.cfg: masks 3,4,5 and 1,2,3 of 10,14 23,27 37,58 81,82 135,169 344,319; scale_x_y = 1.05 in both
    assert spec.anchors == (((81, 82), (135, 169), (344, 319)), ((23, 27), (37, 58), (81, 82)))
    assert spec.scale_xy == (1.05, 1.05)
    # yolov4.cfg names the finest head first: 1.2, 1.1, 1.05
    assert model_spec("yolov4", 3).scale_xy == (1.05, 1.1, 1.2)
    assert model_spec("yolov3-spp", 3).scale_xy == (1.0, 1.0, 1.0)
    assert model_spec("yolov4", 3, scale_xy=1).scale_xy == (1.0, 1.0, 1.0)


def test_attention_is_refused_where_a_model_has_no_place_for_it():
    assert model_spec("yolov4-tiny", 3, attention="se").attention == "se"
    with pytest.raises(UserError, match="eca, for which yolov4 has no place; none, or yolov4-tiny"):
        model_spec("yolov4", 3, attention="eca")


def test_an_unknown_model_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match="unknown model 'yolo3'; one of yolov3, yolov3-spp, yolov3-tiny"):
        architecture("yolo3")


def test_a_wrong_number_of_anchors_is_refused():
    with pytest.raises(UserError, match="2 anchors were given for yolov3-tiny; its heads need 6"):
        model_spec("yolov3-tiny", 3, anchors=[(1, 2), (3, 4)])


def test_anchors_out_of_order_are_refused_with_the_right_order():
    backwards = architecture("yolov3-tiny").anchors[::-1]
    with pytest.raises(UserError, match=r"smallest area first; this order would do: 10x14, 23x27, .* 344x319"):
        model_spec("yolov3-tiny", 3, anchors=backwards)


def test_a_model_without_classes_is_refused():
    with pytest.raises(ValueError, match="num_classes is 0; at least 1"):
        model_spec("yolov3", 0)


@pytest.mark.parametrize("size", [(32, 32), (416, 416), (608, 352)])
def test_multiples_of_the_stride_are_legal(size):
    check_input_size("yolov3", size)


@pytest.mark.parametrize(
    ("model", "size", "around"),
    [
        ("yolov3", (400, 416), (416, 416)),
        ("yolov3", (416, 416), (416, 416)),
        ("keypoints-stride16", (1, 33), (16, 48)),
        ("deeplabv3plus-mobilenetv2", (33, 513), (33, 513)),
        ("deeplabv3plus-mobilenetv2", (31, 513), (32, 544)),
        ("ssd300-vgg16", (300, 300), (300, 300)),
    ],
)
def test_the_least_size_around_an_image(model, size, around):
    assert size_around(model, size) == around


def test_no_size_around_an_image_is_the_models_own_sentence():
    with pytest.raises(UserError, match="320x320 doesn't fit ssd300-vgg16, whose anchors are for 300x300 alone"):
        size_around("ssd300-vgg16", (320, 320))


@pytest.mark.parametrize(
    ("size", "nearest"),
    [
        ((400, 416), "384x416 or 416x416"),
        ((417, 500), "416x480 or 448x512"),
        ((1, 1), "32x32"),  # 0 is no size
        ((0, 416), "32x416"),
    ],
)
def test_another_size_is_refused_with_the_nearest_legal_ones(size, nearest):
    with pytest.raises(UserError, match=f"size {size[0]}x{size[1]} doesn't fit yolov3.* that fit: {nearest}$"):
        check_input_size("yolov3", size)


@pytest.mark.parametrize(
    ("name", "size", "complaint"),
    [
        ("ssd300-vgg16", (512, 512), "512x512 doesn't fit ssd300-vgg16, whose anchors are for 300x300 alone"),
        ("ssd512-vgg16", (300, 300), "whose anchors are for 512x512 alone"),
        ("ssd300-mobilenetv2", (300, 320), "300x320 doesn't fit"),
        ("retinanet-resnet18", (640, 31), "640x31 is too small for retinanet-resnet18; 32 pixels a side, or more"),
    ],
)
def test_an_input_size_that_a_model_does_not_take_is_refused(name, size, complaint):
    with pytest.raises(UserError, match=complaint):
        check_input_size(name, size)


def test_models_of_any_size_take_odd_ones():
    check_input_size("retinanet-resnet50", (601, 333))
    check_input_size("retinanet-resnet18", (32, 32))


def test_ssd_has_the_anchors_of_its_presets():
    assert model_spec("ssd300-vgg16", 3).anchors_per_cell == (4, 6, 6, 6, 4, 4)
    assert model_spec("ssd512-vgg16", 3).anchors_per_cell == (4, 6, 6, 6, 6, 4, 4)
    original = model_spec("ssd300-vgg16", 3, anchor_preset="ssd300-caffe")
    assert original.grid((300, 300)).boxes[0].tolist() == [-11, -11, 19, 19]  # 30 pixels about 4, 4
    with pytest.raises(UserError, match=r"model\.anchor_preset is 'ssd512'; ssd300-vgg16 has ssd300, ssd300-caffe"):
        model_spec("ssd300-vgg16", 3, anchor_preset="ssd512")
    with pytest.raises(ValueError, match=r"size is \(512, 512\); ssd300-vgg16 is for 300x300 alone"):
        original.grid((512, 512))


@pytest.mark.parametrize("name", ["ssd300-mobilenetv2", "retinanet-resnet50", "retinanet-resnet50-v2"])
def test_scaled_anchors_are_as_many_in_the_same_places(name):
    own, scaled = (model_spec(name, 3, anchor_scale=scale).grid((300, 300)).boxes for scale in (None, 1.5))
    assert len(own) == len(scaled)
    np.testing.assert_allclose(scaled[:, :2] + scaled[:, 2:], own[:, :2] + own[:, 2:], atol=1e-3)
    sides, larger = own[:, 2:] - own[:, :2], scaled[:, 2:] - scaled[:, :2]
    np.testing.assert_allclose(larger, 1.5 * sides, atol=4 if name.startswith("retinanet") else 1e-3)  # whole pixels


def test_a_preset_of_anchors_says_how_boxes_are_coded():
    torchvisions, other = (
        model_spec("retinanet-resnet50", 3, anchor_preset=preset) for preset in (None, "keras-retinanet")
    )
    assert torchvisions.coding == RETINANET_CODING
    assert other.coding == KERAS_RETINANET_CODING
    assert len(torchvisions.grid((608, 608)).boxes) == len(other.grid((608, 608)).boxes) == 69_354


def test_the_second_retinanet_differs_from_the_first_where_torchvisions_does():
    first, second = model_spec("retinanet-resnet50", 3), model_spec("retinanet-resnet50-v2", 3)
    assert (first.v2, first.p6_from_c5, first.norm) == (False, False, "batch")
    assert (second.v2, second.p6_from_c5, second.norm) == (True, True, "batch")
    assert model_spec("retinanet-resnet50", 3, p6_from_c5=True).p6_from_c5


@pytest.mark.parametrize(
    ("name", "option", "able"),
    [
        ("ssd300-vgg16", {"attention": "se"}, "yolov3, yolov3-spp"),
        ("yolov4", {"backbone": "resnet18"}, "ssd300-vgg16, "),
        ("retinanet-resnet18", {"anchors": [(1, 2)]}, "yolov3, "),
        ("ssd300-vgg16", {"p6_from_c5": False}, "retinanet-resnet18, "),
    ],
)
def test_an_option_of_another_family_is_refused_with_the_models_that_have_it(name, option, able):
    (key,) = option
    with pytest.raises(UserError, match=f"model.{key} is .*, which {name} doesn't have; none, or one of {able}"):
        model_spec(name, 3, **option)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("pspnet-resnet50", {"separable": False}, "separable is false, and pspnet-resnet50 has no separable"),
        (
            "deeplabv3-resnet50",
            {"head_channels": 80},
            "head_channels is 80, which is for PSPNet, not",
        ),
        (
            "deeplabv3plus-resnet50",
            {"rectified": True},
            "rectified is for xception65, and deeplabv3plus",
        ),
        ("pspnet-mobilenetv2", {"deep_stem": True}, "deep_stem is for resnet18, .*, and pspnet-mobilenetv2 stands on"),
    ],
)
def test_an_option_of_another_segmentation_model_is_refused(name, options, words):
    with pytest.raises(UserError, match=rf"^model\.{words}[^\n]*; leave it out$"):
        model_spec(name, 3, **options)


@pytest.mark.parametrize(
    ("name", "options", "shapes"),
    [
        (
            "deeplabv3plus-mobilenetv2",
            {"separable": False},
            {"aspp.dilated.2.conv.weight": (256, 320, 3, 3), "decoder.conv1.conv.weight": (256, 304, 3, 3)},
        ),
        (
            "pspnet-resnet50",
            {"deep_stem": True},
            {
                "backbone.stem.conv1.conv.weight": (64, 3, 3, 3),
                "backbone.stem.conv3.bn.running_var": (128,),
                "backbone.stages.0.blocks.0.shortcut.conv.weight": (256, 128, 1, 1),
            },
        ),
        (
            "pspnet-mobilenetv2",
            {"head_channels": 80},
            {"head.conv.conv.weight": (80, 640, 3, 3), "head.predict_class.weight": (80, 80, 1, 1)},
        ),
        (
            "ssd300-mobilenetv2",
            {"l2_norm": True},
            {"l2_norm.scale": (96,), "heads.0.predict_box.weight": (24, 96, 3, 3)},
        ),
    ],
)
def test_options_say_which_shapes_they_make(name, options, shapes):
    found = model_spec(name, 80, **options).names(load_names(name))
    assert {key: found.get(key) for key in shapes} == shapes
    assert model_spec(name, 80).names(load_names(name)) == load_names(name)


def test_only_classes_begin_with_a_prior_and_only_norms_mind_small_batches():
    spec = model_spec("retinanet-resnet18", 2)
    assert spec.first_bias("head_class.predict_class.bias", (18,), 0.01) == pytest.approx(np.full(18, -math.log(99)))
    assert not spec.first_bias("head_box.predict_box.bias", (36,), 0.01).any()
    assert spec.least_values((96, 65)) == 3 * 3
    assert model_spec("retinanet-resnet18", 2, norm="group").least_values((96, 65)) is None
    assert model_spec("ssd300-vgg16", 2).least_values((300, 300)) is None
    assert model_spec("ssd300-mobilenetv2", 2).least_values((300, 300)) == 1
