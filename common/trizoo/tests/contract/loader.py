"""The framework's loader over the zoo's batches: order, workers, bytes, errors."""

import numpy as np
import pytest

from trizoo.data.boxes.find import find_boxes
from trizoo.data.synthetic import synthesize
from trizoo.families import architecture, model_spec
from trizoo.ground.errors import UserError
from trizoo.recipes.schema import Recipe
from trizoo.recipes.sections import Schedule
from trizoo.training.batch import InputSizes
from trizoo.training.dataset import TrainingSet
from trizoo.training.schedule import RunPlan


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    """A training set of 12 synthetic images, and a recipe of 2 epochs of 3 steps."""
    source = find_boxes(synthesize(tmp_path_factory.mktemp("data") / "s", images=12, size=(80, 64))).open()
    recipe = Recipe(classes=source.classes, input_size=(64, 64), schedule={"epochs": 2, "batch_size": 4})
    return TrainingSet(source, list(range(12)), recipe, model_spec("yolov3-tiny", 3)), recipe


@pytest.fixture(scope="module")
def batches(zoo, training):
    """All batches of the run, made without workers."""
    dataset, recipe = training
    return list(zoo.loader(dataset, plans(recipe), 0, zoo.device("cpu")))


def plans(recipe, first_step=0):
    return RunPlan(recipe.schedule, recipe.freeze, 12, recipe.seed, False).batch_plans(first_step)


def same(first, second):
    return np.array_equal(np.asarray(first), np.asarray(second))


def test_the_sample_stream_is_the_same_with_0_and_2_workers(zoo, training, batches):
    dataset, recipe = training
    workers = list(zoo.loader(dataset, plans(recipe), 2, zoo.device("cpu")))
    assert [batch.step for batch in batches] == list(range(6))
    for ours, theirs in zip(batches, workers, strict=True):
        assert (ours.step, list(ours.ids)) == (theirs.step, list(theirs.ids))
        assert same(ours.images, theirs.images)
        assert ours.targets.keys() == theirs.targets.keys()
        assert all(same(ours.targets[name], theirs.targets[name]) for name in ours.targets)


def test_batches_are_those_of_the_data_set(training, batches):
    dataset, recipe = training
    for plan, batch in zip(plans(recipe), batches, strict=True):
        made = dataset(plan)
        assert list(batch.ids) == made.ids
        assert same(batch.images, made.images)
        assert batch.targets.keys() == made.targets.keys()
        assert all(same(batch.targets[name], array) for name, array in made.targets.items())


def test_epochs_differ_in_order_and_in_augmentation(batches):
    ids = [[id for batch in half for id in batch.ids] for half in (batches[:3], batches[3:])]
    assert sorted(ids[0]) == sorted(ids[1])
    assert ids[0] != ids[1]
    images = [
        {id: image for batch in half for id, image in zip(batch.ids, np.asarray(batch.images), strict=True)}
        for half in (batches[:3], batches[3:])
    ]
    assert not any(same(images[0][id], images[1][id]) for id in images[0])


def test_a_stream_begun_later_is_the_rest_of_the_whole_one(zoo, training, batches):
    dataset, recipe = training
    rest = list(zoo.loader(dataset, plans(recipe, first_step=4), 0, zoo.device("cpu")))
    assert [batch.step for batch in rest] == [4, 5]
    assert same(batches[4].images, rest[0].images)


def test_images_travel_as_bytes(batches):
    images = np.asarray(batches[0].images)
    assert images.dtype == np.uint8
    assert images.shape == (4, 64, 64, 3)


@pytest.fixture(scope="module")
def everything(training):
    """A training set with all that YOLOv4's tricks do to data, and its plans: mosaics at first, sizes that change."""
    dataset, recipe = training
    operations = [{"op": "mosaic"}, {"op": "random_placement"}, {"op": "flip"}, {"op": "hsv"}, {"op": "mixup"}]
    operations += [{"op": "cutout"}, {"op": "grid_mask"}]
    scales = {"low": 0.5, "high": 2, "every": 1}
    recipe = Recipe(classes=recipe.classes, input_size=(64, 64), multi_scale=scales, augment=operations, seed=1)
    sizes = InputSizes.of(recipe, architecture("yolov3-tiny"))
    schedule = Schedule(iterations=8, batch_size=4)
    every = RunPlan(schedule, recipe.freeze, 12, recipe.seed, False, sizes=sizes).batch_plans()
    return TrainingSet(dataset.source, list(range(12)), recipe, dataset.spec), every


@pytest.mark.parametrize("workers", [0, 2])
def test_mosaics_and_changing_input_sizes_come_out_as_they_are_made(zoo, everything, workers):
    dataset, plans = everything
    found = list(zoo.loader(dataset, plans, workers, zoo.device("cpu")))
    assert len({plan.size for plan in plans}) > 2
    for plan, batch in zip(plans, found, strict=True):
        made = dataset(plan)
        assert np.asarray(batch.images).shape == (4, plan.size[1], plan.size[0], 3)
        assert same(batch.images, made.images)
        assert all(same(batch.targets[name], array) for name, array in made.targets.items())


def broken(plan):
    """A data set whose first image is damaged; here, where worker processes find it too."""
    raise UserError("image 7.jpg is truncated")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_users_error_comes_out_of_a_worker_as_it_is(zoo, training, workers):
    _, recipe = training
    with pytest.raises(UserError, match=r"^image 7.jpg is truncated$"):
        list(zoo.loader(broken, plans(recipe), workers, zoo.device("cpu")))


def test_numpy_is_not_the_source_of_randomness(zoo, training, batches):
    dataset, recipe = training
    np.random.seed(1)  # noqa: NPY002, the global state is what must not matter
    first = next(iter(zoo.loader(dataset, plans(recipe), 0, zoo.device("cpu"))))
    assert same(first.images, batches[0].images)
