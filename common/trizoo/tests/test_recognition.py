"""trizoo.load_recognizer, on models that are none."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import trizoo
from trizoo import recognition
from trizoo.families import model_spec
from trizoo.gallery.file import load, save
from trizoo.gallery.gallery import Entry, Gallery
from trizoo.gallery.pictures import fingerprint
from trizoo.recipes.schema import Recipe
from trizoo.tests.galleries import mean_colours

RED, GREEN, BLUE = (220, 60, 60), (60, 220, 60), (60, 60, 220)


def picture(colour):
    return np.full((6, 8, 3), colour, np.uint8)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with weights e.h5 and d.h5, and a gallery g.h5 of red and blue."""
    monkeypatch.chdir(tmp_path)
    spec, recipe = model_spec("yolov3-tiny", 1), Recipe(classes=("a",))
    (tmp_path / "e.h5").write_bytes(b"embedding")
    (tmp_path / "d.h5").write_bytes(b"detector")
    about = fingerprint("e.h5", spec, recipe)
    vectors = mean_colours([picture(RED), picture(BLUE)])
    pairs = zip(("red", "blue"), vectors, strict=True)
    whole = Gallery(about, threshold=0.9, chosen=True)
    save("g.h5", whole.joined([Entry(name, name, name.encode().ljust(32), vector) for name, vector in pairs]))
    monkeypatch.setattr(
        recognition,
        "_loaded",
        lambda weights, framework, task, **_: SimpleNamespace(spec=spec, recipe=recipe, pipeline=mean_colours),
    )
    return tmp_path


def test_an_image_has_a_result_and_several_have_a_list(place):
    recognizer = trizoo.load_recognizer("g.h5", "e.h5")
    assert recognizer(picture(RED)).names == ("red",)
    Image.fromarray(picture(BLUE)).save("blue.png")
    assert [found.names for found in recognizer([picture(GREEN), "blue.png"])] == [(None,), ("blue",)]
    assert isinstance(recognizer(picture(RED)), trizoo.Recognized)
    assert (recognizer.names, recognizer.threshold) == ({"blue": 1, "red": 1}, 0.9)


def test_an_unknown_thing_is_known_once_it_is_added_and_unknown_once_it_is_removed(place):
    recognizer = trizoo.load_recognizer("g.h5", "e.h5")
    Image.fromarray(picture(GREEN)).save("green.png")
    assert recognizer.add("green", [picture(GREEN), "green.png", "green.png"]) == 2
    assert recognizer(picture(GREEN)).names == ("green",)
    recognizer.save("new.h5")
    recognizer.save("new.h5")  # which replaces a gallery, and nothing else
    Path("notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(trizoo.UserError, match=r"notes\.txt"):
        recognizer.save("notes.txt")
    assert Path("notes.txt").read_text(encoding="utf-8") == "mine"
    assert load("new.h5").counts == {"blue": 1, "green": 2, "red": 1}
    assert load("g.h5").counts == {"blue": 1, "red": 1}
    recognizer.remove("green")
    assert recognizer(picture(GREEN)).names == (None,)
    with pytest.raises(trizoo.UserError, match="holds no picture of 'gren'"):
        recognizer.remove("gren")


def test_what_is_no_path_and_no_name_is_told_by_its_argument(place):
    for given, words in (((None, "e.h5"), "gallery is None"), (("g.h5", 3), "embedding is 3")):
        with pytest.raises(TypeError, match=f"{words}; text or a path is needed"):
            trizoo.load_recognizer(*given)
    with pytest.raises(TypeError, match="detector is 3; text or a path is needed"):
        trizoo.load_recognizer("g.h5", "e.h5", 3)
    with pytest.raises(TypeError, match="name is 3; text is needed"):
        trizoo.load_recognizer("g.h5", "e.h5").add(3, [picture(RED)])


def test_a_gallery_without_a_picture_is_named(place):
    save("none.h5", load("g.h5").without(["red", "blue"]))
    with pytest.raises(trizoo.UserError, match=r"the gallery none\.h5 holds no picture"):
        trizoo.load_recognizer("none.h5", "e.h5")


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"threshold": 2}, "threshold is 2; -1 to 1 is needed"),
        ({"neighbours": 0}, "neighbours is 0; 1 or more is needed"),
        ({"confidence": -1}, "confidence is -1; 0 to 1 is needed"),
        ({"margin": 1.5}, "margin is 1.5; 0 to 1 is needed"),
        ({"margin": None}, "margin is None; a number is needed"),
        ({"threshold": "0.5"}, "threshold is '0.5'; -1 to 1 is needed"),
        ({"neighbours": 1.5}, "neighbours is 1.5; a whole number is needed"),
        ({"confidence": 0}, "confidence is 0, which is of what a detector finds; detector is needed too"),
        ({"whole": True}, "whole is True, which is of what a detector finds"),
    ],
)
def test_a_number_out_of_its_range_is_named(place, option, words):
    with pytest.raises(ValueError, match=words):
        trizoo.load_recognizer("g.h5", "e.h5", **option)


def test_other_weights_than_the_gallerys_are_refused(place):
    with pytest.raises(trizoo.UserError, match=r"g\.h5 holds vectors of other weights"):
        trizoo.load_recognizer("g.h5", "d.h5")


def test_a_model_of_another_task_is_refused(monkeypatch):
    monkeypatch.setattr(recognition, "load", lambda *_, **__: SimpleNamespace(spec=model_spec("yolov3-tiny", 1)))
    with pytest.raises(
        trizoo.UserError, match=r"e\.h5 is of yolov3-tiny, which is for detection; a model for embedding is needed"
    ):
        recognition._loaded("e.h5", None, "embedding", device="cpu", offline=False)


def test_one_picture_that_is_added_is_one_and_no_list_of_letters(place):
    recognizer = trizoo.load_recognizer("g.h5", "e.h5")
    Image.fromarray(picture(GREEN)).save("green.png")
    assert recognizer.add("green", "green.png") == 1
    assert recognizer.add("green", picture(GREEN)) == 1
    assert recognizer.add("green", iter(["green.png"])) == 0


def test_a_batch_size_of_no_image_and_a_name_of_nothing_are_refused(place):
    recognizer = trizoo.load_recognizer("g.h5", "e.h5")
    with pytest.raises(ValueError, match="batch_size is 0; a whole number of at least 1"):
        recognizer(picture(RED), batch_size=0)
    with pytest.raises(trizoo.UserError, match="is blank"):
        recognizer.add("", [picture(RED)])


def test_a_picture_that_cannot_be_read_is_a_sentence(place):
    with pytest.raises(trizoo.UserError, match=r"none\.png"):
        trizoo.load_recognizer("g.h5", "e.h5").add("x", ["none.png"])
