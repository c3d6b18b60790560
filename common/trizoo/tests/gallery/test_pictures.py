import hashlib

import pytest
from PIL import Image

from trizoo.families import model_spec
from trizoo.gallery.pictures import digest_of, embed, find_pictures, fingerprint
from trizoo.ground.errors import UserError
from trizoo.recipes.schema import Recipe
from trizoo.tests.galleries import mean_colours


def picture(path, colour):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), colour).save(path)


@pytest.fixture
def things(tmp_path):
    picture(tmp_path / "things" / "red" / "1.png", (200, 0, 0))
    picture(tmp_path / "things" / "red" / "2.png", (210, 0, 0))
    picture(tmp_path / "things" / "blue" / "1.png", (0, 0, 200))
    return tmp_path / "things"


def test_folders_are_names(things):
    found = find_pictures(things)
    assert sorted((one.name, one.shown) for one in found) == [
        ("blue", "blue/1.png"),
        ("red", "red/1.png"),
        ("red", "red/2.png"),
    ]
    assert all(one.path.is_file() for one in found)


def test_folders_of_splits_are_looked_into(things):
    picture(things.parent / "all" / "train" / "red" / "1.png", (200, 0, 0))
    picture(things.parent / "all" / "test" / "green" / "2.png", (0, 200, 0))
    assert {one.name for one in find_pictures(things.parent / "all")} == {"red", "green"}


@pytest.mark.parametrize("name", ["\u200b", "a\x07b", "unknown"])
def test_a_name_that_things_cannot_have_is_told_with_its_source(things, name):
    (things / "some.tsv").write_text(f"red/1.png\t{name}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"some\.tsv: .*name"):
        find_pictures(things / "some.tsv")


def test_one_name_is_enough(things):
    (things / "blue" / "1.png").unlink()
    assert {one.name for one in find_pictures(things)} == {"red"}


def test_a_list_is_seen_from_its_folder(things):
    (things / "some.tsv").write_text("red/1.png\tscarlet\nblue/1.png\tnavy\n")
    found = find_pictures(things / "some.tsv")
    assert [(one.name, one.shown) for one in found] == [("scarlet", "red/1.png"), ("navy", "blue/1.png")]


def test_a_name_is_for_all_below_a_folder_or_for_one_file(things):
    assert [one.name for one in find_pictures(things, "thing")] == ["thing"] * 3
    assert [(one.name, one.shown) for one in find_pictures(things / "red" / "1.png", "x")] == [("x", "1.png")]


@pytest.mark.parametrize(
    ("place", "name", "words"),
    [
        ("missing", None, "there is no .*missing"),
        ("red", None, "--name says whose pictures"),
        ("red/1.png", None, "is no list"),
        ("empty", "a", "hold no picture"),
    ],
)
def test_what_holds_no_named_picture_is_a_sentence(things, place, name, words):
    (things / "empty").mkdir()
    with pytest.raises(UserError, match=words):
        find_pictures(things / place, name)


def test_entries_have_vectors_and_the_digest_of_the_file(things):
    entries, failed = embed(find_pictures(things), mean_colours)
    assert failed == []
    assert [entry.name for entry in entries] == ["blue", "red", "red"]
    assert entries[0].digest == hashlib.sha256((things / "blue" / "1.png").read_bytes()).digest()
    assert entries[0].vector[2] > 0.5


def test_what_is_there_already_goes_through_no_network_and_what_is_broken_is_told(things):
    (things / "blue" / "2.png").write_bytes(b"no picture")
    seen = []

    def pipeline(images, batch_size, *, skip):
        images = list(images)
        seen.extend(image.path.name for image in images)
        return mean_colours(images, batch_size, skip=skip)

    red = digest_of(things / "red" / "1.png")
    entries, failed = embed(find_pictures(things), pipeline, lambda name, digest: (name, digest) == ("red", red))
    assert [(entry.name, entry.path) for entry in entries] == [("blue", "blue/1.png"), ("red", "red/2.png")]
    assert len(failed) == 1
    assert sorted(seen) == ["1.png", "2.png", "2.png"]


def test_one_content_under_two_names_is_looked_at_once(things):
    picture(things / "crimson" / "1.png", (200, 0, 0))
    counted = []

    def pipeline(images, batch_size, *, skip):
        return mean_colours(counted.extend(images) or counted, batch_size, skip=skip)

    entries, _ = embed(find_pictures(things), pipeline)
    assert sorted(entry.name for entry in entries) == ["blue", "crimson", "red", "red"]
    assert len(counted) == 3


def test_a_fingerprint_is_of_the_weights_content(tmp_path):
    recipe, spec = Recipe(classes=("a",)), model_spec("yolov3-tiny", 1)
    (tmp_path / "a.h5").write_bytes(b"weights")
    (tmp_path / "b.h5").write_bytes(b"weights")
    (tmp_path / "c.h5").write_bytes(b"others")
    a, b, c = (fingerprint(tmp_path / name, spec, recipe) for name in ("a.h5", "b.h5", "c.h5"))
    assert a == b != c
    assert (a["model"], a["input_size"]) == ("yolov3-tiny", [*recipe.input_size])
    assert fingerprint(tmp_path, spec, recipe)["sha256"] != a["sha256"]
