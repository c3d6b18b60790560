"""A page's folder holds nothing else, and nothing else is ever touched."""

import pytest

from trizoo.ground.errors import UserError
from trizoo.show.folder import COMMAND, claim, new_folder
from trizoo.show.page import html

PAGE = html("title", [], COMMAND)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_folder_is_called_after_the_data_set_and_numbered(tmp_path):
    first, second, third = (new_folder(tmp_path / "my set", tmp_path / "show").path for _ in range(3))
    assert [first.name, second.name, third.name] == ["my set", "my set-2", "my set-3"]
    assert first.parent == tmp_path / "show"


def test_a_page_replaces_its_earlier_self_and_leaves_no_old_picture(tmp_path):
    folder = claim(tmp_path / "a" / "page")
    for name in ("image-3.jpg", "batch-1-2.jpg", "sizes.png"):
        folder.file(name).touch()
    assert folder.finish(PAGE) == tmp_path / "a" / "page" / "index.html"
    assert names(folder.path) == ["batch-1-2.jpg", "image-3.jpg", "index.html", "sizes.png"]
    again = claim(folder.path)
    again.file("image-4.jpg").touch()
    again.finish(PAGE)
    assert names(folder.path) == ["image-4.jpg", "index.html"]


def test_a_page_that_was_not_finished_is_taken_up(tmp_path):
    claim(tmp_path / "page").file("image-1.jpg").touch()
    claim(tmp_path / "page").finish(PAGE)
    assert names(tmp_path / "page") == ["index.html"]


@pytest.mark.parametrize(
    ("files", "named"),
    [
        (["notes.txt"], "notes.txt"),
        (["index.html"], "index.html"),
        (["image-1.jpg"], "image-1.jpg"),  # a photo that is called like one of ours
        (["cat.png", "index.html"], "cat.png"),
    ],
)
def test_a_folder_with_anything_else_is_refused_and_left_alone(tmp_path, files, named):
    for name in files:
        (tmp_path / name).write_text("mine")
    with pytest.raises(UserError, match=f"holds {named} and is no page"):
        claim(tmp_path)
    assert names(tmp_path) == sorted(files)
    assert all((tmp_path / name).read_text() == "mine" for name in files)


def test_what_was_put_beside_a_page_keeps_it_from_being_replaced(tmp_path):
    claim(tmp_path / "page").finish(PAGE)
    (tmp_path / "page" / "my-notes.png").touch()
    with pytest.raises(UserError, match=r"holds my-notes\.png"):
        claim(tmp_path / "page")


def test_a_file_in_the_way_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="can't be made"):
        claim(tmp_path / "file")
    with pytest.raises(UserError, match="can be made in"):
        new_folder(tmp_path, tmp_path / "file")


def test_a_name_that_is_not_ours_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"name is '\.\./x\.jpg'"):
        claim(tmp_path / "page").file("../x.jpg")
