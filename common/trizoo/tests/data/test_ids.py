import unicodedata

import pytest

from trizoo.data.ids import image_files, image_id
from trizoo.tests.mask_files import touch


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("a.jpg", "a"),
        ("a.JPEG", "a"),
        ("a.v2.png", "a.v2"),
        ("a.jpg.xml", "a"),
        (" my photo 1 ", "my photo 1"),
        ("照片 1.bmp", "照片 1"),
        ("2008_000002", "2008_000002"),
        ("a.txt", "a.txt"),
        (".jpg", ".jpg"),
        (unicodedata.normalize("NFD", "Münze.jpg"), "Münze"),
    ],
)
def test_image_id(name, id):
    assert image_id(name) == id


def test_image_files_are_found_below_and_by_stem(tmp_path):
    touch(tmp_path, "a.png", "a.tif", "train/b.PNG", ".c.png", ".git/d.png", "__MACOSX/e.png")
    (tmp_path / "f.txt").touch()
    found = {stem: path.relative_to(tmp_path).as_posix() for stem, path in image_files(tmp_path).items()}
    assert found == {"a": "a.png", "train/b": "train/b.PNG"}
