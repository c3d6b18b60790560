import pytest

from trizoo.data.finding import contents, listings
from trizoo.ground.errors import UserError


def test_finders_are_asked_in_turn_and_no_more_than_needed(tmp_path):
    asked = []

    def finder(name, found):
        return lambda root, images, annotations: asked.append((name, root)) or found

    finders = {"a": finder("a", None), "b": finder("b", "of b"), "c": finder("c", "of c")}
    found = listings(str(tmp_path), finders)
    assert next(found) == "of b"
    assert asked == [("a", tmp_path), ("b", tmp_path)]
    assert list(found) == ["of c"]
    assert list(listings(tmp_path, finders, "c")) == ["of c"]
    assert list(listings(tmp_path, finders, "a")) == []


def test_what_is_no_folder_and_no_layout_is_named(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        next(listings(tmp_path / "none", {}))
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file is not a folder"):
        next(listings(tmp_path / "file", {}))
    with pytest.raises(UserError, match="the layout is 'd'; one of a, b is needed"):
        next(listings(tmp_path, {"a": None, "b": None}, "d"))


def test_contents_are_the_first_few_names(tmp_path):
    assert contents(tmp_path) == "it is empty"
    (tmp_path / "b").mkdir()
    for name in ("a.txt", *"cdefg"):
        (tmp_path / name).touch()
    assert contents(tmp_path) == "it holds a.txt, b/, c, d, e and 2 more"
    assert contents(tmp_path / "none").startswith("it can't be read: ")


def test_places_that_a_person_names_are_found_below_the_root_or_from_here(tmp_path, monkeypatch):
    (tmp_path / "set" / "photos").mkdir(parents=True)
    (tmp_path / "labels.csv").touch()
    monkeypatch.chdir(tmp_path)
    finders = {"a": lambda *places: places}
    found = next(listings("set", finders, None, "photos", "labels.csv"))
    assert [path.resolve() for path in found] == [
        tmp_path / "set",
        tmp_path / "set" / "photos",
        tmp_path / "labels.csv",
    ]
    with pytest.raises(UserError, match="annotations 'xmls' were not found, neither in set nor as a path from"):
        next(listings("set", finders, None, None, "xmls"))
    with pytest.raises(UserError, match=r"the images .*labels\.csv are a file; the folder"):
        next(listings("set", finders, None, "labels.csv"))
