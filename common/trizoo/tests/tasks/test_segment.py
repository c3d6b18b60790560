import numpy as np
import pytest

from trizoo.augment.letterbox import fit
from trizoo.families import model_spec
from trizoo.tasks.segment import Segmenter, class_ids


def logits_of(mask, classes):
    return np.eye(classes, dtype=np.float32)[mask]


def test_an_image_of_the_inputs_size_has_the_class_of_the_greatest_logit():
    mask = np.random.default_rng(0).integers(0, 5, (6, 8))
    found = class_ids(logits_of(mask, 5), fit((8, 6), (8, 6)))
    assert found.dtype == np.uint8
    assert np.array_equal(found, mask)


def test_of_equal_logits_the_first_class_is_taken():
    for original in ((4, 4), (7, 5)):
        assert not class_ids(np.zeros((4, 4, 3), np.float32), fit(original, (4, 4), "stretch")).any()


@pytest.mark.parametrize("policy", ["letterbox", "stretch", "keep_ratio", "none"])
@pytest.mark.parametrize("original", [(60, 40), (40, 60), (300, 200), (31, 17)])
def test_what_lies_around_the_image_is_cut_off_and_the_rest_comes_back_to_its_place(policy, original):
    """The left half is class 1, the right half class 2, what lies around the image class 3."""
    placement = fit(original, (96, 64), policy)
    canvas = np.full(placement.canvas[::-1], 3)
    (width, height), (left, top) = placement.resized, (placement.left, placement.top)
    half = round(width / 2)
    canvas[top : top + height, left : left + half] = 1
    canvas[top : top + height, left + half : left + width] = 2
    found = class_ids(logits_of(canvas, 4), placement)
    assert found.shape == original[::-1]
    border = original[0] * half / width
    columns = np.arange(original[0]) + 0.5
    clear = np.abs(columns - border) > 1
    assert np.array_equal(
        found[:, clear], np.broadcast_to(np.where(columns < border, 1, 2)[clear], found[:, clear].shape)
    )


def test_a_border_between_classes_is_as_fine_as_the_logits_say():
    """Logits 0, 3 against 1, 0 cross at a quarter of the way between two pixels' centres."""
    logits = np.zeros((1, 2, 2), np.float32)
    logits[0, :, 0], logits[0, :, 1] = [1, 0], [0, 3]
    found = class_ids(logits, fit((200, 100), (2, 1), "stretch"))
    # centres at 50 and 150 of 200 pixels: class 1 is the greater from 50 + 100 / 4 on
    assert np.flatnonzero(found[0]).min() == pytest.approx(75, abs=1)


def test_images_as_they_are_go_through_the_network_with_others_of_their_size():
    shapes = []

    def predict(images):
        shapes.append(images.shape)
        return [logits_of(images[..., 0] // 100, 3)]

    segmenter = Segmenter(predict, model_spec("deeplabv3plus-mobilenetv2", 3), (96, 64), "none")
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (*size, 3), np.uint8) for size in ((33, 47), (33, 47), (64, 96), (33, 47))]
    found = list(segmenter(images, batch_size=4))
    assert shapes == [(3, 33, 47, 3), (1, 64, 96, 3)]
    for image, mask in zip(images, found, strict=True):
        np.testing.assert_array_equal(mask, image[..., 0] // 100)  # of every pixel, nothing read in between
    small = rng.integers(0, 256, (40, 31, 3), np.uint8)  # less than the model takes, so it gets a border
    np.testing.assert_array_equal(next(segmenter([small])), small[..., 0] // 100)
    assert shapes[-1] == (1, 64, 32, 3)


def test_a_mirrored_look_gives_the_mean_of_both_logits():
    """A network that sees class 1 in the left half of its input, and class 2 a little everywhere."""

    def predict(images):
        logits = np.zeros((*images.shape[:3], 3), np.float32)
        logits[:, :, : images.shape[2] // 2, 1] = 1
        logits[..., 2] = 0.4
        return [logits]

    spec, image = model_spec("deeplabv3plus-mobilenetv2", 3), np.zeros((32, 64, 3), np.uint8)
    (plain,), (both,) = (list(Segmenter(predict, spec, (64, 32), "none", flip=flip)([image])) for flip in (False, True))
    assert (np.unique(plain[:, :32]), np.unique(plain[:, 32:])) == (1, 2)
    assert np.unique(both).tolist() == [1]  # a half of 1 everywhere, against 0.4
