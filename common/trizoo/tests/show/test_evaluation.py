"""The page of evaluate.py --report: one file that says what was measured and shows where it went wrong."""

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from trizoo.data.masks.find import find_masks
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Detections, Record
from trizoo.show.evaluation import check_report, write_page
from trizoo.tasks.detection import BoxEvaluationSet
from trizoo.tasks.segmentation import MaskEvaluationSet
from trizoo.tests.mask_files import write_masks
from trizoo.tests.show.test_page import Reader

EVIL = '<img src=x onerror=y> & "'
FACTS = (f"yolov3-tiny on {EVIL}: val", "4 images")
BOX, OTHER = [0, 0, 40, 40], [100, 0, 140, 40]


def found(boxes, scores, labels):
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), np.array(labels, int))


@pytest.fixture
def boxes(tmp_path):
    """Four images with two boxes each, and a function: Detections of each -> the page that is written, read."""
    records = []
    for number in range(4):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (160, 80), (0, 60 * number, 0)).save(path)
        no = np.zeros(2, bool)
        truth = np.array([BOX, OTHER], np.float32), np.array([0, 1]), no, no
        records.append(Record(f"{number} {EVIL}", path, (160, 80), *truth))
    data = BoxEvaluationSet(records, (EVIL, "dog"), "val")

    def write(detections):
        metrics, results = data.measure(lambda paths: iter(detections))
        path = write_page(tmp_path / "new" / "report", "detection", data, metrics, results, FACTS)
        return Reader(path.read_text(encoding="utf-8"))

    return write


RIGHT = found([BOX, OTHER], [0.9, 0.8], [0, 1])
ONE_MISSED = found([BOX, OTHER], [0.9, 0.4], [0, 1])  # the second lies below the score
ALL_WRONG = found([BOX, OTHER, [50, 50, 70, 70]], [0.9, 0.8, 0.7], [1, 1, 1])
NOTHING = found([], [], [])


def captions(read):
    """Lines below the pictures of images."""
    start = read.texts.index("Worst images")
    return [text for text in read.texts[start:] if text.strip()]


def test_the_worst_images_come_first_with_their_mistakes(boxes):
    texts = captions(boxes([RIGHT, ONE_MISSED, ALL_WRONG, NOTHING]))
    assert texts[1] == "In all images 3 missed, 1 false, 1 confused, at score 0.5 and IoU 0.5."
    assert texts[3:] == [
        *(f"2 {EVIL}", "0 missed, 1 false, 1 confused"),
        *(f"3 {EVIL}", "2 missed, 0 false, 0 confused"),
        *(f"1 {EVIL}", "1 missed, 0 false, 0 confused"),
    ]


def test_errors_have_a_table_by_kind(boxes):
    """Of eight boxes one is missed, and one has the wrong class."""
    texts = boxes([RIGHT, RIGHT, found([BOX], [0.9], [0]), found([BOX, OTHER], [0.9, 0.8], [0, 0])]).texts
    start = texts.index("Errors")
    cells = [text for text in texts[start : texts.index("Curves and confusion")] if text.strip()]
    assert cells[cells.index("classification: in its place, of another class") + 1] == "1"
    assert cells[cells.index("missed: an object that nothing finds") + 1] == "1"
    assert cells[cells.index("0.95") + 1] == "AP"
    assert any("a mean IoU of 1.0000" in cell for cell in cells)


def test_truth_stands_at_the_left_and_prediction_at_the_right(boxes):
    (picture,) = [image for image in boxes([NOTHING, RIGHT, RIGHT, RIGHT]).all("img") if "jpeg" in image["src"]]
    with Image.open(BytesIO(base64.b64decode(picture["src"].partition(",")[2]))) as image:
        assert image.size == (480 + 6 + 480, 240) == (int(picture["width"]), int(picture["height"]))
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert pixels[:, :480].max() > 200  # boxes and labels
    assert pixels[:, 486:].max() < 40  # the image is black, and nothing was found in it


def test_where_nothing_went_wrong_the_page_says_so(boxes):
    texts = captions(boxes([RIGHT] * 4))
    assert texts[1:] == ["None: at score 0.5 and IoU 0.5 nothing is missed, invented or confused."]


def test_the_page_has_classes_sizes_and_curves_and_nothing_in_it_is_markup_or_elsewhere(boxes):
    read = boxes([RIGHT, ONE_MISSED, ALL_WRONG, NOTHING])
    assert [text for text in read.texts if text in ("Classes", "Sizes", "Curves and confusion")] != []
    assert "medium: to 96x96" in read.texts  # 40 x 40 pixels
    assert len([image for image in read.all("img") if image["src"].startswith("data:image/png")]) == 5
    assert all(image["src"].startswith("data:image/") for image in read.all("img"))
    assert not any({"href", "onerror"} & attributes.keys() for _, attributes in read.elements)
    assert EVIL in read.texts
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in read.all("meta")


def test_a_page_of_masks_has_the_worst_images_by_iou(tmp_path):
    mask = np.zeros((6, 8), np.uint8)
    mask[:, :4] = 1
    names = ["a", "b", "c"]
    root = write_masks(tmp_path / "set", dict.fromkeys(names, mask))
    source = find_masks(root).open(None, ("ground", EVIL))
    data = MaskEvaluationSet(source, "val", range(3))
    predictions = {"a": mask, "b": 1 - mask, "c": np.ones_like(mask)}
    metrics, results = data.measure(lambda paths: (predictions[path.stem] for path in paths))
    path = write_page(tmp_path / "report", "segmentation", data, metrics, results, FACTS)
    read = Reader(path.read_text(encoding="utf-8"))
    # c: ground 0 / 24, cat 24 / 48
    assert captions(read)[-6:] == ["b", "mean IoU 0.000", "c", "mean IoU 0.250", "a", "mean IoU 1.000"]
    assert len([image for image in read.all("img") if "jpeg" in image["src"]]) == 3
    assert {"mIoU", EVIL, "frequency weighted IoU"} <= {*read.texts}
    assert not any("onerror" in attributes for _, attributes in read.elements)


def test_only_an_earlier_report_is_replaced(boxes, tmp_path):
    boxes([RIGHT] * 4)
    check_report(tmp_path / "new" / "report")
    check_report(tmp_path / "newer")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<!doctype html><p>mine", encoding="utf-8")
    with pytest.raises(UserError, match="site isn't empty and holds no earlier results of this command"):
        check_report(tmp_path / "site")
