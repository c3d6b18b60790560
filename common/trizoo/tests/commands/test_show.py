"""`trizoo data show`, from the flags to the page."""

import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trizoo.commands.main import run
from trizoo.data.boxes import dataset
from trizoo.data.images import read_image
from trizoo.ground.errors import UserError
from trizoo.tests.bccd import BCCD, needs_bccd
from trizoo.tests.voc_files import add, add_list, thing

main = partial(run, "data", prog="trizoo data")


@pytest.fixture
def shown(tmp_path, monkeypatch, capsys):
    """Runs the command in an empty folder; gives the folder of the page and its text."""
    monkeypatch.chdir(tmp_path)

    def show(root, *flags):
        assert main(["show", str(root), *flags]) == 0
        path = Path(capsys.readouterr().out.splitlines()[-1])
        return path.parent, path.read_text(encoding="utf-8")

    return show


@pytest.fixture
def cells(tmp_path):
    """A data set of five images with masks of 0 and 255."""
    for folder in ("images", "masks"):
        (tmp_path / "cells" / folder).mkdir(parents=True)
        for name in "abcde":
            mask = np.kron(np.array([[0, 255], [255, 0]], np.uint8), np.ones((20, 20), np.uint8))
            Image.fromarray(mask).save(tmp_path / "cells" / folder / f"{name}.png")
    return tmp_path / "cells"


def pictures(text):
    """The files that a page shows."""
    return re.findall(r'<img src="([^"]+)"', text)


def assert_whole(folder, text):
    """Every picture of the page is there and of the size that it says, and nothing else is."""
    files = {*pictures(text), *re.findall(r'<a href="([^"]+)"', text)}
    assert {path.name for path in folder.iterdir()} == {"index.html", *files}
    for name, width, height in re.findall(r'<img src="([^"]+)".*? width="(\d+)" height="(\d+)"', text):
        with Image.open(folder / name) as file:
            assert file.size == (int(width), int(height))


def test_the_page_has_images_plots_and_counts(shown, synthetic_data):
    folder, text = shown(synthetic_data, "--count", "3")
    assert folder == Path("show", "set")
    assert_whole(folder, text)
    images = [name for name in pictures(text) if name.startswith("image-")]
    assert images == ["image-0.jpg", "image-3.jpg", "image-6.jpg"]
    assert {"classes.png", "sizes.png", "shapes.png", "positions.png"} <= set(pictures(text))
    assert "7 images of the split train" in text
    assert "<td>circle</td>" in re.sub("<span.*?</span>", "", text)
    assert not any(name.startswith("batch") for name in pictures(text))


def test_the_next_page_goes_to_a_folder_of_its_own_and_out_replaces_its_earlier_page(shown, synthetic_data):
    flags = (synthetic_data, "--count", "1")
    assert [shown(*flags)[0].name for _ in range(2)] == ["set", "set-2"]
    folder, _ = shown(synthetic_data, "--count", "2", "--out", "mine")
    assert_whole(*shown(*flags, "--out", "mine"))
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"mine holds notes\.txt"):
        main(["show", *flags, "--out", "mine"])


def test_augmented_batches_are_those_of_the_recipe(shown, synthetic_data):
    flags = ("--count", "5", "--augmented", "--model", "yolov4")
    folder, text = shown(synthetic_data, *flags, "--set", "schedule.batch_size=3", "--set", "input_size=[96, 64]")
    assert_whole(folder, text)
    batches = [name for name in pictures(text) if name.startswith("batch-")]
    assert batches == ["batch-1-1.jpg", "batch-1-2.jpg", "batch-1-3.jpg", "batch-2-1.jpg", "batch-2-2.jpg"]
    assert text.count("96x64") >= 2
    assert "mosaic, random_placement, flip, hsv" in text


def test_an_image_by_its_number_is_large_with_its_id_and_file(shown, synthetic_data):
    folder, text = shown(synthetic_data, "--index", "4", "2", "4")
    assert_whole(folder, text)
    assert [name for name in pictures(text) if name.startswith("image-")] == ["image-4.jpg", "image-2.jpg"]
    root = Path(synthetic_data)
    ids = (root / "ImageSets" / "Main" / "train.txt").read_text().split()
    for index in (4, 2):
        assert f"<h2>Image {index}: {ids[index]}</h2>" in text
        assert f"{root / 'JPEGImages' / ids[index]}.jpg" in text
    with Image.open(folder / "image-4.jpg") as file:
        assert file.size == (1280, 1280)


def test_an_image_by_its_number_is_augmented_as_in_each_epoch(shown, synthetic_data):
    batch = ("--set", "schedule.batch_size=2")
    folder, text = shown(synthetic_data, "--index", "1", "--augmented", "--count", "3", *batch)
    assert_whole(folder, text)
    assert [name for name in pictures(text) if name.startswith("epochs-")] == [f"epochs-1-{k}.jpg" for k in (1, 2, 3)]
    assert len(set(re.findall(r"epoch (\d+), step", text))) == 3


def test_masks_are_shown_with_their_legend(shown, cells):
    folder, text = shown(cells, "--mask-map", "255=1", "--classes", "wall", "cell", "--augmented", "--count", "2")
    assert_whole(folder, text)
    assert {"classes.png", "positions.png", "image-0.jpg", "batch-1-1.jpg"} <= set(pictures(text))
    assert "wall 50%, cell 50%" in text
    assert "ignored" in text


def test_classes_are_shown_under_the_names_of_a_map(shown, tmp_path):
    add(tmp_path / "set", "a", thing("tvmonitor", 1, 1, 20, 20))
    add_list(tmp_path / "set", "train", ["a"])
    _, text = shown(tmp_path / "set", "--classes-map", "tvmonitor=screen")
    assert "screen" in text
    assert "tvmonitor" not in text


def test_only_the_images_that_are_shown_are_decoded(shown, synthetic_data, monkeypatch):
    decoded = []

    def read(path, at_least=None):
        decoded.append(path.stem)
        return read_image(path, at_least)

    monkeypatch.setattr(dataset, "read_image", read)
    shown(synthetic_data, "--count", "2")
    ids = (Path(synthetic_data) / "ImageSets" / "Main" / "train.txt").read_text().split()
    assert decoded == [ids[0], ids[-1]]


def test_names_from_the_data_are_no_markup(shown, tmp_path):
    root = tmp_path / "a & b"
    for number in range(3):
        add(root, f"<i>{number}", thing("&lt;b&gt;bold", 3, 3, 20, 20))
    add_list(root, "train", [f"<i>{number}" for number in range(3)])
    folder, text = shown(root)
    assert folder.name == "a & b"
    assert "<b>" not in text
    assert "<i>" not in text
    assert "&lt;b&gt;bold" in text
    assert "0: &lt;i&gt;0" in text


def test_what_was_left_out_is_told(shown, tmp_path):
    root = add(tmp_path / "set", "a", thing("dog", 3, 3, 20, 20) + thing("dog", 5, 5, 5, 5))
    add_list(root, "train", ["a"])
    _, text = shown(root)
    assert "<td>box without area</td>" in text
    assert "Annotations/a.xml" in text


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--index", "7"), "--index is 7; the split train has the images 0 to 6"),
        (("--split", "nowhere"), "no split 'nowhere'"),
        (("--model", "yolov9"), "unknown model 'yolov9'"),
        (("--task", "segmentation", "--model", "yolov3"), "--task is segmentation and yolov3 does detection"),
        (("--model", "yolov3", "--mask-map", "255=1"), "--mask-map is for segmentation"),
        (("--augmented", "--set", "input_size=[100, 100]"), "96x96 or 128x128"),
        (("--layout", "papers"), "papers"),
    ],
)
def test_what_can_not_be_shown_is_one_sentence_and_leaves_no_folder(shown, synthetic_data, tmp_path, flags, message):
    with pytest.raises(UserError, match=re.escape(message)):
        main(["show", synthetic_data, *flags])
    assert not (tmp_path / "show").exists()


def test_a_folder_without_a_data_set_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"no data set with boxes in .*; nor are there masks"):
        main(["show", str(tmp_path)])
    with pytest.raises(UserError, match="does not exist"):
        main(["show", str(tmp_path / "nowhere")])


@pytest.mark.parametrize("flags", [["--count", "0"], ["--index", "-1"], ["--index"]])
def test_wrong_numbers_are_one_sentence(flags, capsys):
    with pytest.raises(SystemExit) as ending:
        main(["show", "root", *flags])
    assert ending.value.code == 2
    assert capsys.readouterr().err.endswith("; trizoo data show --help shows all flags\n")


@needs_bccd
def test_real_cells(shown):
    folder, text = shown(BCCD, "--count", "4", "--augmented")
    assert_whole(folder, text)
    assert all(f"</span>{name}</td>" in text for name in ("Platelets", "RBC", "WBC"))
