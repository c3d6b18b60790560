import pytest

from trizoo.serve.refused import RefusedError
from trizoo.serve.wish import Wish, parse_wish

CLASSES = ("cat", "dog", "a,b")


def test_nothing_asked_is_as_the_server_was_started():
    assert parse_wish([], "detection", CLASSES) == Wish()
    assert Wish().options() == ()


def test_thresholds_and_classes_are_read():
    given = [("confidence", "0.25"), ("nms", "1"), ("classes", "a,b"), ("classes", "cat")]
    wish = parse_wish(given, "detection", CLASSES)
    assert wish == Wish(confidence=0.25, nms=1.0, only=(0, 2))
    assert wish.options() == (("nms", 1.0), ("only", (0, 2)))


def test_a_mask_is_of_segmentation():
    assert parse_wish([("mask", "png")], "segmentation", CLASSES) == Wish(mask=True)


def test_the_number_of_classes_is_of_classification():
    assert parse_wish([("top", "2")], "classification", CLASSES) == Wish(top=2)
    assert Wish(top=2).options() == ()


def test_the_least_probability_is_of_several_labels():
    assert parse_wish([("confidence", "0.3")], "multilabel", CLASSES) == Wish(confidence=0.3)
    assert Wish(confidence=0.3).options() == ()


@pytest.mark.parametrize(
    ("task", "given", "sentence"),
    [
        ("classification", [("top", "0")], "top is '0'; a whole number of at least 1 is needed"),
        ("classification", [("top", "2.5")], r"top is '2\.5'"),
        ("classification", [("confidence", "1")], "no parameter 'confidence'; there is top"),
        ("detection", [("top", "1")], "no parameter 'top'"),
        ("detection", [("confidenc", "1")], "no parameter 'confidenc', did you mean 'confidence'"),
        ("detection", [("mask", "png")], "no parameter 'mask'; there is confidence, nms, classes"),
        ("segmentation", [("confidence", "1")], "no parameter 'confidence'; there is mask"),
        ("detection", [("nms", "nan")], "nms is 'nan'; a number from 0 to 1 is needed"),
        ("detection", [("confidence", "1.5")], "confidence is '1.5'"),
        ("detection", [("confidence", "0.1"), ("confidence", "0.2")], "confidence is given twice"),
        ("detection", [("classes", "Cat")], "'Cat', which the model doesn't know; did you mean 'cat'"),
        ("segmentation", [("mask", "jpeg")], "mask is 'jpeg'; png is needed"),
    ],
)
def test_what_there_isnt_is_refused_in_a_sentence(task, given, sentence):
    with pytest.raises(RefusedError, match=sentence) as caught:
        parse_wish(given, task, CLASSES)
    assert caught.value.status == 422


def test_a_long_text_isnt_repeated_whole():
    with pytest.raises(RefusedError) as caught:
        parse_wish([("x" * 100_000, "")], "detection", CLASSES)
    assert len(str(caught.value)) < 200
