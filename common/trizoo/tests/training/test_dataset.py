import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.families.yolo.spec import YOLOLoss
from trizoo.families.yolo.targets import assign
from trizoo.ground.sample import Record, Sample
from trizoo.recipes.augmentations import Flip, Mixup, Mosaic, Place, RandomPlacement
from trizoo.recipes.schema import Recipe
from trizoo.training.batch import BatchPlan
from trizoo.training.dataset import TrainingSet

SPEC = model_spec("yolov3-tiny", 2)
RECIPE = Recipe(classes=("a", "b"), input_size=(96, 64), seed=5)


class Drawn:
    """A data set in memory; image i is noise, with i % 3 boxes."""

    def __init__(self, count=6):
        self.records = [Record(f"image {i}", Path(f"{i}.jpg"), (80, 60)) for i in range(count)]
        self.asked = []

    def sample(self, index, at_least=None):
        self.asked.append((index, at_least))
        width, height = self.records[index].size
        image = np.random.default_rng(index).integers(0, 256, (height, width, 3), np.uint8)
        boxes = np.array([[5, 5, 40, 50], [30, 10, 75, 55]], np.float32)[: index % 3]
        return Sample(image, boxes, np.arange(len(boxes)))


def make(recipe=RECIPE, members=range(6), room=0):
    return TrainingSet(Drawn(), list(members), recipe, SPEC, room)


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("image", "boxes", "labels"))


def test_a_plan_becomes_a_batch():
    batch = make()(BatchPlan(step=9, epoch=1, indices=(4, 0, 5), positions=(3, 4, 5)))
    assert batch.images.shape == (3, 64, 96, 3)
    assert batch.images.dtype == np.uint8
    assert batch.ids == ["image 4", "image 0", "image 5"]
    assert batch.step == 9
    samples = [make().sample(index, 1, place) for index, place in ((4, 3), (0, 4), (5, 5))]
    expected = assign([s.boxes for s in samples], [s.labels for s in samples], SPEC, (96, 64))
    for name, array in expected.items():
        np.testing.assert_array_equal(batch.targets[name], array)
    np.testing.assert_array_equal(batch.images, [s.image for s in samples])


def test_images_keep_their_ratio_on_a_canvas_that_holds_all_of_the_batch():
    source = Drawn()
    source.records[1] = Record("upright", Path("1.jpg"), (60, 80))
    recipe = RECIPE.model_copy(update={"input_size": (120, 96), "resize": "keep_ratio", "augment": ()})
    made = TrainingSet(source, range(2), recipe, SPEC, 0)
    alone = [made.sample(index, 0, index) for index in (0, 1)]
    # 80x60 becomes 120x90, of a canvas of 128x96, 60x80 of one of 96x128
    assert [sample.size for sample in alone] == [(128, 96), (96, 128)]
    assert alone[1].image[120:].tolist() == np.full((8, 96, 3), 128).tolist()
    batch = made(BatchPlan(step=0, epoch=0, indices=(0, 1), positions=(0, 1)))
    assert batch.images.shape == (2, 128, 128, 3)
    np.testing.assert_array_equal(batch.images[1, :, :96], alone[1].image)
    assert (batch.images[0, 96:] == 128).all()
    expected = assign([s.boxes for s in alone], [s.labels for s in alone], SPEC, (128, 128))
    np.testing.assert_array_equal(batch.targets["positives"], expected["positives"])


def test_the_recipe_says_how_many_anchors_answer_for_a_box():
    plan = BatchPlan(step=0, epoch=0, indices=(2, 5), positions=(0, 1))
    one, more = (make(RECIPE.model_copy(update={"loss": YOLOLoss(match_iou=iou)}))(plan).targets for iou in (1.0, 0.1))
    np.testing.assert_array_equal(one["boxes"], more["boxes"])
    assert more["num_positives"] > one["num_positives"]


def test_members_choose_and_order_the_images():
    training = make(members=[5, 2])
    assert len(training) == 2
    assert training(BatchPlan(0, 0, (0, 1), (0, 1))).ids == ["image 5", "image 2"]
    assert [index for index, _ in training.source.source.asked] == [5, 2]


@pytest.mark.parametrize(
    ("operations", "size", "asked"),
    [
        # half of 96 x 64, which is less than any image is decoded at: 160 x 160, of which 960 is six times
        ((RandomPlacement(jitter=0, scale=(0.5, 0.5)),), None, (320, 240)),
        # pixels wanted before their number is known: as many as the largest scale can ask for, 480 x 320
        ((Flip(), RandomPlacement(scale=(0.5, 5))), None, (640, 480)),
        ((Flip(), RandomPlacement(scale=(0.5, 5))), (32, 32), (320, 240)),  # 160 x 160
    ],
)
def test_images_are_asked_for_as_large_as_they_are_shown(operations, size, asked):
    training = make(RECIPE.model_copy(update={"augment": operations}))
    training.source.records[1] = replace(training.source.records[1], size=(1280, 960))
    training.sample(1, 0, 0, size)
    assert training.source.source.asked == [(1, asked)]


def several(**changes):
    return RECIPE.model_copy(
        update={"augment": (Mosaic(probability=1), RandomPlacement(), Mixup(probability=1)), **changes}
    )


def test_mosaics_are_made_of_members():
    training = make(several(), members=[5, 2])
    batch = training(BatchPlan(0, 0, (0, 1), (0, 1)))
    assert len(training.source.source.asked) == 2 * 5  # four tiles and a partner each
    assert {index for index, _ in training.source.source.asked} == {5, 2}
    assert batch.ids == ["image 5", "image 2"]
    again = pickle.loads(pickle.dumps(make(several(), members=[5, 2])))(BatchPlan(0, 0, (0, 1), (0, 1)))
    np.testing.assert_array_equal(batch.images, again.images)


def test_images_that_are_kept_are_the_same_ones():
    kept, read = make(several(), room=10**6), make(several())
    for step in range(3):
        plan = BatchPlan(step, 0, (0, 1, 2), (0, 1, 2))
        np.testing.assert_array_equal(kept(plan).images, read(plan).images)
    asked = kept.source.source.asked
    assert len(asked) == len(set(asked)) <= 2 * 6 < len(read.source.source.asked)


def test_a_plans_progress_ends_mosaics():
    training = make(several())
    for progress, count in [(0.0, 5), (0.69, 5), (0.7, 1)]:
        training.source.source.asked.clear()
        training(BatchPlan(0, 0, (0,), (0,), progress))
        assert len(training.source.source.asked) == count


@pytest.mark.parametrize("recipe", [RECIPE, several()])
def test_a_plans_size_is_that_of_images_and_targets(recipe):
    training = make(recipe)
    batch = training(BatchPlan(0, 0, (1, 2, 5), (0, 1, 2), 0.0, (128, 32)))
    assert batch.images.shape == (3, 32, 128, 3)
    samples = [training.sample(index, 0, place, (128, 32)) for place, index in enumerate((1, 2, 5))]
    expected = assign([s.boxes for s in samples], [s.labels for s in samples], SPEC, (128, 32))
    for name, array in expected.items():
        np.testing.assert_array_equal(batch.targets[name], array)


def test_a_sample_is_the_same_in_any_worker_batch_and_order():
    training = make()
    plans = [BatchPlan(0, 2, (1, 2, 3), (0, 1, 2)), BatchPlan(1, 2, (4, 5), (3, 4))]
    first = [training(plan) for plan in plans]
    other = pickle.loads(pickle.dumps(make()))  # as a spawned worker gets it
    for batch, again in zip(first, reversed([other(plan) for plan in reversed(plans)]), strict=True):
        np.testing.assert_array_equal(batch.images, again.images)
        np.testing.assert_array_equal(batch.targets["boxes"], again.targets["boxes"])
    np.testing.assert_array_equal(training.sample(5, 2, 4).image, first[1].images[1])


def test_draws_depend_on_seed_epoch_and_place():
    sample = make().sample(2, epoch=1, position=4)
    assert same(sample, make().sample(2, 1, 4))
    assert not same(sample, make().sample(2, 1, 5))
    assert not same(sample, make().sample(2, 2, 4))
    assert not same(sample, make(RECIPE.model_copy(update={"seed": 6})).sample(2, 1, 4))


@pytest.mark.parametrize("resize", ["letterbox", "stretch"])
def test_without_augmentation_the_resize_policy_places_the_image(resize):
    sample = make(RECIPE.model_copy(update={"augment": (), "resize": resize})).sample(1, 0, 0)
    # 80 x 60 in 96 x 64: stretched by 1.2 and 1.0667, or letterboxed by 1.0667 to 85 x 64, 5 pixels from the left
    expected = [6, 16 / 3, 48, 160 / 3] if resize == "stretch" else [5 + 85 / 16, 16 / 3, 5 + 42.5, 160 / 3]
    np.testing.assert_allclose(sample.boxes, [expected], rtol=1e-5)


def test_the_recipes_operations_are_applied():
    stretched = make(RECIPE.model_copy(update={"augment": (Place(policy="stretch"),)})).sample(1, 0, 0)
    np.testing.assert_allclose(stretched.boxes, [[6, 16 / 3, 48, 160 / 3]], rtol=1e-5)


def test_a_batch_of_images_without_boxes_is_fine():
    batch = make()(BatchPlan(0, 0, (0, 3), (0, 1)))
    assert (batch.targets["positives"] == -1).all()


def test_a_record_may_have_any_name():
    training = make()
    training.source.records[0] = replace(training.source.records[0], id="猫 1")
    assert training(BatchPlan(0, 0, (0,), (0,))).ids == ["猫 1"]
