"""One set of names of devices, and a sentence where one isn't there."""

import pytest

from trizoo.ground.devices import chosen, device_name
from trizoo.ground.errors import UserError

THERE = ["cpu", "cuda:0", "cuda:1"]


@pytest.mark.parametrize(
    ("text", "name"),
    [("cpu", "cpu"), ("auto", "auto"), ("mps", "mps"), ("gpu", "cuda"), ("gpu:1", "cuda:1"), ("cuda:01", "cuda:1")],
)
def test_a_device_has_one_name(text, name):
    assert device_name(text) == name


@pytest.mark.parametrize("text", ["tpu", "cuda:", "cuda:x", "cpu:0", "CUDA", "", "cuda:-1", "cuda:1\n", None, 1])
def test_other_words_are_no_device(text):
    with pytest.raises(ValueError, match=r"is no device; one of auto, cpu, cuda, cuda:N, gpu, gpu:N, mps is needed"):
        device_name(text)


@pytest.mark.parametrize(
    ("wanted", "name"), [("auto", "cuda:0"), ("gpu", "cuda:0"), ("cuda:1", "cuda:1"), ("cpu", "cpu")]
)
def test_a_name_means_one_of_those_that_are_there(wanted, name):
    assert chosen(wanted, THERE, "PyTorch") == name


def test_without_a_gpu_auto_is_the_cpu():
    assert chosen("auto", ["cpu"], "PyTorch") == "cpu"
    assert chosen("auto", ["cpu", "mps"], "PyTorch") == "cpu"


def test_a_runtime_may_not_tell_gpus_apart():
    assert chosen("cuda:0", ["cpu", "cuda"], "ONNX Runtime") == "cuda"


@pytest.mark.parametrize("wanted", ["cuda:2", "mps"])
def test_a_device_that_is_not_there_is_a_sentence_with_those_that_are(wanted):
    with pytest.raises(UserError, match=rf"--device {wanted} was .* PyTorch finds cpu, cuda:0, cuda:1 alone"):
        chosen(wanted, THERE, "PyTorch")
