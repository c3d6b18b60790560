"""The files that predict leaves: what is in them, under which names, and what is never written over."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from trizoo.data.boxes.voc_xml import read_annotation
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Detections
from trizoo.tasks.writers import (
    PICTURE_FORMATS,
    Counts,
    in_folder,
    names_for_files,
    output_names,
    save_picture,
    to_json,
    to_rows,
    voc_xml,
    write_crops,
    write_voc,
)

NAMES = ["cat & <dog>", "猫/a:b"]


def detections(boxes, scores, labels):
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), np.array(labels, np.int64)
    )


TWO = detections([[10.126, 20, 30.5, 41.999], [0, 0, 64, 48]], [0.87, 0.123456], [1, 0])


def test_json_holds_plain_rounded_numbers():
    # float32 0.87 is 0.87000000477 and 10.126 is 10.1260004: rounded in float64 they are written short.
    result = to_json(Path("d/ü 1.jpg"), (64, 48), TWO, NAMES)
    assert result == {
        "image": str(Path("d/ü 1.jpg")),
        "width": 64,
        "height": 48,
        "detections": [
            {"class": "猫/a:b", "label": 1, "score": 0.87, "box": [10.13, 20.0, 30.5, 42.0]},
            {"class": "cat & <dog>", "label": 0, "score": 0.1235, "box": [0.0, 0.0, 64.0, 48.0]},
        ],
        "counts": {"cat & <dog>": 1, "猫/a:b": 1},
    }
    assert list(result["counts"]) == NAMES
    assert type(result["detections"][0]["label"]) is int
    assert type(result["detections"][0]["score"]) is float


def test_json_has_no_negative_zero():
    assert "-0.0" not in json.dumps(to_json("a.jpg", (4, 4), detections([[-0.001, 0, 2, 2]], [1], [0]), NAMES))


def test_a_voc_annotation_reads_back_to_the_same_boxes(tmp_path):
    write_voc(tmp_path / "a.xml", Path("my photos/ä & b.jpg"), (64, 48), TWO, NAMES)
    root = ElementTree.parse(tmp_path / "a.xml").getroot()
    assert root.findtext("filename") == "ä & b.jpg"
    assert root.findtext("folder") == "my photos"
    assert [root.findtext(f"size/{name}") for name in ("width", "height", "depth")] == ["64", "48", "3"]
    assert [found.findtext("name") for found in root.iter("object")] == [NAMES[1], NAMES[0]]
    assert [float(found.findtext("score")) for found in root.iter("object")] == [0.87, 0.1235]
    # Read by the convention: 1 off xmin and ymin only.
    corners = [
        [float(found.findtext(f"bndbox/{tag}")) for tag in ("xmin", "ymin", "xmax", "ymax")]
        for found in root.iter("object")
    ]
    boxes = np.array(corners) - [1, 1, 0, 0]
    np.testing.assert_allclose(boxes, TWO.boxes, atol=0.0051)  # two decimals
    np.testing.assert_array_equal(boxes[1], TWO.boxes[1])


def test_whole_numbers_in_voc_have_no_point():
    text = voc_xml("a.jpg", (64, 48), TWO, NAMES)
    assert "<xmin>1</xmin>" in text
    assert "<xmax>64</xmax>" in text
    assert "<xmin>11.13</xmin>" in text
    assert "<ymin>21</ymin>" in text


def test_the_zoo_reads_its_voc_annotations_back(tmp_path):
    write_voc(tmp_path / "a.xml", "a.jpg", (64, 48), TWO, NAMES)
    annotation = read_annotation(tmp_path / "a.xml")
    assert annotation.size == (64, 48)
    assert [found.name for found in annotation.objects] == [NAMES[1], NAMES[0]]
    np.testing.assert_allclose([found.box for found in annotation.objects], TWO.boxes, atol=0.0051)


def test_voc_boxes_are_cut_at_the_image_and_those_of_a_pixel_left_out():
    # Outside; without width; 0.5 wide in the image; 1 high, which in the file is 9 to 9, a click to most readers.
    boxes = [[-5, -5, 10, 99], [70, 0, 80, 10], [3, 3, 3, 9], [63.5, 3, 90, 9], [3, 8, 9, 9]]
    found = detections(boxes, [0.9, 0.8, 0.7, 0.6, 0.5], [0] * 5)
    root = ElementTree.fromstring(voc_xml("a.jpg", (64, 48), found, NAMES).encode())
    assert [[int(value.text) for value in box] for box in root.iter("bndbox")] == [[1, 1, 10, 48]]


def test_characters_that_xml_cannot_hold_are_replaced():
    text = voc_xml("a\x01\udce9.jpg", (64, 48), TWO, ["a\x00b", "ok"])
    assert ElementTree.fromstring(text.encode("utf-8")).findtext("filename") == "a\ufffd\ufffd.jpg"


@pytest.mark.parametrize("suffix", [*PICTURE_FORMATS, ".PNG", ".Jpg"])
def test_pictures_are_saved_in_the_format_of_their_suffix(tmp_path, suffix):
    image = np.zeros((24, 32, 3), np.uint8)
    image[:, 16:] = (250, 40, 20)
    save_picture(tmp_path / f"a b.v2{suffix}", image)
    with Image.open(tmp_path / f"a b.v2{suffix}") as read:
        assert read.format == PICTURE_FORMATS[suffix.lower()][0]
        difference = np.abs(np.asarray(read.convert("RGB")).astype(int) - image)
    assert difference.max() <= (40 if read.format in ("JPEG", "WEBP") else 0)


def test_jpeg_keeps_thin_coloured_lines(tmp_path):
    image = np.full((64, 64, 3), 128, np.uint8)
    image[:, 31] = (255, 0, 0)
    save_picture(tmp_path / "a.jpg", image)
    with Image.open(tmp_path / "a.jpg") as read:
        assert np.abs(np.asarray(read)[:, 31].astype(int) - [255, 0, 0]).max() < 40  # some 130 if colour is subsampled


@pytest.mark.parametrize("name", ["a.pdf", "a", "a.gif"])
def test_a_suffix_that_cannot_be_written_is_named(tmp_path, name):
    with pytest.raises(UserError, match=r"\.jpg, .*\.png"):
        save_picture(tmp_path / name, np.zeros((2, 2, 3), np.uint8))


def test_a_place_that_is_a_folder_or_under_a_file_is_named(tmp_path):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    for place in (tmp_path / "folder.png", tmp_path / "file" / "a.png"):
        with pytest.raises(UserError, match="can't be written"):
            save_picture(place, np.zeros((2, 2, 3), np.uint8))


def test_crops_hold_every_pixel_that_the_box_touches(tmp_path):
    image = np.arange(40 * 50 * 3, dtype=np.uint32).reshape(40, 50, 3).astype(np.uint8)
    # [10.2, 19.9] touches columns 10 to 19, [5, 8] rows 5 to 7; the second lies half outside, the others have no area.
    boxes = [[10.2, 5, 19.9, 8], [-20, 30, 10, 60], [60, 0, 70, 5], [4, 4, 4, 9]]
    found = detections(boxes, [0.914, 0.5, 0.4, 0.3], [1, 0, 0, 0])
    paths = write_crops(tmp_path / "crops", image, "photo 1", found, NAMES, suffix=".png")
    assert [path.name for path in paths] == ["photo 1_000_猫_a_b_0.91.png", "photo 1_001_cat & _dog__0.50.png"]
    assert sorted(paths) == sorted((tmp_path / "crops").iterdir())
    with Image.open(paths[0]) as crop:
        np.testing.assert_array_equal(np.asarray(crop), image[5:8, 10:20])
    with Image.open(paths[1]) as crop:
        np.testing.assert_array_equal(np.asarray(crop), image[30:40, 0:10])


def test_no_detections_give_no_crops(tmp_path):
    assert write_crops(tmp_path / "crops", np.zeros((4, 4, 3), np.uint8), "a", Detections.empty(), NAMES) == []


def test_class_names_in_file_names_are_safe_and_differ():
    names = [
        "a/b",
        "a:b",
        "a_b",
        "A_B",
        "a_b-1",
        "CON",
        "lpt1.txt",
        " dot. ",
        "",
        "...",
        "猫" * 60,
        "猫" * 61,
        "ok name",
    ]
    safe = names_for_files(names)
    assert len({name.casefold() for name in safe}) == len(names)
    assert safe[:3] == ["a_b", "a_b-1", "a_b-2"]
    assert safe[5:9] == ["_CON", "_lpt1.txt", "dot", "class"]
    assert safe[-1] == "ok name"
    assert all(len(name.encode()) < 100 and not set(name) & set('<>:"/\\|?*') for name in safe)
    assert names_for_files(["café", "cafe\u0301"])[0] != names_for_files(["café", "cafe\u0301"])[1]


def test_one_image_gets_its_own_name(tmp_path):
    assert output_names([tmp_path / "in" / "a.jpg"], tmp_path / "out") == {
        tmp_path / "in/a.jpg": tmp_path / "out/a.jpg"
    }
    assert output_names([], tmp_path) == {}


def test_equal_names_from_different_folders_keep_their_folders(tmp_path):
    paths = [tmp_path / "in/x/a.jpg", tmp_path / "in/y/a.jpg", tmp_path / "in/y/z/b.c.png"]
    names = output_names(paths, Path("out"))
    assert list(names) == paths
    assert list(names.values()) == [Path("out/x/a.jpg"), Path("out/y/a.jpg"), Path("out/y/z/b.c.png")]


def test_results_differ_in_more_than_suffix_and_case(tmp_path):
    paths = [tmp_path / name for name in ("a.jpg", "a.png", "A.bmp", "a_2.jpg", "b.v1.jpg", "b.v2.gif")]
    names = list(output_names(paths, "out").values())
    assert [name.name for name in names] == ["a.jpg", "a_3.png", "A_4.bmp", "a_2.jpg", "b.v1.jpg", "b.v2.png"]
    assert len({name.with_suffix(".xml").as_posix().casefold() for name in names}) == len(paths)


def test_results_may_all_have_one_suffix(tmp_path):
    assert list(output_names([tmp_path / "a.b.png"], "out", suffix=".jpg").values()) == [Path("out/a.b.jpg")]


def test_relative_and_absolute_sources_share_their_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = output_names(["in/a.jpg", tmp_path / "in/deep/b.jpg", "in/deep/../c.jpg"], "out")
    assert list(names.values()) == [Path("out/a.jpg"), Path("out/deep/b.jpg"), Path("out/c.jpg")]


@pytest.mark.parametrize("out", ["in", "in/../in", "link", "in/."])
def test_a_result_never_lies_on_an_image_or_its_annotation(tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("in/a.gif").touch()
    try:
        Path("link").symlink_to(Path("in").resolve())
    except OSError:
        pytest.skip("this system lets nobody make links")
    with pytest.raises(UserError, match=r"a\.gif.*output folder"):
        output_names(["in/a.gif"], out)


def test_results_of_an_earlier_run_among_the_images_are_not_written_over(tmp_path):
    for name in ("a.jpg", "out/a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(UserError, match="output folder"):
        output_names([tmp_path / "a.jpg", tmp_path / "out/a.jpg"], tmp_path / "out")


def test_a_folder_of_images_leaves_its_name_to_other_results(tmp_path):
    paths = [
        tmp_path / "in" / name for name in ("a.png", "Masks/a.png", "masks_2/a.png", "deep/masks/a.png", "crops/a.png")
    ]
    names = output_names(paths, "out", kept=["masks"])
    assert [name.as_posix() for name in names.values()] == [
        "out/a.png",
        "out/Masks_3/a.png",
        "out/masks_2/a.png",
        "out/deep/masks/a.png",
        "out/crops/a.png",
    ]
    assert {in_folder("out", "masks", name).as_posix() for name in names.values()}.isdisjoint(
        name.as_posix() for name in names.values()
    )


def test_rows_hold_the_boxes_and_scores_of_each_class():
    found = detections([[1, 2, 3, 4], [5, 6, 7, 8], [0, 0, 1, 1]], [0.9, 0.8, 0.7], [2, 0, 2])
    rows = to_rows(found, 3)
    assert [row.shape for row in rows] == [(1, 5), (0, 5), (2, 5)]
    assert all(row.dtype == np.float32 for row in rows)
    np.testing.assert_array_equal(rows[0], np.array([[5, 6, 7, 8, 0.8]], np.float32))
    np.testing.assert_array_equal(rows[2], np.array([[1, 2, 3, 4, 0.9], [0, 0, 1, 1, 0.7]], np.float32))
    assert [row.shape for row in to_rows(Detections.empty(), 2)] == [(0, 5), (0, 5)]
    with pytest.raises(ValueError, match="labels holds 2"):
        to_rows(found, 2)


def test_counts_are_a_table_over_all_images():
    names = ["dog", "猫", "bus"]
    one = to_json("1.jpg", (9, 9), detections([[0, 0, 1, 1]] * 10, [0.5] * 10, [0] * 9 + [1]), names)
    two = to_json("2.jpg", (9, 9), detections([[0, 0, 1, 1]] * 2, [0.5] * 2, [0] * 2), names)
    none = to_json("3.jpg", (9, 9), Detections.empty(), names)
    counts = Counts(names)
    for result in (one, two, none):
        counts.add(result)
    assert counts.text().splitlines() == [
        "class  objects  images",
        "dog         11       2",
        "猫           1       1",
        "all         12       2",
        "3 images read",
    ]
    assert Counts(names).text().splitlines()[-2:] == ["all          0       0", "0 images read"]


def test_labels_without_a_name_are_refused(tmp_path):
    for write in (to_json, voc_xml):
        with pytest.raises(ValueError, match="labels holds 1; 0 to 0"):
            write("a.jpg", (64, 48), TWO, ["one"])
    with pytest.raises(ValueError, match="labels holds 1"):
        write_crops(tmp_path, np.zeros((4, 4, 3), np.uint8), "a", TWO, ["one"])
