"""The learner, as in every framework, and what concerns PyTorch's alone."""

import numpy as np
import pytest
import torch

from torch_zoo.learner import _clip_gradients
from torch_zoo.memory import is_out_of_memory
from trizoo.tests.contract.learner import *  # noqa: F403
from trizoo.tests.contract.learner import make_learner


def test_running_out_of_memory_is_known_by_pytorchs_message():
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(error.value)
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_the_model_is_in_channels_last_memory(zoo):
    learner = make_learner(zoo)
    kernel = dict(learner.model.named_parameters())["backbone.convs.3.conv.weight"]
    assert kernel.is_contiguous(memory_format=torch.channels_last)


def test_clipped_gradients_have_the_norm_asked_for_though_a_few_are_far_larger_than_the_rest():
    gradients = np.random.default_rng(0).random((2000, 1000)) ** 40
    parameters = [torch.nn.Parameter(torch.zeros(gradients.shape)), torch.nn.Parameter(torch.zeros(3))]
    parameters[0].grad = torch.from_numpy(gradients.astype(np.float32))
    parameters[1].grad = torch.ones(3)
    _clip_gradients([*parameters, torch.nn.Parameter(torch.zeros(2))], 10.0)
    clipped = torch.cat([parameter.grad.flatten().double() for parameter in parameters])
    assert float(clipped.norm()) == pytest.approx(10.0, rel=1e-6)  # PyTorch's own clip_grad_norm_: 2e-5 more


def test_gradients_below_the_greatest_norm_stay_as_they_are():
    parameter = torch.nn.Parameter(torch.zeros(4))
    parameter.grad = torch.full((4,), 3.0)
    _clip_gradients([parameter], 6.0)
    assert parameter.grad.tolist() == [3.0] * 4
