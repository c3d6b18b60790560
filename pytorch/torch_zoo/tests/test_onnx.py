"""`trizoo export --to onnx`: files that do as PyTorch does, that need no framework, and what is refused."""

import json
import sys

import numpy as np
import pytest

import trizoo
from trizoo.commands.main import main
from trizoo.data.synthetic import synthesize
from trizoo.deploy import notes
from trizoo.deploy.check import matched
from trizoo.deploy.runtimes import read_notes
from trizoo.families.yolo.spec import YOLOSpec
from trizoo.ground.errors import UserError
from trizoo.tests.exported import (
    CLASSES,
    MODELS,
    assert_classifier_is_exported,
    assert_same_metrics,
    image,
    write_checkpoint,
)

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return synthesize(tmp_path_factory.mktemp("data") / "shapes", images=12, size=(96, 64))


@pytest.fixture(scope="module")
def checkpoint(zoo, tmp_path_factory, data):
    """Makes a checkpoint of a model, with weights made from names: its path."""
    folder = tmp_path_factory.mktemp("checkpoints")

    def make(model, **changes):
        return write_checkpoint(zoo, folder, "pytorch", model, data, **changes)

    return make


@pytest.fixture(scope="module")
def tiny(checkpoint):
    """A checkpoint of YOLOv3-tiny and its export, made once: two paths."""
    path = checkpoint("yolov3-tiny")
    assert main(["export", str(path), "--to", "onnx", "--size", "dynamic"]) == 0
    return path, path.with_suffix(".onnx")


def same_detections(found, expected):
    assert len(expected) > 1
    assert len(matched(found, expected, 0.99, 1e-5)) == len(found) == len(expected)


@pytest.mark.parametrize("model", list(MODELS)[1:])
def test_every_family_is_exported_and_checked(checkpoint, capsys, model):
    path = checkpoint(model)
    assert main(["export", str(path), "--to", "onnx"]) == 0
    said = capsys.readouterr().out
    assert "raw outputs" in said
    assert ("of the mask's pixels equal" if "deeplab" in model else "boxes equal") in said
    expected, found = (trizoo.load(source, precision="fp32")(image()) for source in (path, path.with_suffix(".onnx")))
    if "deeplab" in model:
        assert (found == expected).mean() > 0.999
    else:
        same_detections(found, expected)


@pytest.mark.parametrize("kind", ["classification", "multilabel"])
@pytest.mark.parametrize(("target", "flags"), [("onnx", []), ("onnx", ["--size", "dynamic"]), ("openvino", [])])
def test_a_classifier_ends_in_probabilities(zoo, target, flags, kind, tmp_path, capsys):
    pytest.importorskip({"onnx": "onnxruntime"}.get(target, target))
    assert_classifier_is_exported(zoo, "pytorch", target, tmp_path, capsys, flags, kind)


def test_a_classifiers_file_without_its_end_is_read_too(checkpoint, tmp_path):
    path, out = checkpoint("classify-resnet18"), tmp_path / "raw.onnx"
    assert main(["export", str(path), "--to", "onnx", "--raw", "--out", str(out)]) == 0
    assert read_notes(out).metadata.kind == "raw"
    expected, found = (trizoo.load(source, precision="fp32")(image()) for source in (path, out))
    assert found.names == expected.names
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)


@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_corners_that_meet_are_exported(checkpoint, target, tmp_path):
    pytest.importorskip({"onnx": "onnxruntime"}.get(target, target))
    path, out = checkpoint("deeplabv3plus-mobilenetv2", options={"align_corners": True}), tmp_path / "corners"
    out = out.with_suffix(".onnx") if target == "onnx" else out.with_suffix(".xml")
    assert main(["export", str(path), "--to", target, "--size", "dynamic", "--out", str(out)]) == 0
    expected, found = (trizoo.load(source, precision="fp32")(image()) for source in (path, out))
    assert (found == expected).mean() > 0.999


def test_the_notes_say_what_the_file_is(tiny):
    exported = read_notes(tiny[1])
    assert exported.metadata.kind == "boxes"
    thresholds = {"confidence": 0.2, "nms": 0.4, "max_detections": 100, "nms_method": "vote"}
    assert exported.metadata.thresholds.model_dump() == thresholds
    assert (exported.metadata.dynamic_size, exported.metadata.batch, exported.metadata.licence) == (True, None, "CC0")
    assert exported.recipe.classes == CLASSES
    assert exported.recipe.data.root is None


def test_no_path_of_this_machine_is_in_the_file(tiny, data):
    content = tiny[1].read_bytes()
    assert str(data).encode() not in content
    assert b"torch_zoo" not in content
    assert b".py" not in content


def test_detections_are_those_of_the_checkpoint(tiny):
    before, after = (trizoo.load(path) for path in tiny)
    for size in ((130, 70), (64, 200)):
        same_detections(after(image(size)), before(image(size)))
    same_detections(after(image(), confidence=0.1, nms=0.7), before(image(), confidence=0.1, nms=0.7))
    assert after.framework.versions().startswith("ONNX Runtime ")


def test_one_file_takes_sizes_and_numbers_of_images(tiny):
    opened = read_notes(tiny[1]).open()
    trained = trizoo.load(tiny[0])
    predict = trained.framework.predictor(trained.model, "fp32", trained.device)
    for size, count in (((32, 32), 1), ((224, 96), 3)):
        images = np.stack([image(size, number) for number in range(count)])
        for found, expected in zip(opened.raw(images), predict(images), strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
        boxes, scores, labels = opened(images)
        assert boxes.shape == (*scores.shape, 4)
        assert len(labels) == count


def test_evaluate_gives_the_same_metrics(tiny, data, tmp_path):
    assert_same_metrics(tiny, "pytorch", data, tmp_path)


def test_predict_needs_no_framework(tiny, data, tmp_path, monkeypatch, capsys):
    for name in ("torch", "tensorflow", "keras", "jax", "torch_zoo.framework"):
        monkeypatch.setitem(sys.modules, name, None)
    photos = str(data / "JPEGImages" / "00000*.jpg")
    assert main(["predict", photos, "--weights", str(tiny[1]), "--out", str(tmp_path / "out"), "--json"]) == 0
    assert "ONNX Runtime" in capsys.readouterr().out
    found = json.loads((tmp_path / "out" / "detections.json").read_text(encoding="utf-8"))
    assert sum(len(each["detections"]) for each in found) > 3


def test_a_file_for_so_many_images_of_one_size(checkpoint, tmp_path):
    path, out = checkpoint("yolov3-tiny"), tmp_path / "new" / "two.onnx"
    assert main(["export", str(path), "--out", str(out), "--batch", "2", "--confidence", "0.25"]) == 0
    assert read_notes(out).metadata.thresholds.confidence == 0.25
    images = [image((96, 64), number) for number in range(3)]
    for found, expected in zip(trizoo.load(out)(images), trizoo.load(path)(images), strict=True):
        same_detections(found, expected)
    opened = read_notes(out).open()
    together = opened(np.stack(images))
    for number in range(3):
        alone = opened(images[number][None])
        np.testing.assert_allclose(together[1][number, : alone[1].shape[1]], alone[1][0], atol=1e-6)
    with pytest.raises(UserError, match=r"is for images of 96x64, and 64x96 is asked for; trizoo export"):
        opened(np.zeros((1, 96, 64, 3), np.uint8))


def test_raw_files_end_in_the_networks_outputs(checkpoint):
    path = checkpoint("yolov3-tiny")
    assert main(["export", str(path), "--to", "onnx", "--raw"]) == 0
    model = onnx.load(path.with_suffix(".onnx"))
    assert [output.name for output in model.graph.output] == ["head_p5", "head_p4"]
    assert [given.name for given in model.graph.input] == ["images"]
    same_detections(trizoo.load(path.with_suffix(".onnx"))(image()), trizoo.load(path)(image()))


def test_fp16_is_half_as_large(tiny, tmp_path):
    out = tmp_path / "half.onnx"
    assert main(["export", str(tiny[0]), "--out", str(out), "--half"]) == 0
    assert out.stat().st_size < 0.55 * tiny[1].stat().st_size
    assert read_notes(out).metadata.precision == "fp16"
    with pytest.raises(UserError, match="was written in fp16, and a precision of fp32 was asked for; leave it out"):
        trizoo.load(out, precision="fp32")


def test_int8_tells_what_it_costs(tiny, data, tmp_path, capsys):
    out = tmp_path / "int8.onnx"
    assert main(["export", str(tiny[0]), "--out", str(out), "--int8", str(data)]) == 0
    said = capsys.readouterr().out
    assert "int8: calibrated on " in said
    assert "int8: mAP50 0." in said
    assert out.stat().st_size < 0.3 * tiny[1].stat().st_size


def test_a_file_that_does_something_else_isnt_written(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("trizoo.deploy.check.LIMITS", {"fp32": 1e-12})
    out = tmp_path / "off.onnx"
    assert main(["export", str(tiny[0]), "--out", str(out)]) == 1
    assert "1e-12 is the most in fp32; nothing was written" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_export_is_replaced_and_nothing_else(tiny, tmp_path):
    out = tmp_path / "a.onnx"
    for content in (b"something else", b""):
        out.write_bytes(content)
        with pytest.raises(UserError, match=r"a\.onnx is there already and is no earlier result of this command"):
            main(["export", str(tiny[0]), "--out", str(out)])
        assert out.read_bytes() == content
    out.write_bytes(tiny[1].read_bytes())
    assert main(["export", str(tiny[0]), "--out", str(out), "--raw"]) == 0
    assert read_notes(out).metadata.kind == "raw"


def test_a_file_of_another_producer_is_one_sentence(tmp_path):
    values = onnx.helper.make_tensor_value_info("x", 1, [1])
    others = onnx.helper.make_tensor_value_info("y", 1, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", [values], [others])
    path = tmp_path / "other.onnx"
    onnx.save(onnx.helper.make_model(graph), path)
    with pytest.raises(UserError, match=r"other\.onnx wasn't written by trizoo export"):
        trizoo.load(path)
    with pytest.raises(UserError, match=r"other\.onnx wasn't written by trizoo export"):
        main(["evaluate", "--weights", str(path), "--data", str(tmp_path)])


def test_a_graph_that_the_runtime_doesnt_take_is_one_sentence(tiny, tmp_path):
    model = onnx.load(tiny[1])
    model.graph.node[3].op_type = "Nonsense"
    path = tmp_path / "odd.onnx"
    onnx.save(model, path)
    with pytest.raises(UserError, match=r"ONNX Runtime doesn't take .*odd\.onnx: .*Nonsense"):
        trizoo.load(path)


def test_a_graph_that_fails_as_it_runs_is_one_sentence(tiny, tmp_path):
    model = onnx.load(tiny[1])
    model.graph.input[0].name = "photos"
    for node in model.graph.node:
        node.input[:] = ["photos" if name == "images" else name for name in node.input]
    path = tmp_path / "odd.onnx"
    onnx.save(model, path)
    with pytest.raises(UserError, match=r"ONNX Runtime can't run .*odd\.onnx: .*photos"):
        trizoo.load(path)(image())


def test_a_graph_opens_no_other_file(tiny, tmp_path):
    model = onnx.load(tiny[1])
    tensor = model.graph.initializer[0]
    secret = tmp_path / "secret"
    secret.write_bytes(b"\0" * (1 << 20))
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="secret")
    path = tmp_path / "outside.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(UserError, match=r"ONNX Runtime doesn't take .*outside\.onnx"):
        trizoo.load(path)


def test_a_file_that_is_cut_short_is_one_sentence(tiny, tmp_path):
    path = tmp_path / "short.onnx"
    path.write_bytes(tiny[1].read_bytes()[:1000])
    with pytest.raises(UserError, match=r"short\.onnx is no ONNX file, or cut short"):
        trizoo.load(path)
    assert notes.read_onnx(tiny[1]) is not None


@pytest.mark.parametrize(
    ("model", "flags", "sentence"),
    [
        ("ssd300-mobilenetv2", ["--size", "dynamic"], "ssd300-mobilenetv2 is for 300x300 alone; leave --size out"),
        ("yolov3-tiny", ["--size", "100x64"], "input size 100x64 doesn't fit yolov3-tiny"),
        ("yolov3-tiny", ["--raw", "--nms", "0.5"], "--nms is for boxes, and with --raw nothing is decoded"),
        ("deeplabv3plus-mobilenetv2", ["--confidence", "0.5"], "--confidence is for boxes, and deeplab.* does segmen"),
        ("yolov3-tiny", ["--names", "torchvision"], "--names is for weights alone, and --to onnx is a graph"),
    ],
)
def test_what_doesnt_fit_the_model_is_one_sentence(checkpoint, model, flags, sentence):
    with pytest.raises(UserError, match=sentence):
        main(["export", str(checkpoint(model)), "--to", "onnx", *flags])


def test_a_family_that_cant_decode_in_a_graph_has_raw_outputs(tiny, tmp_path, monkeypatch):
    monkeypatch.delattr(YOLOSpec, "candidates")
    out = tmp_path / "a.onnx"
    with pytest.raises(UserError, match="yolov3-tiny is of a family without decoding in graphs; --raw would do"):
        main(["export", str(tiny[0]), "--out", str(out)])
    assert main(["export", str(tiny[0]), "--out", str(out), "--raw"]) == 0


def test_images_of_sizes_of_their_own_need_a_file_for_all_sizes(checkpoint):
    path = checkpoint("yolov3-tiny", resize="keep_ratio")
    with pytest.raises(UserError, match="resize is keep_ratio, so that images have sizes of their own; --size dynamic"):
        main(["export", str(path), "--to", "onnx", "--size", "96x64"])
    assert main(["export", str(path), "--to", "onnx"]) == 0
    assert read_notes(path.with_suffix(".onnx")).metadata.dynamic_size
    same_detections(trizoo.load(path.with_suffix(".onnx"))(image()), trizoo.load(path)(image()))


def test_openvino_gives_the_same(tiny, data, tmp_path, capsys):
    pytest.importorskip("openvino")
    out = tmp_path / "a.xml"
    assert main(["export", str(tiny[0]), "--out", str(out), "--size", "dynamic"]) == 0
    same_detections(trizoo.load(out)(image()), trizoo.load(tiny[0])(image()))
    assert trizoo.load(out, precision="bf16").recipe.precision == "bf16"
    assert main(["export", str(tiny[0]), "--out", str(out)]) == 0  # an earlier one is replaced, .bin and .xml
    opened = read_notes(out).open()
    with pytest.raises(UserError, match="keeps the thresholds that it was exported with"):
        opened.boxes(image((96, 64))[None], confidence=0.1)
    out.with_suffix(".bin").write_bytes(b"")
    with pytest.raises(UserError, match=r"OpenVINO doesn't take .*a\.xml"):
        trizoo.load(out)
