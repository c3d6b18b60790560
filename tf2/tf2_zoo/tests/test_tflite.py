"""`trizoo export --to tflite`: files that do as TensorFlow does, and need no framework."""

import json

import numpy as np
import pytest
import tensorflow as tf

import trizoo
from tf2_zoo.ends import find_boxes
from tf2_zoo.export import _least_overlap
from tf2_zoo.tests.test_ends import DETECTORS, assert_alike
from trizoo.commands.main import main
from trizoo.data.synthetic import draw_image, synthesize
from trizoo.deploy.check import matched
from trizoo.deploy.runtimes import read_notes
from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.tests.exported import assert_classifier_is_exported, outputs_of

pytest.importorskip("ai_edge_litert")

CLASSES = ("circle", "square", "triangle")
IMAGE = draw_image(1, (130, 70), CLASSES, seed=0)[0]
IMAGES = np.stack([draw_image(number, (96, 64), CLASSES, seed=0)[0] for number in range(2)])


@pytest.fixture(scope="module")
def tiny(checkpoint):
    """A checkpoint of YOLOv3-tiny and its export: two paths."""
    path = checkpoint("yolov3-tiny", (96, 64))
    assert main(["export", str(path), "--to", "tflite"]) == 0
    return path, path.with_suffix(".tflite")


def test_detections_are_those_of_the_checkpoint(tiny):
    images = [IMAGE, IMAGE[::-1], IMAGE[:, ::-1]]  # a file for one image at once gets them one by one
    expected = trizoo.load(tiny[0], "tf2")(images)
    for found, wanted in zip(trizoo.load(tiny[1])(images), expected, strict=True):
        assert len(wanted) > 1
        assert len(matched(found, wanted, 0.99, 1e-5)) == len(found) == len(wanted)


def test_the_notes_lie_beside_it(tiny):
    metadata = read_notes(tiny[1]).metadata
    assert (metadata.kind, metadata.batch, metadata.dynamic_size) == ("boxes", 1, False)
    assert json.loads(tiny[1].with_suffix(".json").read_text(encoding="utf-8"))["recipe"]["classes"] == [*CLASSES]


def test_masks_are_those_of_the_checkpoint(checkpoint):
    path = checkpoint("deeplabv3plus-mobilenetv2", (72, 50))
    assert main(["export", str(path), "--to", "tflite", "--half"]) == 0
    out = path.with_suffix(".tflite")
    assert read_notes(out).metadata.precision == "fp16"
    assert (trizoo.load(out)(IMAGE) == trizoo.load(path, "tf2")(IMAGE)).mean() > 0.99


@pytest.mark.parametrize("kind", ["classification", "multilabel"])
def test_a_classifier_ends_in_probabilities(zoo, kind, tmp_path, capsys):
    assert_classifier_is_exported(zoo, "tf2", "tflite", tmp_path, capsys, kind=kind)


def test_corners_that_meet_are_exported(checkpoint):
    path = checkpoint("deeplabv3plus-mobilenetv2", (72, 50), options={"align_corners": True})
    assert main(["export", str(path), "--to", "tflite"]) == 0
    expected, found = (
        trizoo.load(source, *framework)(IMAGE) for source, *framework in ((path, "tf2"), (path.with_suffix(".tflite"),))
    )
    assert (found == expected).mean() > 0.999


def interpreter(content):
    """LiteRT with what it has built in, and without what makes that faster."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    opened = Interpreter(
        model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    opened.allocate_tensors()
    return opened


@pytest.mark.parametrize(
    ("name", "nms", "method"),
    [
        *((name, 0.45, "hard") for name in (*DETECTORS, "retinanet-resnet34")),
        *(("yolov3-tiny", nms, "hard") for nms in (0.0, 1.0)),
        *((name, 0.45, "vote") for name in DETECTORS),
    ],
)
def test_boxes_are_those_of_the_zoos_decode(name, nms, method):
    size, options = DETECTORS.get(name, ((64, 200), {"anchor_preset": "keras-retinanet"}))
    spec = model_spec(name, 3, **options)
    outputs = outputs_of(spec, size, 1)
    if method == "hard":  # SSD's decode counts what isn't finite among the 400 candidates of a class, the graph doesn't
        outputs[0].reshape(-1, outputs[0].shape[-1])[::7, -1] = np.nan

    def found(*outputs):
        sides = [np.array([side], np.int32) for side in size]
        return find_boxes(spec, list(outputs), sides, np.float32(0.4), _least_overlap(nms), 20, method)

    given = [tf.TensorSpec(raw.shape, tf.float32, name=f"given_{place}") for place, raw in enumerate(outputs)]
    traced = tf.function(found, autograph=False).get_concrete_function(*given)
    content = tf.lite.TFLiteConverter.from_concrete_functions([traced], tf.Module()).convert()
    run = interpreter(content).get_signature_runner()
    fed = {f"given_{place}": raw for place, raw in enumerate(outputs)}
    assert_alike(run(**fed), spec, outputs, size, nms=nms, method=method)


def test_raw_leaves_boxes_out(tiny, tmp_path):
    out = tmp_path / "a.tflite"
    assert main(["export", str(tiny[0]), "--out", str(out), "--raw"]) == 0
    kinds = {operation["op_name"] for operation in interpreter(out.read_bytes())._get_ops_details()}
    assert "NON_MAX_SUPPRESSION_V4" not in kinds
    assert read_notes(out).metadata.kind == "raw"


def test_int8_leaves_what_predicts_and_decodes_in_float(tiny, tmp_path, capsys):
    root, out = synthesize(tmp_path / "data", images=20, size=(64, 48)), tmp_path / "a.tflite"
    assert main(["export", str(tiny[0]), "--out", str(out), "--int8", str(root)]) == 0
    assert "int8: mAP50 0." in capsys.readouterr().out
    opened = interpreter(out.read_bytes())
    dtypes = {tensor["index"]: tensor["dtype"] for tensor in opened.get_tensor_details()}
    floats, whole = set(), set()
    for operation in opened._get_ops_details():
        (floats if dtypes[operation["outputs"][0]] == np.float32 else whole).add(operation["op_name"])
    assert {"LEAKY_RELU", "MAX_POOL_2D", "PADV2"} <= whole - floats
    assert {"LOGISTIC", "TOPK_V2", "DEQUANTIZE"} <= floats - whole
    assert "CONV_2D" in floats & whole  # the last ones, and the others
    found, expected = read_notes(out).open().raw(IMAGES), read_notes(tiny[1]).open().raw(IMAGES)
    for ours, theirs in zip(found, expected, strict=True):
        # 1 % is nearly what 256 steps can do; with room for minus infinity all would be one value
        assert 0 < np.abs(ours - theirs).mean() < 0.02 * np.abs(theirs).max()


def test_nothing_of_someone_elses_is_replaced(tiny, tmp_path):
    out = tmp_path / "a.tflite"
    out.with_suffix(".json").write_text('{"mAP50": 1}')
    with pytest.raises(UserError, match=r"a\.json is there already and is no earlier result of this command"):
        main(["export", str(tiny[0]), "--out", str(out)])
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\0" * 100, "is no TFLite file; exporting it again would do"),
        (b"", "is no TFLite file; exporting it again would do"),
        (b"\x1c\0\0\0TFL3" + b"\0" * 100, "LiteRT doesn't take"),
    ],
)
def test_odd_files_are_one_sentence(tiny, tmp_path, content, sentence):
    out = tmp_path / "a.tflite"
    out.write_bytes(content)
    out.with_suffix(".json").write_bytes(tiny[1].with_suffix(".json").read_bytes())
    with pytest.raises(UserError, match=sentence):
        trizoo.load(out)
    out.with_suffix(".json").unlink()
    with pytest.raises(UserError, match=r"is no TFLite file|has no a\.json beside it"):
        trizoo.load(out)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--size", "dynamic"], "--size is dynamic, and TFLite is for one size; name it, or leave it out"),
        (["--batch", "dynamic"], "--batch is dynamic, and TFLite is for one batch"),
        (["--raw", "--nms", "0.5"], "--nms is for boxes, and with --raw nothing is decoded; leave it out"),
    ],
)
def test_what_tflite_cant_do_is_one_sentence(tiny, flags, sentence):
    with pytest.raises(UserError, match=sentence):
        main(["export", str(tiny[0]), "--to", "tflite", *flags])


def test_images_of_sizes_of_their_own_need_onnx(checkpoint):
    path = checkpoint("yolov3-tiny", (96, 64), resize="keep_ratio")
    with pytest.raises(UserError, match="--to onnx with --size dynamic is needed"):
        main(["export", str(path), "--to", "tflite"])
