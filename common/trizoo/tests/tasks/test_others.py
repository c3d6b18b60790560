import numpy as np

from trizoo.ground.sample import Detections
from trizoo.tasks.others import coco_categories, to_coco, write_names, write_yolo
from trizoo.tasks.writers import to_json

FOUND = Detections(
    np.array([[10, 20, 30, 44], [-5, 0, 64, 48]], np.float32), np.array([0.9, 0.5], np.float32), np.array([1, 0])
)


def test_cocos_results_have_corner_and_sides_and_the_files_name():
    result = to_json("a/b.jpg", (64, 48), FOUND, ["cat", "dog"])
    first, second = to_coco(result, 7, [3, 5])
    assert first == {"image_id": 7, "file_name": "a/b.jpg", "category_id": 5, "bbox": [10, 20, 20, 24], "score": 0.9}
    assert second["category_id"] == 3


def test_categories_are_cocos_own_for_its_classes_and_else_begin_at_1():
    names = ["person", *(f"class {number}" for number in range(78)), "toothbrush"]
    numbers = coco_categories(names)
    # bus is the sixth of 80 and 6; stop sign the twelfth and 13; toothbrush the last and 90
    assert (numbers[5], numbers[11], numbers[-1], len(numbers)) == (6, 13, 90, 80)
    assert coco_categories(["cat", "dog"]) == [1, 2]


def test_yolos_labels_are_shares_of_the_image(tmp_path):
    write_yolo(tmp_path / "labels" / "a.txt", (64, 48), FOUND)
    # (10 + 30) / 2 / 64, (20 + 44) / 2 / 48, 20 / 64, 24 / 48; the second is cut at the image's edge
    assert (tmp_path / "labels" / "a.txt").read_text(encoding="utf-8").splitlines() == [
        "1 0.312500 0.666667 0.312500 0.500000",
        "0 0.500000 0.500000 1.000000 1.000000",
    ]
    write_yolo(tmp_path / "none.txt", (64, 48), Detections.empty())
    assert (tmp_path / "none.txt").read_bytes() == b""


def test_names_are_a_line_each(tmp_path):
    for _ in range(2):
        write_names(tmp_path / "classes.txt", ["cat", "a  dog\n"])
        assert (tmp_path / "classes.txt").read_text(encoding="utf-8") == "cat\na dog\n"
