"""What labels say: classes that are missing or rare, names, and the data check."""

import numpy as np
import pytest

from trizoo.diagnosis.history import read_history
from trizoo.diagnosis.images import open_images
from trizoo.diagnosis.labels import causes, not_opened
from trizoo.ground.errors import UserError
from trizoo.tests.diagnosis.runs import HEALTHY, by_kind, make_run, make_voc
from trizoo.tests.mask_files import write_masks
from trizoo.tests.voc_files import add_list

CAT, DOG = ("cat", 5, 5, 40, 40), ("dog", 10, 10, 50, 60)


def test_classes_that_all_images_have_have_no_cause(look, tmp_path):
    root = make_voc(tmp_path / "set", {"train": [[CAT, DOG]] * 12, "val": [[CAT], [DOG]]})
    assert look(causes, root) == {}


def test_a_class_without_an_object_in_a_split_is_missing(look, tmp_path):
    root = make_voc(tmp_path / "set", {"train": [[CAT]] * 12, "val": [[DOG]] * 3, "test": [[("cow", 1, 1, 9, 9)]]})
    cause = look(causes, root)["class_missing"]
    assert cause.certainty == "likely"
    assert cause.numbers == {"missing_in_training": 2, "missing_in_validation": 2}
    assert "no object of cow, dog in the 12 images (train) for training" in cause.evidence
    assert "no object of cat, cow in the 3 images (val) for validation" in cause.evidence


def test_a_class_in_few_images_is_told_with_what_the_final_metrics_say_of_it(look, tmp_path):
    train = [[CAT]] * 11 + [[CAT, DOG, DOG]] * 2
    root = make_voc(tmp_path / "set", {"train": train, "val": [[CAT, DOG]]})
    metrics = {"per_class": {"dog": {"AP50": 0.125, "ground_truths": 3}, "cat": {"AP50": 0.9}}}
    cause = look(causes, root, metrics=metrics)["class_rare"]
    assert cause.evidence == ("dog is in 2 of 13 training images with 4 objects; 0.125 in the final metrics",)
    assert cause.numbers == {"dog": 2}


def test_where_every_class_is_rare_the_data_set_is_small_and_no_class_is(look, tmp_path):
    root = make_voc(tmp_path / "set", {"train": [[CAT, DOG]] * 5, "val": [[CAT, DOG]]})
    assert look(causes, root) == {}


def test_a_handful_of_images_on_purpose_need_not_hold_every_class(look, tmp_path):
    root = make_voc(tmp_path / "set", {"train": [[CAT]] * 4 + [[DOG]]})
    assert look(causes, root, "data.overfit=4") == {}


def test_names_that_look_like_slips_are_told_with_the_class_map_that_would_join_them(look, tmp_path):
    root = make_voc(tmp_path / "set", {"train": [[("Cat", 1, 1, 30, 30), CAT]] * 12, "val": [[CAT]] * 2})
    cause = look(causes, root)["class_names"]
    assert "'Cat' (12) looks like 'cat' (14)" in cause.evidence[0]
    assert cause.remedies[0].command.endswith("--classes-map Cat=cat")


def test_names_that_are_none_of_the_runs_classes_are_told_with_a_class_map(tmp_path):
    root = make_voc(tmp_path / "set", {"train": [[("dogs", 5, 5, 40, 40)]] * 2, "val": [[CAT]]})
    history = read_history(make_run(tmp_path / "run", HEALTHY, f"data.root={root}", "classes=[cat, dog]"))
    with pytest.raises(UserError) as error:
        open_images(history)
    cause = by_kind([not_opened(history, error.value)])["class_names"]
    assert cause.evidence == ("dogs in the data set, and the run's classes are cat, dog",)
    assert cause.remedies[0].command.endswith("--classes-map dogs=dog")


def test_a_data_set_that_training_would_refuse_is_told_in_its_words(tmp_path):
    root = make_voc(tmp_path / "set", {"train": [[CAT]] * 2, "val": [[CAT]]})
    history = read_history(make_run(tmp_path / "run", HEALTHY, f"data.root={root}", "data.train=training"))
    with pytest.raises(UserError) as error:
        open_images(history)
    cause = by_kind([not_opened(history, error.value)])["data"]
    assert "no split 'training'" in cause.evidence[0]


def test_what_the_data_check_finds_is_a_cause(look, tmp_path):
    root = make_voc(tmp_path / "set", {"train": [[CAT, DOG]] * 12, "val": [[CAT, DOG]]})
    (root / "JPEGImages" / "train0003.png").write_bytes(b"no picture")
    cause = look(causes, root)["data_check"]
    assert cause.numbers == {"errors": 1, "left_out": 1}
    assert "train0003.png" in cause.evidence[0]
    assert "8% of the training images are left out" in cause.evidence[1]


def test_a_class_that_no_training_mask_has_is_missing(look, tmp_path):
    masks = {f"m{number:02}": np.full((32, 32), number % 2, np.uint8) for number in range(12)}
    root = write_masks(tmp_path / "set", masks | {"v": np.full((32, 32), 2, np.uint8)})
    add_list(root, "train", list(masks), "Segmentation")
    add_list(root, "val", ["v"], "Segmentation")
    options = {"model": "deeplabv3plus-mobilenetv2", "score": "mIoU"}
    cause = look(causes, root, **options)["class_missing"]
    assert "no pixel of class_2 in the 12 images (train) for training" in cause.evidence
    assert cause.numbers == {"missing_in_training": 1, "missing_in_validation": 2}


def test_data_that_was_moved_is_read_as_the_run_read_it(tmp_path):
    """Other annotations lie beside those that count."""
    root = make_voc(tmp_path / "set", {"train": [[CAT]] * 12, "val": [[CAT]] * 3})
    (root / "Annotations").rename(root / "notes")
    make_voc(tmp_path / "others", {"train": [[DOG]] * 12, "val": [[DOG]] * 3})
    (tmp_path / "others" / "Annotations").rename(root / "Annotations")
    path = make_run(tmp_path / "run", HEALTHY, "data.root=gone", "data.annotations=notes", "classes=[cat]")
    history = read_history(path, root)
    assert open_images(history).training.objects.tolist() == [12]
    assert not_opened(history, UserError("no")).kind == "data"  # not by the names of the others
