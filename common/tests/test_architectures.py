import pytest

from common.architectures import ARCHITECTURES, architecture, check_input_size, model_spec
from common.errors import UserError


@pytest.mark.parametrize("name", ARCHITECTURES)
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
