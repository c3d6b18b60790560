"""`trizoo export --to tflite`: files that do as TensorFlow does, and need no framework."""

import json

import pytest

import trizoo
from trizoo.commands.main import main
from trizoo.data.synthetic import draw_image
from trizoo.deploy.check import matched
from trizoo.deploy.runtimes import read_notes
from trizoo.ground.errors import UserError
from trizoo.parity.probe import loss_section
from trizoo.parity.pseudo import pseudo_arrays
from trizoo.recipes.load import to_dict
from trizoo.recipes.schema import Recipe
from trizoo.training.build import spec_of
from trizoo.weights.checkpoint import Checkpoint, save

pytest.importorskip("ai_edge_litert")

CLASSES = ("circle", "square", "triangle")
IMAGE = draw_image(1, (130, 70), CLASSES, seed=0)[0]


@pytest.fixture(scope="module")
def checkpoint(zoo, tmp_path_factory):
    """Makes a checkpoint of a model, with weights made from names: its path."""
    folder = tmp_path_factory.mktemp("checkpoints")

    def make(model, size, **changes):
        recipe = Recipe(
            model={"name": model},
            classes=CLASSES,
            input_size=size,
            loss=loss_section(model),
            predict={"score": 0.2},
            **changes,
        )
        path = folder / f"{model}{len(list(folder.iterdir()))}.h5"
        arrays = pseudo_arrays(zoo.shapes(zoo.build(spec_of(recipe), zoo.device("cpu"), seed=None)))
        save(path, Checkpoint(arrays, to_dict(recipe), "tf2"))
        return path

    return make


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
    assert (metadata.kind, metadata.batch, metadata.dynamic_size) == ("raw", 1, False)
    assert json.loads(tiny[1].with_suffix(".json").read_text(encoding="utf-8"))["recipe"]["classes"] == [*CLASSES]


def test_masks_are_those_of_the_checkpoint(checkpoint):
    path = checkpoint("deeplabv3plus-mobilenetv2", (72, 50))
    assert main(["export", str(path), "--to", "tflite", "--half"]) == 0
    out = path.with_suffix(".tflite")
    assert read_notes(out).metadata.precision == "fp16"
    assert (trizoo.load(out)(IMAGE) == trizoo.load(path, "tf2")(IMAGE)).mean() > 0.99


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
    with pytest.raises(UserError, match=r"is no TFLite file|wasn't written by trizoo export"):
        trizoo.load(out)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--size", "dynamic"], "--size is dynamic, and TFLite is for one size; name it, or leave it out"),
        (["--batch", "dynamic"], "--batch is dynamic, and TFLite is for one batch"),
        (["--nms", "0.5"], "--nms is for boxes, and in TFLite nothing is decoded; leave it out"),
        (["--int8", "data"], "--int8 is for onnx or openvino, and not for TFLite; leave it out, or --half would do"),
    ],
)
def test_what_tflite_cant_do_is_one_sentence(tiny, flags, sentence):
    with pytest.raises(UserError, match=sentence):
        main(["export", str(tiny[0]), "--to", "tflite", *flags])


def test_images_of_sizes_of_their_own_need_onnx(checkpoint):
    path = checkpoint("yolov3-tiny", (96, 64), resize="keep_ratio")
    with pytest.raises(UserError, match="--to onnx with --size dynamic is needed"):
        main(["export", str(path), "--to", "tflite"])
