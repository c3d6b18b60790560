"""The learner, as in every framework, and what concerns PyTorch's alone."""

import pytest
import torch

from common.tests.contract.learner import *  # noqa: F403
from common.tests.contract.learner import make_learner
from torch_zoo.memory import is_out_of_memory


def test_running_out_of_memory_is_known_by_pytorchs_message():
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(error.value)
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_the_model_is_in_channels_last_memory(zoo):
    learner = make_learner(zoo)
    kernel = dict(learner.model.named_parameters())["backbone.convs.3.conv.weight"]
    assert kernel.is_contiguous(memory_format=torch.channels_last)
