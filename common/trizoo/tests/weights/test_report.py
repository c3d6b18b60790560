import numpy as np
import pytest

from trizoo.ground.errors import UserError
from trizoo.weights.report import LoadReport, match, parts_behind, strict

MODEL = {
    "backbone.conv.weight": (8, 3, 3, 3),
    "backbone.bn.running_mean": (8,),
    "neck_p5.conv.weight": (4, 8, 1, 1),
    "head_p5.conv.weight": (75, 4, 1, 1),
    "head_p5.conv.bias": (75,),
}


def zeros(shapes):
    return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


def test_everything_loads_where_names_and_shapes_agree():
    arrays = zeros(MODEL)
    chosen, report = match(arrays, MODEL)
    assert chosen.keys() == MODEL.keys()
    assert all(chosen[name] is arrays[name] for name in MODEL)
    assert report == LoadReport(loaded=tuple(MODEL))
    strict(arrays, MODEL, "a.h5")


def test_a_head_of_another_shape_is_left_to_the_model():
    arrays = zeros(MODEL | {"head_p5.conv.weight": (255, 4, 1, 1), "head_p5.conv.bias": (255,)})
    chosen, report = match(arrays, MODEL)
    assert list(chosen) == ["backbone.conv.weight", "backbone.bn.running_mean", "neck_p5.conv.weight"]
    assert report.reinitialised == (
        ("head_p5.conv.weight", (255, 4, 1, 1), (75, 4, 1, 1)),
        ("head_p5.conv.bias", (255,), (75,)),
    )
    assert report.missing == report.unexpected == ()


def test_missing_heads_and_unexpected_arrays_are_reported():
    arrays = zeros({name: shape for name, shape in MODEL.items() if not name.startswith("head")} | {"fc.bias": (1000,)})
    chosen, report = match(arrays, MODEL)
    assert len(chosen) == len(report.loaded) == 3
    assert report.missing == (("head_p5.conv.weight", (75, 4, 1, 1)), ("head_p5.conv.bias", (75,)))
    assert report.unexpected == (("fc.bias", (1000,)),)


def test_each_name_is_reported_once_and_none_is_lost():
    rng = np.random.default_rng(0)
    for _ in range(50):
        wanted = {f"head.{number}": (int(rng.integers(1, 3)),) for number in rng.permutation(9)[:6]}
        arrays = zeros({f"head.{number}": (int(rng.integers(1, 3)),) for number in rng.permutation(9)[:6]})
        if not any(arrays[name].shape == shape for name, shape in wanted.items() if name in arrays):
            continue
        report = match(arrays, wanted)[1]
        entries = [*report.reinitialised, *report.missing, *report.unexpected]
        names = [*report.loaded, *(entry[0] for entry in entries)]
        assert sorted(names) == sorted(wanted.keys() | arrays.keys())


def test_the_head_is_wherever_a_part_of_the_name_starts_with_the_prefix():
    model = {"backbone.w": (1,), "model.heads.0.w": (2,), "detector.box_head_like": (1,)}
    arrays = zeros(model | {"model.heads.0.w": (3,)})
    assert len(match(arrays, model)[0]) == 2
    with pytest.raises(UserError, match=r"detector.box_head_like"):  # "head" only inside of the part
        match(zeros(model | {"detector.box_head_like": (2,)}), model)


def test_other_parts_may_be_allowed_to_differ():
    backbone = zeros({name: shape for name, shape in MODEL.items() if name.startswith("backbone")})
    with pytest.raises(UserError, match=r"neck_p5.conv.weight \(4, 8, 1, 1\) is missing"):
        match(backbone, MODEL)
    chosen, report = match(backbone, MODEL, allowed_prefixes=("head", "neck"))
    assert chosen.keys() == backbone.keys()
    assert len(report.missing) == 3


def test_another_backbone_is_an_error_that_shows_both_shapes():
    arrays = zeros(MODEL | {"backbone.conv.weight": (16, 3, 3, 3)})
    with pytest.raises(UserError) as caught:
        match(arrays, MODEL, source="yolov3.weights")
    assert str(caught.value) == (
        "yolov3.weights does not fit the model outside of its head: backbone.conv.weight has shape (16, 3, 3, 3), the "
        "model's (8, 3, 3, 3); weights of this model and backbone are needed"
    )


def test_errors_show_the_first_few_only():
    wanted = {f"backbone.{number}.w": (1,) for number in range(300)}
    with pytest.raises(UserError, match="and 296 more") as caught:  # 299 missing, 3 shown
        match(zeros({"backbone.0.w": (1,)}), wanted)
    assert len(str(caught.value)) < 300


def test_nothing_loaded_is_an_error_even_if_all_of_it_is_head():
    with pytest.raises(
        UserError, match=r"nothing in the weights fits the model: it holds layer1.w, the model wants head.w"
    ):
        match(zeros({"layer1.w": (1,)}), {"head.w": (1,)})
    with pytest.raises(UserError, match="it holds nothing"):
        match({}, MODEL)


def test_a_backbone_may_lack_what_lies_behind_it_and_nothing_of_itself():
    behind = parts_behind("backbone.", MODEL)
    assert behind == ("neck_p5", "head_p5")
    backbone = {name: shape for name, shape in MODEL.items() if name.startswith("backbone.")}
    chosen, report = match(zeros(backbone), MODEL, allowed_prefixes=behind)
    assert chosen.keys() == backbone.keys()
    assert [name for name, _ in report.missing] == ["neck_p5.conv.weight", "head_p5.conv.weight", "head_p5.conv.bias"]
    with pytest.raises(UserError, match=r"neck_p5\.conv\.weight .* is missing"):
        match(zeros(backbone), MODEL)
    del backbone["backbone.bn.running_mean"]
    with pytest.raises(UserError, match=r"backbone\.bn\.running_mean \(8,\) is missing"):
        match(zeros(backbone), MODEL, allowed_prefixes=behind)


def test_pytorch_batch_counters_are_no_part_of_the_comparison():
    counters = {"backbone.bn.num_batches_tracked": np.array(3, np.int64)}
    assert match(zeros(MODEL) | counters, MODEL)[1].unexpected == ()


def test_a_text_in_place_of_the_prefixes_is_an_error():
    with pytest.raises(ValueError, match="'head'"):
        match(zeros(MODEL), MODEL, allowed_prefixes="head")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head_p5.conv.bias": (80,)}, r"head_p5.conv.bias has shape \(80,\), the model's \(75,\)"),
        ({"extra": (1,)}, r"extra \(1,\) is unexpected"),
        ({"head_p5.conv.bias": None}, r"head_p5.conv.bias \(75,\) is missing"),
    ],
)
def test_strict_allows_no_difference(changes, message):
    shapes = {name: shape for name, shape in (MODEL | changes).items() if shape is not None}
    with pytest.raises(UserError, match=rf"^run/best.h5 does not fit its model: {message}; "):
        strict(zeros(shapes), MODEL, "run/best.h5")


def test_the_report_is_a_summary_by_parts_of_the_model():
    shapes = MODEL | {"head_p5.conv.weight": (255, 4, 1, 1), "fc.weight": (1000, 8)}
    del shapes["head_p5.conv.bias"]
    assert str(match(zeros(shapes), MODEL)[1]).splitlines() == [
        "3 of the model's 5 arrays loaded",
        "  loaded          backbone: 2 arrays",
        "  loaded          neck_p5: 1 array",
        "  re-initialised  head_p5: 1 array, first head_p5.conv.weight "
        "has shape (255, 4, 1, 1), the model's (75, 4, 1, 1)",
        "  missing         head_p5: 1 array, first head_p5.conv.bias (75,)",
        "  unexpected      fc: 1 array, first fc.weight (1000, 8)",
    ]


def test_the_report_stays_short_for_foreign_names():
    arrays = zeros(MODEL | {f"conv2d_{number}.kernel": (1,) for number in range(300)})
    lines = str(match(arrays, MODEL)[1]).splitlines()
    assert len(lines) == 1 + 3 + 8 + 1  # head line; backbone, neck and head; eight parts and the rest
    assert lines[-1] == "  unexpected      292 more parts: 292 arrays"
