"""VOC's annotations wherever they lie: beside images, in folders of splits, in folders of other names."""

import pytest

from trizoo.data.boxes.voc import find_voc
from trizoo.ground.errors import UserError
from trizoo.tests.voc_files import add, thing


def move(root, moves):
    """Files to other places: {old: new}, relative to the root."""
    for old, new in moves.items():
        (root / new).parent.mkdir(parents=True, exist_ok=True)
        (root / old).rename(root / new)
    for folder in ("JPEGImages", "Annotations"):
        if not any((root / folder).iterdir()):
            (root / folder).rmdir()
    return root


@pytest.mark.parametrize(
    ("images", "annotations"),
    [
        (".", "."),
        ("images", "annots"),
        ("Images", "Annotations"),
        ("images", "annotations/xmls"),
        ("JPEGIMG", "Annotations"),
        ("JPEGImages/2019/may", "Annotations"),
        ("photos of us", "what is on them"),
    ],
)
def test_annotations_in_any_arrangement_are_found(tmp_path, images, annotations):
    for id in "ab":
        add(tmp_path, id, thing("cat", 1, 1, 9, 9))
    pictures = {f"JPEGImages/{id}.jpg": f"{images}/{id}.jpg" for id in "ab"}
    move(tmp_path, {**pictures, **{f"Annotations/{id}.xml": f"{annotations}/{id}.xml" for id in "ab"}})
    listing = find_voc(tmp_path)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in listing.images.values()) == [
        f"{images}/{id}.jpg".removeprefix("./") for id in "ab"
    ]
    assert len(listing.open().records) == 2


@pytest.mark.parametrize("inside", ["{split}", "{split}/images", "JPEGImages/{split}"])
def test_folders_are_splits(tmp_path, inside):
    moves = {}
    for id, split in (("a", "train"), ("b", "valid"), ("c", "test")):
        add(tmp_path, id, thing("cat", 1, 1, 9, 9))
        moves[f"JPEGImages/{id}.jpg"] = f"{inside.format(split=split)}/{id}.jpg"
        moves[f"Annotations/{id}.xml"] = f"{inside.format(split=split)}/{id}.xml"
    listing = find_voc(move(tmp_path, moves))
    assert listing.splits == {"train": ["train/a"], "val": ["valid/b"], "test": ["test/c"]}
    assert [record.image.name for record in listing.open("val").records] == ["b.jpg"]


def test_data_sets_of_splits_beside_each_other_are_one(tmp_path):
    for split in ("train", "val"):
        add(tmp_path / split, "a", thing("cat", 1, 1, 9, 9))
    listing = find_voc(tmp_path)
    assert listing.splits == {"train": ["train/a"], "val": ["val/a"]}
    assert listing.images["val/a"] == tmp_path / "val" / "JPEGImages" / "a.jpg"


def test_places_can_be_named(tmp_path):
    for part in ("one", "two"):
        add(tmp_path / part, "a", thing("cat", 1, 1, 9, 9))
    with pytest.raises(UserError, match="several VOC data sets"):
        find_voc(tmp_path)
    listing = find_voc(tmp_path, tmp_path / "one" / "JPEGImages", tmp_path / "two" / "Annotations")
    assert listing.images == {"a": tmp_path / "one" / "JPEGImages" / "a.jpg"}
    assert listing.annotations == {"a": tmp_path / "two" / "Annotations" / "a.xml"}


def test_filename_tag_does_not_take_an_image_that_has_its_own_annotation(tmp_path):
    add(tmp_path, "a", thing("cat", 1, 1, 9, 9))
    add(tmp_path, "b", thing("cat", 1, 1, 9, 9), suffix="", filename="a.jpg")
    with pytest.raises(UserError, match=r"1 of 2 images have no file in .*JPEGImages: b$"):
        find_voc(tmp_path).open()


def test_other_xml_files_are_no_annotations(tmp_path):
    (tmp_path / "pom.xml").write_text("<project/>")
    (tmp_path / "cvat.xml").write_text("<annotations><version>1.1</version></annotations>")
    assert find_voc(tmp_path) is None
    add(tmp_path, "a", thing("cat", 1, 1, 9, 9))
    (tmp_path / "Annotations" / "a.xml").rename(tmp_path / "a.xml")
    assert list(find_voc(tmp_path).annotations) == ["a"]
