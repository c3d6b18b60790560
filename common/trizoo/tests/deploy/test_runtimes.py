"""Exported files as models: in parts, of one size, and the sentences where that can't be."""

from dataclasses import replace

import numpy as np
import pytest

from trizoo.deploy.metadata import describe, parse
from trizoo.deploy.runtimes import RUNTIMES, Exported, Opened, is_exported, make_model, read_model, runtime_of
from trizoo.ground.conventions import EXPORTED
from trizoo.ground.errors import UserError
from trizoo.recipes.schema import Recipe
from trizoo.training.specs import spec_of

RECIPE = Recipe(model={"name": "yolov3-tiny"}, classes=("a", "b"), input_size=(96, 64))


def exported(**changes):
    options = {"raw": False, "dynamic_size": False, "batch": None, "precision": "fp32", "licence": None}
    thresholds = {"confidence": 0.3, "nms": 0.4, "max_detections": 7}
    text = describe(RECIPE, spec_of(RECIPE), **options | changes, thresholds=thresholds).to_json()
    return Exported("a.onnx", *parse(text, "a.onnx"))


class FakeSession:
    """Gives for each image as many numbers as its first pixel says, each of that value; keeps what it was given."""

    def __init__(self):
        self.counts, self.asked = [], []

    def __call__(self, images, names, numbers):
        self.counts.append(len(images))
        self.asked.append((tuple(names), numbers))
        firsts = images[:, 0, 0, 0]
        output = np.zeros((len(images), int(firsts.max())), np.float32)
        for row, first in zip(output, firsts, strict=True):
            row[:first] = first
        return [output for _ in names]


def images_of(*firsts, size=(96, 64)):
    images = np.zeros((len(firsts), size[1], size[0], 3), np.uint8)
    images[:, 0, 0, 0] = firsts
    return images


def test_the_command_line_knows_every_ending():
    assert tuple(RUNTIMES) == EXPORTED
    assert [is_exported(f"best{ending.upper()}") for ending in RUNTIMES] == [True] * len(RUNTIMES)
    assert not is_exported("best.h5")


def test_a_file_for_so_many_images_gets_them_in_parts_and_the_last_one_filled_up():
    session = FakeSession()
    opened = Opened(exported(batch=2), session)
    (found,) = opened.outputs(images_of(1, 3, 2), ["x"])
    assert session.counts == [2, 2]
    np.testing.assert_array_equal(found, [[1, 0, 0], [3, 3, 3], [2, 2, 0]])


def test_places_that_are_filled_up_hold_no_label():
    def session(images, names, numbers):
        return [np.ones((1, int(images[0, 0, 0, 0])), np.int64)]

    (labels,) = Opened(exported(batch=1), session).outputs(images_of(1, 2), ["labels"])
    np.testing.assert_array_equal(labels, [[1, -1], [1, 1]])


def test_a_folder_of_any_name_with_a_saved_model_is_tensorflows(tmp_path):
    folder = tmp_path / "best.onnx"
    folder.mkdir()
    assert runtime_of(folder).title == "ONNX Runtime"
    (folder / "saved_model.pb").touch()
    assert runtime_of(folder).title == runtime_of("best.SavedModel").title == "TensorFlow"
    assert not is_exported(tmp_path)


def test_a_file_for_any_number_gets_them_at_once():
    session = FakeSession()
    Opened(exported(), session).outputs(images_of(1, 3, 2), ["x"])
    assert session.counts == [3]


def test_names_are_those_of_what_is_asked_for():
    session = FakeSession()
    opened = Opened(exported(), session)
    opened(images_of(1))
    opened.raw(images_of(1))
    opened.boxes(images_of(1), confidence=0.1)
    boxes, raw = ("boxes", "scores", "labels"), ("head_p5", "head_p4")
    assert session.asked == [(boxes, {}), (raw, {}), (boxes, {"confidence": 0.1})]


def test_an_image_of_another_size_is_one_sentence_unless_all_sizes_will_do():
    images = images_of(1, size=(64, 96))
    with pytest.raises(UserError, match=r"a\.onnx is for images of 96x64, and 64x96 is asked for; trizoo export"):
        Opened(exported(), FakeSession())(images)
    assert len(Opened(exported(dynamic_size=True), FakeSession())(images)) == 3


def test_what_a_runtime_raises_is_one_sentence():
    def broken(images, names, numbers):
        raise RuntimeError("first line\nsecond line")

    with pytest.raises(UserError, match=r"^ONNX Runtime can't run a\.onnx: first line$"):
        Opened(exported(), broken)(images_of(1))


def test_another_precision_than_the_files_own_is_refused():
    with pytest.raises(UserError, match=r"a\.onnx was written in fp16, and a precision of fp32 was asked for; leave"):
        make_model(runtime_of("a.onnx"), exported(precision="fp16"), "cpu", "fp32")


def test_a_file_in_fp32_is_computed_in_bf16_where_its_runtime_can_and_that_is_asked_for(monkeypatch):
    files = {name: replace(exported(), path=f"a{name}") for name in (".xml", ".onnx")}
    for native, auto in (True, "bf16"), (False, "fp32"):
        monkeypatch.setattr("trizoo.deploy.runtimes.cpu_multiplies_bf16", lambda native=native: native)
        wanted = (None, "auto", "fp32", "bf16")
        assert [files[".xml"].precision(one) for one in wanted] == ["fp32", auto, "fp32", "bf16"]
        assert files[".onnx"].precision("auto") == "fp32"
    with pytest.raises(UserError, match=r"a\.onnx was written in fp32, and a precision of bf16 was asked for; leave"):
        files[".onnx"].precision("bf16")
    whole = replace(exported(precision="int8"), path="a.xml")
    assert whole.precision("auto") == "int8"


def test_another_input_size_than_a_files_fixed_one_is_refused_before_any_image():
    read = exported()
    other = replace(read, recipe=read.recipe.model_copy(update={"input_size": (160, 128)}))
    with pytest.raises(UserError, match=r"a\.onnx takes images of 96x64 and 160x128 is asked for; leave --input-size"):
        make_model(runtime_of("a.onnx"), other, "cpu", "auto")


@pytest.mark.parametrize("ending", RUNTIMES)
def test_a_runtime_that_isnt_installed_is_one_sentence(monkeypatch, ending):
    monkeypatch.setattr("trizoo.deploy.runtimes.is_installed", lambda library: False)
    runtime = RUNTIMES[ending]
    for use in (runtime.versions, runtime.load, lambda: runtime.device("auto")):
        with pytest.raises(UserError, match=f"{runtime.title} isn't installed; pip install {runtime.install} would do"):
            use()


def test_a_runtime_doesnt_train():
    with pytest.raises(UserError, match=r"ONNX Runtime doesn't train; the checkpoint \(\.h5\) that was exported is"):
        RUNTIMES[".onnx"].loss(None, None)


def test_a_checkpoint_is_read_as_before(tmp_path):
    with pytest.raises(UserError, match=r"none\.h5"):
        read_model(tmp_path / "none.h5")
