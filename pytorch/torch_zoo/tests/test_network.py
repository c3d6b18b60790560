"""Networks are ordinary PyTorch modules: copied, pickled, hooked and cast like any other."""

import copy
import pickle

import pytest
import torch
from torch import nn

from torch_zoo.blocks import ConvBlock
from torch_zoo.families import make_network
from torch_zoo.network import Network
from trizoo.families import ARCHITECTURES, architecture
from trizoo.parity.golden import golden_spec
from trizoo.parity.probe import pseudo_model
from trizoo.parity.pseudo import pseudo_images
from trizoo.weights.names import load_names

NAMES = ("yolov3-tiny", "yolov4-tiny", "ssd300-vgg16", "retinanet-resnet50-v2", "pspnet-mobilenetv2")  # every block
PRECISIONS = {torch.float16: 0.01, torch.bfloat16: 0.05, torch.float64: 1e-5}  # greatest difference / greatest value


@pytest.fixture(scope="module", params=NAMES)
def model(request, zoo):
    """A network with pseudo-weights, in evaluation."""
    return pseudo_model(zoo, request.param, zoo.device("cpu")).eval()


def images_of(model, count=1):
    size = architecture(model.spec.name).only_size or (64, 64)
    return torch.from_numpy(pseudo_images(count, size))


@torch.inference_mode()
def heads_of(model):
    return model(images_of(model))


def difference(heads, others):
    """The greatest difference, as a share of the head's greatest value."""
    pairs = zip(heads, others, strict=True)
    return max(float((head - other).abs().max() / head.abs().max()) for head, other in pairs)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_state_dict_has_the_canonical_names_and_pytorchs_counters(name):
    with torch.device("meta"):
        model = make_network(golden_spec(name))
    counters = [f"{prefix}.num_batches_tracked" for prefix, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)]
    state = {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}
    assert state.keys() - load_names(name).keys() == set(counters)
    assert [item for item in state.items() if item[0] not in counters] == list(load_names(name).items())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_network_knows_the_spec_that_it_was_built_from(name):
    with torch.device("meta"):
        model = make_network(golden_spec(name))
    assert isinstance(model, Network)
    assert model.spec == golden_spec(name)


def test_heads_are_a_tuple_in_training_and_in_evaluation(model):
    shapes = [head.shape for head in heads_of(model)]
    with torch.no_grad():
        heads = copy.deepcopy(model).train()(images_of(model, 2))
    assert isinstance(heads, tuple)
    assert [head.shape[1:] for head in heads] == [shape[1:] for shape in shapes]


def test_a_hook_sees_each_activation(model):
    called = []
    blocks = [block for block in model.modules() if isinstance(block, ConvBlock)]
    hooks = [block.activate.register_forward_hook(lambda module, *_: called.append(module)) for block in blocks]
    heads_of(model)
    for hook in hooks:
        hook.remove()
    assert set(called) == {block.activate for block in blocks}


def test_a_deep_copy_gives_the_same_heads_and_shares_nothing(model):
    expected, copied = heads_of(model), copy.deepcopy(model)
    assert difference(expected, heads_of(copied)) == 0
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.zero_()
    assert difference(expected, heads_of(model)) == 0


def test_a_pickled_network_gives_the_same_heads(model):
    restored = pickle.loads(pickle.dumps(model))
    assert restored.spec == model.spec
    assert difference(heads_of(model), heads_of(restored)) == 0


@pytest.mark.parametrize("dtype", PRECISIONS, ids=str)
def test_a_network_cast_to_another_precision_computes_in_it(model, dtype):
    cast, computed = copy.deepcopy(model).to(dtype), []
    for module in cast.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda _, inputs, output: computed.extend((inputs[0].dtype, output.dtype)))
    assert difference(heads_of(model), heads_of(cast)) < PRECISIONS[dtype]
    assert set(computed) == {dtype}


def test_half_and_bfloat16_are_those_casts(zoo):
    model = pseudo_model(zoo, "yolov3-tiny", zoo.device("cpu")).eval()
    assert {head.dtype for head in heads_of(copy.deepcopy(model).half())} == {torch.float16}
    assert {head.dtype for head in heads_of(copy.deepcopy(model).bfloat16())} == {torch.bfloat16}
    assert {head.dtype for head in heads_of(model)} == {torch.float32}


def test_a_network_moved_to_another_device_runs_there(model):
    heads = copy.deepcopy(model).to("meta")(images_of(model).to("meta"))
    assert [head.shape for head in heads] == [head.shape for head in heads_of(model)]
    assert {head.device.type for head in heads} == {"meta"}
