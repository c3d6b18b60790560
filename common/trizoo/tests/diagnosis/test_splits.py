"""What splits say: overlap by content, few images, other classes and sizes."""

import shutil

from PIL import Image

from trizoo.diagnosis.history import read_history
from trizoo.diagnosis.images import open_images
from trizoo.diagnosis.splits import causes
from trizoo.tests.diagnosis.runs import HEALTHY, by_kind, make_run, make_voc

CAT, DOG = ("cat", 5, 5, 40, 40), ("dog", 5, 5, 40, 40)
BIG = ("cat", 1, 1, 60, 60)


def test_splits_as_they_should_be_have_no_cause(look, tmp_path):
    root = make_voc(tmp_path / "set", {"train": [[CAT, DOG]] * 30, "val": [[CAT, DOG]] * 30})
    assert look(causes, root) == {}


def test_the_same_picture_under_another_name_is_an_overlap(look, tmp_path):
    splits = {"train": [[CAT]] * 40, "val": [[CAT]] * 30, "test": [[CAT]] * 30}
    pictures = make_voc(tmp_path / "set", splits) / "JPEGImages"
    shutil.copy(pictures / "train0003.png", pictures / "val0041.png")
    shutil.copy(pictures / "train0004.png", pictures / "test0070.png")
    found = look(causes, tmp_path / "set")
    assert list(found) == ["validation_overlap"]
    cause = found["validation_overlap"]
    assert cause.numbers == {"validation": 1, "final": 1}
    assert cause.evidence[0] == (
        "1 of the 30 images of val have the very bytes of one that is trained on: val0041 = train0003"
    )


def test_a_run_validated_on_what_it_is_trained_on_overlaps(look, tmp_path):
    root = make_voc(tmp_path / "set", {"train": [[CAT]] * 30})
    assert look(causes, root, "data.validation=train")["validation_overlap"].numbers["validation"] == 30


def test_an_overlap_on_purpose_is_none(look, tmp_path):
    root = make_voc(tmp_path / "set", {"train": [[CAT]] * 5})
    assert look(causes, root, "data.overfit=4") == {}


def test_few_images_and_few_objects_of_a_class_measure_badly(look, tmp_path):
    root = make_voc(tmp_path / "set", {"train": [[CAT, DOG]] * 9, "val": [[CAT] * 6 + [DOG] * 2] * 4})
    found = look(causes, root)
    assert list(found) == ["validation_small"]
    cause = found["validation_small"]
    assert cause.certainty == "possible"
    assert cause.numbers == {"images": 4, "dog": 8}
    assert "wanders by some 0.25 by chance alone" in cause.evidence[0]
    assert cause.evidence[1].endswith("dog (8)")


def test_other_classes_and_other_sizes_make_another_split(look, tmp_path):
    """Training has as many cats as dogs; validation 90 % cats, of 60 pixels at the input instead of 36."""
    root = make_voc(tmp_path / "set", {"train": [[CAT, DOG]] * 30, "val": [[BIG] * 9 + [DOG]] * 30})
    found = look(causes, root, "input_size=[64, 64]")
    assert list(found) == ["validation_other"]
    cause = found["validation_other"]
    assert round(cause.numbers["class_distance"], 6) == 0.4
    assert round(cause.numbers["size_ratio"], 3) == round(60 / 36, 3)
    assert "cat is 50% of the objects that are trained on and 90% of val's" in cause.evidence[0]
    assert cause.remedies[0].why.endswith(
        "; lists or folders that say the splits now have to be removed first"
    )  # or they are refused


def test_labels_without_boxes_have_no_sizes(tmp_path):
    """A classifier's images, as many of each class in both splits."""
    for split in ("train", "val"):
        for name in ("cat", "dog"):
            folder = tmp_path / "set" / split / name
            folder.mkdir(parents=True)
            for number in range(30):
                shade = 4 * number + (split == "val") + 2 * (name == "dog")
                Image.new("RGB", (32, 32), (shade, 0, 0)).save(folder / f"{number}.png")
    path = make_run(tmp_path / "run", HEALTHY, f"data.root={tmp_path / 'set'}", model="classify-resnet18", score="top1")
    history = read_history(path)
    assert by_kind(causes(history, open_images(history))) == {}
