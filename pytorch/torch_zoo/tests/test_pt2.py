"""`trizoo export --to torch-export`: programs that do as network and decode, and are read without unpickling."""

import json
import os
import sys
import zipfile

import numpy as np
import pytest
import torch

import trizoo
from torch_zoo.ends import suppress
from trizoo.augment.letterbox import Placement
from trizoo.commands.main import main
from trizoo.data.synthetic import synthesize
from trizoo.deploy.check import matched
from trizoo.deploy.runtimes import read_notes
from trizoo.ground.boxes import nms
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Detections
from trizoo.tests.exported import (
    MODELS,
    assert_classifier_is_exported,
    assert_same_metrics,
    image,
    method_of,
    write_checkpoint,
)

pytestmark = pytest.mark.skipif("TRIZOO_SLOW" not in os.environ, reason="takes minutes: tox -e export runs it")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return synthesize(tmp_path_factory.mktemp("data") / "shapes", images=8, size=(96, 64))


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
    assert main(["export", str(path), "--to", "torch-export", "--size", "dynamic"]) == 0
    return path, path.with_suffix(".pt2")


def decoded(spec, outputs, size):
    """Of images that fill their input, as the file's thresholds say."""
    places = [Placement(size, size, size, 0, 0)] * len(outputs[0])
    thresholds = {"score": 0.2, "threshold": 0.4, "max_detections": 100, "method": method_of(spec.name)}
    return spec.decode(outputs, places, size, **thresholds)


def same_boxes(found, expected):
    """Boxes, scores and labels of images against their `Detections`; how many there are."""
    for boxes, scores, labels, wanted in zip(*found, expected, strict=True):
        there = labels >= 0
        own = Detections(boxes[there], scores[there], labels[there])
        assert len(matched(own, wanted, 0.98, 1e-3)) == len(own) == len(wanted)
        assert not boxes[~there].any()
        assert not scores[~there].any()
    most = max(map(len, expected))
    assert found[1].shape[1] == most
    return most


@pytest.mark.parametrize("model", list(MODELS)[1:])
def test_every_family_is_exported_and_checked(checkpoint, capsys, model):
    path = checkpoint(model)
    assert main(["export", str(path), "--to", "torch-export"]) == 0
    said = capsys.readouterr().out
    assert ("of the mask's pixels equal" if "deeplab" in model else "boxes equal") in said
    exported = read_notes(path.with_suffix(".pt2"))
    opened = exported.open()
    images = np.stack([image(MODELS[model], number) for number in range(3)])
    if "deeplab" in model:
        np.testing.assert_array_equal(opened(images)[0], opened.raw(images)[0].argmax(axis=3))
    else:
        assert same_boxes(opened(images), decoded(exported.spec, opened.raw(images), MODELS[model])) > 5
    expected, found = (trizoo.load(source, precision="fp32")(image()) for source in (path, path.with_suffix(".pt2")))
    if "deeplab" in model:
        assert (found == expected).mean() > 0.999
    else:
        assert len(matched(found, expected, 0.99, 1e-5)) == len(found) == len(expected) > 1


@pytest.mark.parametrize("kind", ["classification", "multilabel"])
def test_a_classifier_ends_in_probabilities(zoo, kind, tmp_path, capsys):
    assert_classifier_is_exported(zoo, "pytorch", "torch-export", tmp_path, capsys, ["--size", "dynamic"], kind=kind)


def test_corners_that_meet_are_exported(checkpoint):
    path = checkpoint("deeplabv3plus-mobilenetv2", options={"align_corners": True})
    assert main(["export", str(path), "--to", "torch-export"]) == 0
    expected, found = (trizoo.load(source, precision="fp32")(image()) for source in (path, path.with_suffix(".pt2")))
    assert (found == expected).mean() > 0.999


def test_one_file_takes_sizes_and_numbers_of_images(tiny):
    exported = read_notes(tiny[1])
    opened, trained = exported.open(), trizoo.load(tiny[0])
    predict = trained.framework.predictor(trained.model, "fp32", trained.device)
    for size, count in (((32, 32), 1), ((224, 96), 3)):
        images = np.stack([image(size, number) for number in range(count)])
        outputs = predict(images)
        for found, expected in zip(opened.raw(images), outputs, strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
        same_boxes(opened(images), decoded(exported.spec, outputs, size))


def test_pytorch_alone_reads_it_too(tiny):
    program = torch.export.load(tiny[1]).module()
    images = np.stack([image((160, 96), number) for number in range(2)])
    found = program(torch.from_numpy(images))
    assert list(found) == ["boxes", "scores", "labels", "head_p5", "head_p4"]
    opened = read_notes(tiny[1]).open()
    for name, ours in zip(("boxes", "scores", "labels"), opened(images), strict=True):
        np.testing.assert_allclose(found[name].detach().numpy(), ours, atol=1e-4)


def test_no_pickle_and_no_path_of_this_machine_is_in_the_file(tiny, data):
    with zipfile.ZipFile(tiny[1]) as archive:
        contents = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    assert contents["data/sample_inputs/model.pt"] == b""
    whole = b"".join(contents.values())
    for text in (str(data).encode(), b"torch_zoo", b".py"):
        assert text not in whole


def test_nothing_found_is_no_box(tiny, tmp_path):
    out = tmp_path / "none.pt2"
    assert main(["export", str(tiny[0]), "--out", str(out), "--confidence", "1", "--batch", "2"]) == 0
    boxes, scores, labels = read_notes(out).open()(np.zeros((2, 64, 96, 3), np.uint8))
    assert (boxes.shape, scores.shape, labels.shape) == ((2, 0, 4), (2, 0), (2, 0))
    with pytest.raises(UserError, match=r"is for images of 96x64, and 64x96 is asked for; trizoo export"):
        read_notes(out).open()(np.zeros((1, 96, 64, 3), np.uint8))


def test_nms_is_the_zoos_also_of_equal_scores_and_boxes():
    random = np.random.default_rng(0)
    corners = random.integers(0, 12, (3, 60, 2)).astype(np.float32)
    boxes = np.concatenate([corners, corners + random.integers(1, 9, (3, 60, 2))], axis=2).astype(np.float32)
    scores = random.integers(1, 5, (3, 60)).astype(np.float32) / 8  # four scores in sixty boxes
    scores[2] = -1  # of which nothing is a candidate
    labels = random.integers(0, 2, (3, 60))
    for threshold, most in ((0.0, 100), (0.3, 100), (0.5, 7), (1.0, 100)):
        given = (torch.from_numpy(array) for array in (boxes, scores, labels))
        found = [part.numpy() for part in suppress(*given, threshold, most)]
        for number in range(3):
            options = {"threshold": threshold, "min_score": 0, "max_detections": most}
            kept, _ = nms(boxes[number], scores[number], labels[number], **options)
            empty = found[1].shape[1] - len(kept)
            np.testing.assert_array_equal(found[0][number], np.pad(boxes[number][kept], ((0, empty), (0, 0))))
            np.testing.assert_array_equal(found[1][number], np.pad(scores[number][kept], (0, empty)))
            labelled = np.pad(labels[number][kept], (0, empty), constant_values=-1)
            np.testing.assert_array_equal(found[2][number], labelled)


def test_evaluate_gives_the_same_metrics(tiny, data, tmp_path):
    assert_same_metrics(tiny, "pytorch", data, tmp_path)


def test_predict_needs_pytorch_alone_and_no_pickle(tiny, data, tmp_path, monkeypatch, capsys):
    def refuse(*_, **__):
        raise AssertionError("something was unpickled")

    for name in ("torch_zoo.framework", "tensorflow", "keras", "jax"):
        monkeypatch.setitem(sys.modules, name, None)
    for place in ("torch.load", "torch.export.load", "pickle.loads", "pickle.load"):
        monkeypatch.setattr(place, refuse)
    photos = str(data / "JPEGImages" / "00000*.jpg")
    assert main(["predict", photos, "--weights", str(tiny[1]), "--out", str(tmp_path / "out"), "--json"]) == 0
    assert "PyTorch 2" in capsys.readouterr().out
    found = json.loads((tmp_path / "out" / "detections.json").read_text(encoding="utf-8"))
    assert sum(len(each["detections"]) for each in found) > 3


def test_raw_and_half(tiny, tmp_path):
    out = tmp_path / "raw.pt2"
    assert main(["export", str(tiny[0]), "--out", str(out), "--raw", "--half"]) == 0
    assert out.stat().st_size < 0.55 * tiny[1].stat().st_size
    exported = read_notes(out)
    assert (exported.metadata.kind, exported.metadata.precision) == ("raw", "fp16")
    with pytest.raises(UserError, match="keeps the thresholds that it was exported with"):
        read_notes(tiny[1]).open().boxes(image((96, 64))[None], confidence=0.1)


def test_int8_is_refused_before_any_work(tiny):
    with pytest.raises(UserError, match=r"--int8 is for onnx or .*, and not for torch.export; leave it out, or --half"):
        main(["export", str(tiny[0]), "--to", "torch-export", "--int8", "data"])


def test_a_program_of_somebody_else_is_one_sentence(tmp_path):
    path = tmp_path / "other.pt2"
    torch.export.save(torch.export.export(torch.nn.ReLU(), (torch.zeros(2),)), path)
    with pytest.raises(UserError, match=r"other\.pt2 wasn't written by trizoo export"):
        trizoo.load(path)


def test_a_graph_that_fails_as_it_runs_is_one_sentence(tiny, tmp_path):
    path = tmp_path / "odd.pt2"
    with zipfile.ZipFile(tiny[1]) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content.replace(b"aten.leaky_relu.", b"aten.matmul."))
    with pytest.raises(UserError, match=r"PyTorch can't run .*odd\.pt2: "):
        trizoo.load(path)(image())
