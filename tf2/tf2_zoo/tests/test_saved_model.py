"""`trizoo export --to saved-model`: folders that do as the zoo does, by TensorFlow alone."""

import json
import os
import re

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

import trizoo
from trizoo.commands.main import main
from trizoo.data.synthetic import draw_image, synthesize
from trizoo.deploy.check import matched
from trizoo.deploy.endings import GRAPH, NOTES
from trizoo.deploy.runtimes import read_notes
from trizoo.deploy.saved_model_runtime import check_operations
from trizoo.ground.errors import UserError
from trizoo.tests.exported import assert_classifier_is_exported

pytest.importorskip("ai_edge_litert", reason="slow, and run by tox -e export-tflite")

CLASSES = ("circle", "square", "triangle")
IMAGE = draw_image(1, (130, 70), CLASSES, seed=0)[0]


@pytest.fixture(scope="module")
def tiny(checkpoint):
    """A checkpoint of YOLOv3-tiny and its export for images of any size: two paths."""
    path = checkpoint("yolov3-tiny", (96, 64))
    assert main(["export", str(path), "--to", "saved-model", "--size", "dynamic"]) == 0
    return path, path.with_suffix(".savedmodel")


@pytest.fixture
def copied(tiny, tmp_path):
    """A copy of the export, whose graph may be changed: its path."""
    copy = tmp_path / "copied"
    for file in tiny[1].rglob("*"):
        if file.is_file():
            place = copy / file.relative_to(tiny[1])
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())
    return copy


def test_detections_are_those_of_the_checkpoint(tiny):
    images = [IMAGE, IMAGE[::-1], IMAGE[:, ::-1]]
    expected = trizoo.load(tiny[0], "tf2")(images)
    for found, wanted in zip(trizoo.load(tiny[1])(images), expected, strict=True):
        assert len(wanted) > 1
        assert len(matched(found, wanted, 0.99, 1e-5)) == len(found) == len(wanted)


def test_metrics_are_those_of_the_checkpoint(tiny, tmp_path):
    root, metrics = synthesize(tmp_path / "data", images=20, size=(96, 64)), []
    for place, (weights, flags) in enumerate(((tiny[0], ["--framework", "tf2"]), (tiny[1], []))):
        out = tmp_path / f"{place}.json"
        assert main(["evaluate", "--weights", str(weights), "--data", str(root), "--json", str(out), *flags]) == 0
        metrics.append(json.loads(out.read_text()))
    assert metrics[0]["mAP50"] > 0
    for name in ("mAP50", "mAP"):
        assert abs(metrics[0][name] - metrics[1][name]) < 1e-3


def test_other_programs_get_boxes_by_name_and_give_thresholds(tiny):
    loaded = tf.saved_model.load(str(tiny[1]))
    images = tf.constant(np.stack([draw_image(n, (128, 96), CLASSES, seed=1)[0] for n in range(3)]))
    found = loaded.signatures["serving_default"](images=images)
    assert set(found) == {"boxes", "scores", "labels", "head_p5", "head_p4"}
    assert found["boxes"].shape[0] == 3
    assert found["labels"].dtype == tf.int64
    more = loaded.signatures["thresholds"](
        images=images, confidence=tf.constant(0.05), nms=tf.constant(0.9), max_detections=tf.constant(7, tf.int64)
    )
    assert more["scores"].shape == (3, 7)
    assert set(loaded.signatures["raw"](images=images)) == {"head_p5", "head_p4"}


def test_masks_are_those_of_the_checkpoint(checkpoint, tmp_path):
    path, out = checkpoint("deeplabv3plus-mobilenetv2", (72, 50)), tmp_path / "1"  # as TensorFlow Serving names them
    assert main(["export", str(path), "--to", "saved-model", "--half", "--batch", "2", "--out", str(out)]) == 0
    metadata = read_notes(out).metadata
    assert (metadata.precision, metadata.batch, metadata.outputs) == ("fp16", 2, ("mask",))
    assert (trizoo.load(out)(IMAGE) == trizoo.load(path, "tf2")(IMAGE)).mean() > 0.99


@pytest.mark.parametrize("kind", ["classification", "multilabel"])
def test_a_classifier_ends_in_probabilities(zoo, kind, tmp_path, capsys):
    assert_classifier_is_exported(zoo, "tf2", "saved-model", tmp_path, capsys, ["--size", "dynamic"], kind=kind)


def test_corners_that_meet_are_exported(checkpoint, tmp_path):
    path, out = checkpoint("deeplabv3plus-mobilenetv2", (72, 50), options={"align_corners": True}), tmp_path / "1"
    assert main(["export", str(path), "--to", "saved-model", "--size", "dynamic", "--out", str(out)]) == 0
    expected, found = (trizoo.load(source, *framework)(IMAGE) for source, *framework in ((path, "tf2"), (out,)))
    assert (found == expected).mean() > 0.999


@pytest.mark.parametrize("model", ["ssd300-mobilenetv2", "retinanet-resnet18"])
def test_boxes_of_anchors_agree_too(checkpoint, model, capsys):
    path = checkpoint(model, (300, 300) if model.startswith("ssd") else (96, 64))
    size = [] if model.startswith("ssd") else ["--size", "dynamic"]
    assert main(["export", str(path), "--to", "saved-model", "--confidence", "0.05", *size]) == 0
    found, boxes = map(int, re.search(r"(\d+) of (\d+) boxes equal", capsys.readouterr().out).groups())
    assert 0 < 0.98 * boxes <= found


def test_an_earlier_export_is_replaced_and_nothing_else(tiny, copied, tmp_path):
    assert main(["export", str(tiny[0]), "--to", "saved-model", "--raw", "--out", str(copied)]) == 0
    assert read_notes(copied).metadata.kind == "raw"
    (copied / "mine.txt").touch()
    with pytest.raises(UserError, match="isn't empty and holds no earlier results of this command"):
        main(["export", str(tiny[0]), "--to", "saved-model", "--out", str(copied)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copied"]


def test_another_programs_folder_is_refused_before_tensorflow_opens_it(tmp_path, monkeypatch):
    tf.saved_model.save(tf.Module(), str(tmp_path / "a"))
    monkeypatch.setattr("tensorflow.saved_model.load", None)
    with pytest.raises(UserError, match=r"a wasn't written by trizoo export, so its outputs aren't known"):
        trizoo.load(tmp_path / "a")
    with pytest.raises(UserError, match=r"a wasn't written by trizoo export"):
        main(["evaluate", "--data", str(tmp_path), "--weights", str(tmp_path / "a")])


def changed(folder, change):
    """Changes a SavedModel's first graph."""
    model = SavedModel.FromString((folder / GRAPH).read_bytes())
    change(model.meta_graphs[0])
    (folder / GRAPH).write_bytes(model.SerializeToString())


def reads_a_file(graph):
    node = graph.graph_def.library.function[0].node_def.add()
    node.name, node.op = "more", "ReadFile"


def calls_the_saver(graph):
    saver = next(f.signature.name for f in graph.graph_def.library.function if "traced_save" in f.signature.name)
    served = next(f for f in graph.graph_def.library.function if "traced" not in f.signature.name)
    node = served.node_def.add()
    node.name, node.op = "more", "StatefulPartitionedCall"
    node.attr["f"].func.name = saver


def offers_the_saver(graph):
    saver = next(f.signature.name for f in graph.graph_def.library.function if "traced_save" in f.signature.name)
    graph.object_graph_def.nodes.add().function.concrete_functions.append(saver)


def has_an_asset(graph):
    graph.asset_file_def.add().filename = "../../etc"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (reads_a_file, "ReadFile"),
        (calls_the_saver, "traced_save"),
        (offers_the_saver, "traced_save"),
        (has_an_asset, "etc"),
    ],
)
def test_a_graph_that_could_touch_files_isnt_opened(copied, monkeypatch, change, what):
    check_operations(copied)
    changed(copied, change)
    monkeypatch.setattr("tensorflow.saved_model.load", None)
    with pytest.raises(UserError, match=rf"copied does what no model of TriZoo does \(.*{what}.*\), and some"):
        trizoo.load(copied)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (GRAPH, b"\xff" * 99, r"TensorFlow doesn't take .*copied: Error parsing message"),
        (GRAPH, b"", r"copied/saved_model\.pb is of another form than trizoo export writes"),
        (NOTES, b"{", "has notes of TriZoo's that are no JSON object"),
        ("variables/variables.index", b"x" * 99, "TensorFlow doesn't take .*copied"),
        ("saved_model.cpb", b"", r"holds saved_model\.cpb, which trizoo export doesn't write"),
        ("variables/fifo", None, "holds variables/fifo, which"),
    ],
    ids=["no protobuf", "empty", "notes", "weights", "another form", "pipe"],
)
def test_odd_folders_are_one_sentence(copied, name, content, sentence):
    if content is None:
        os.mkfifo(copied / name)
    else:
        (copied / name).write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        trizoo.load(copied)


def test_there_is_no_int8(tiny):
    with pytest.raises(UserError, match="--int8 is for onnx or openvino or tflite, and not for SavedModel; leave it"):
        main(["export", str(tiny[0]), "--to", "saved-model", "--int8", "data"])
