"""The DataLoader over the zoo's batches."""

import numpy as np
import pytest
import torch

from common.architectures import model_spec
from common.data.dataset import TrainingSet
from common.data.synthetic import synthesize
from common.data.voc import VOC
from common.errors import UserError
from common.recipes.schema import Recipe
from common.training.schedule import Plan
from torch_zoo.framework import PyTorch

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    source = VOC(synthesize(tmp_path_factory.mktemp("data") / "s", images=12, size=(80, 64)), masks=False)
    recipe = Recipe(classes=source.classes, input_size=(64, 64), schedule={"epochs": 2, "batch_size": 4})
    return TrainingSet(source, list(range(12)), recipe, model_spec("yolov3-tiny", 3)), recipe


def plans(recipe, first_step=0):
    return Plan(recipe.schedule, recipe.freeze, 12, recipe.seed, False).plans(first_step)


def test_the_sample_stream_is_the_same_with_0_and_2_workers(training):
    dataset, recipe = training
    alone = list(PyTorch.loader(dataset, plans(recipe), 0, CPU))
    workers = list(PyTorch.loader(dataset, plans(recipe), 2, CPU))
    assert [batch.step for batch in alone] == list(range(6))
    for ours, theirs in zip(alone, workers, strict=True):
        assert ours.ids == theirs.ids
        assert torch.equal(ours.images, theirs.images)
        assert all(torch.equal(ours.targets[name], theirs.targets[name]) for name in ours.targets)


def test_epochs_differ_in_order_and_in_augmentation(training):
    dataset, recipe = training
    batches = list(PyTorch.loader(dataset, plans(recipe), 0, CPU))
    ids = [[id for batch in half for id in batch.ids] for half in (batches[:3], batches[3:])]
    assert sorted(ids[0]) == sorted(ids[1])
    assert ids[0] != ids[1]
    images = [{id: image for batch in half for id, image in zip(batch.ids, batch.images, strict=True)}
              for half in (batches[:3], batches[3:])]  # fmt: skip
    assert not any(torch.equal(images[0][id], images[1][id]) for id in images[0])


def test_a_stream_begun_later_is_the_rest_of_the_whole_one(training):
    dataset, recipe = training
    whole = list(PyTorch.loader(dataset, plans(recipe), 0, CPU))
    rest = list(PyTorch.loader(dataset, plans(recipe, first_step=4), 0, CPU))
    assert [batch.step for batch in rest] == [4, 5]
    assert torch.equal(whole[4].images, rest[0].images)


def test_images_travel_as_bytes(training):
    dataset, recipe = training
    batch = next(iter(PyTorch.loader(dataset, plans(recipe), 0, CPU)))
    assert batch.images.dtype == torch.uint8
    assert batch.images.shape == (4, 64, 64, 3)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_users_error_comes_out_of_a_worker_as_it_is(training, workers):
    _, recipe = training

    def broken(plan):
        raise UserError("image 7.jpg is truncated")

    with pytest.raises(UserError, match=r"^image 7.jpg is truncated$"):
        list(PyTorch.loader(broken, plans(recipe), workers, CPU))


def test_numpy_is_not_the_source_of_randomness(training):
    dataset, recipe = training
    np.random.seed(1)  # noqa: NPY002, the global state is what must not matter
    first = next(iter(PyTorch.loader(dataset, plans(recipe), 0, CPU)))
    np.random.seed(2)  # noqa: NPY002
    torch.manual_seed(9)
    second = next(iter(PyTorch.loader(dataset, plans(recipe), 0, CPU)))
    assert torch.equal(first.images, second.images)
