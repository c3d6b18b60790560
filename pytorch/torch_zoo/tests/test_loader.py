"""The loader, as in every framework, and what concerns PyTorch's alone."""

import torch

from trizoo.tests.contract.loader import *  # noqa: F403
from trizoo.tests.contract.loader import plans, same


def test_pytorch_is_not_the_source_of_randomness(zoo, training, batches):
    dataset, recipe = training
    torch.manual_seed(9)
    first = next(iter(zoo.loader(dataset, plans(recipe), 0, zoo.device("cpu"))))
    assert same(first.images, batches[0].images)
    assert torch.initial_seed() == 9


def test_batches_are_tensors(batches):
    assert isinstance(batches[0].images, torch.Tensor)
    assert all(isinstance(array, torch.Tensor) for array in batches[0].targets.values())
