import pytest

from trizoo.data.boxes.voc import find_voc
from trizoo.data.voc_files import find_root, list_files
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few


def splits(root):
    return find_voc(root).splits


def make_root(folder, ids=("a", "b"), lists=None):
    for name in ("JPEGImages", "Annotations"):
        (folder / name).mkdir(parents=True)
    for id in ids:
        (folder / "JPEGImages" / f"{id}.jpg").touch()
        (folder / "Annotations" / f"{id}.xml").touch()
    if lists is not None:
        (folder / "ImageSets" / "Main").mkdir(parents=True)
    for name, content in (lists or {}).items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / "ImageSets" / "Main" / f"{name}.txt").write_bytes(data)
    return folder


@pytest.mark.parametrize("below", [".", "VOCdevkit/VOC2012", "VOC2007", "my data 数据", "BCCD-master/BCCD"])
def test_root_is_found_in_the_usual_places(tmp_path, below):
    root = make_root(tmp_path / below)
    assert find_root(tmp_path).resolve() == root.resolve()
    assert find_root(str(root)) == root


def test_root_without_annotations_has_masks(tmp_path):
    for name in ("JPEGImages", "SegmentationClass"):
        (tmp_path / name).mkdir()
    assert find_root(tmp_path) == tmp_path


def test_what_a_mac_leaves_in_archives_is_no_root(tmp_path):
    root = make_root(tmp_path / "set")
    make_root(tmp_path / "__MACOSX" / "set")
    make_root(tmp_path / ".hidden")
    assert find_root(tmp_path) == root


def test_several_roots_are_named(tmp_path):
    make_root(tmp_path / "VOCdevkit" / "VOC2007")
    make_root(tmp_path / "VOCdevkit" / "VOC2012")
    with pytest.raises(UserError, match=r"several.*VOC2007.*VOC2012"):
        find_root(tmp_path)


def test_files_are_found_by_id_whatever_their_suffix(tmp_path):
    root = make_root(tmp_path, ids=())
    for name in ("a.JPG", "b.jpeg", "c.PNG", "d.bmp", "e.webp", "._a.jpg", ".hidden.jpg", "readme.txt"):
        (root / "JPEGImages" / name).touch()
    (root / "JPEGImages" / "folder.jpg").mkdir()
    (root / "JPEGImages" / "gone.jpg").symlink_to("nowhere")
    assert sorted(list_files(root).images) == ["a", "b", "c", "d", "e"]


def test_of_two_files_with_one_id_the_first_counts(tmp_path):
    root = make_root(tmp_path, ids=["a"])
    (root / "JPEGImages" / "a.png").touch()
    files = list_files(root)
    assert files.images["a"].name == "a.jpg"
    assert files.doubles == ((root / "JPEGImages" / "a.png", "has the same id as a.jpg, which is used instead"),)


def test_lists_are_read_however_they_were_written(tmp_path):
    lists = {
        "train": b"\xef\xbb\xbfa\r\n\r\n  b.jpg  \r\n",
        "val": "my photo 1\n照片.JPG",
        "test": "a\rb".encode("utf-16"),
        "empty": "",
    }
    root = make_root(tmp_path, lists=lists)
    (root / "ImageSets" / "Main" / "._train.txt").write_bytes(b"\xff\xfe\x00")
    assert splits(root) == {"empty": [], "test": ["a", "b"], "train": ["a", "b"], "val": ["my photo 1", "照片"]}


def test_per_class_lists_are_ignored_beside_others(tmp_path):
    root = make_root(tmp_path, lists={"train": "a\nb\n", "cat_train": "a  1\nb -1\n", "dog_train": "a  0\nb -1\n"})
    assert splits(root) == {"train": ["a", "b"]}


def test_per_class_lists_alone_make_the_splits(tmp_path):
    lists = {"cat_train": "a  1\nb -1\n", "dog_train": "b  0\nc -1\n", "cat_val": "d 1\n"}
    root = make_root(tmp_path, ids=["a", "b", "c", "d"], lists=lists)
    found, notes = find_voc(root).splits, find_voc(root).lists.notes
    assert found == {"train": ["a", "b", "c"], "val": ["d"]}
    assert "per-class lists only" in notes[0]


def test_ids_that_end_with_a_number_are_no_per_class_list(tmp_path):
    root = make_root(tmp_path, ids=["photo 0", "photo 1"], lists={"train": "photo 0\nphoto 1\n"})
    assert splits(root) == {"train": ["photo 0", "photo 1"]}


def test_lists_directly_in_image_sets_count(tmp_path):
    root = make_root(tmp_path)
    (root / "ImageSets").mkdir()
    (root / "ImageSets" / "train.txt").write_text("a\n")
    assert splits(root) == {"train": ["a"]}


def test_list_that_is_no_text_is_named(tmp_path):
    root = make_root(tmp_path, lists={"train": "照片".encode("gbk")})
    with pytest.raises(UserError, match=r"train\.txt is not utf-8 text"):
        splits(root)
    (root / "ImageSets" / "Main" / "train.txt").unlink()
    (root / "ImageSets" / "Main" / "train.txt").mkdir()
    with pytest.raises(UserError, match=r"train\.txt is no file that can be read"):
        splits(root)


def test_without_lists_ids_are_split_by_their_hash(tmp_path):
    ids = [f"图 {i}" for i in range(500)]
    root = make_root(tmp_path / "all", ids=ids)
    found, notes = find_voc(root).splits, find_voc(root).lists.notes
    assert sorted(found["train"] + found["val"]) == sorted(ids)
    assert 0.75 < len(found["train"]) / 500 < 0.85
    assert f"train ({len(found['train'])}) and val ({len(found['val'])})" in notes[0]
    # an image stays where it is when the set is another one
    part = splits(make_root(tmp_path / "part", ids=ids[::2]))
    assert set(part["val"]) == set(found["val"]) & set(ids[::2])


def test_first_few_counts_the_rest():
    assert first_few([1, 2]) == "1, 2"
    assert first_few(range(8)) == "0, 1, 2, 3, 4 and 3 more"
