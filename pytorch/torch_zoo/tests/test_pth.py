"""common's reader of PyTorch's files against PyTorch itself: bit-equal arrays, and never another outcome."""

import collections
import zipfile

import numpy as np
import pytest
import torch

from trizoo.ground.errors import UserError
from trizoo.weights.readers import read

DTYPES = [
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
    torch.complex64,
    torch.complex128,
]
NEWER = hasattr(torch.serialization, "get_crc32_options")  # than the oldest that is supported
if NEWER:  # the oldest can't save these
    DTYPES += [torch.uint16, torch.uint32, torch.uint64]


def save_and_read(tmp_path, saved, zipped, protocol=2):
    torch.save(saved, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped, pickle_protocol=protocol)
    return read(tmp_path / "a.pth")


def assert_bit_equal(array, tensor):
    tensor = tensor.detach().resolve_conj().resolve_neg()
    expected = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
    assert isinstance(array, np.ndarray)
    assert array.dtype == expected.dtype
    assert array.shape == expected.shape
    assert array.tobytes() == expected.tobytes()


zipped_or_legacy = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])


@zipped_or_legacy
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_type_bit_by_bit(tmp_path, dtype, zipped):
    bits = torch.randint(0, 256, (16 * 6,), dtype=torch.uint8, generator=torch.manual_seed(0))
    tensor = (bits > 127 if dtype == torch.bool else bits.view(dtype)).view(2, -1, 3)
    assert_bit_equal(save_and_read(tmp_path, {"a": tensor}, zipped).arrays["a"], tensor)


@zipped_or_legacy
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_views_strides_parameters_and_odd_shapes(tmp_path, zipped, protocol):
    base = torch.arange(120, dtype=torch.float32)
    saved = collections.OrderedDict(
        base=base,
        piece=base[7:31:3],
        transposed=base.view(2, 3, 20).permute(2, 0, 1),
        channels_last=torch.rand(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
        expanded=torch.rand(3, 1).expand(3, 4),
        diagonal=base[:100].view(10, 10).diagonal(),
        parameter=torch.nn.Parameter(torch.rand(2, 3)),
        scalar=torch.tensor(7),
        truth=torch.tensor(True),
        brain=torch.tensor(1.5, dtype=torch.bfloat16),
        imaginary=torch.tensor(1 + 2j).conj().imag,
        empty=torch.zeros(0, 3),
        empty_piece=base[120:],
        conjugate=torch.tensor([1 + 2j]).conj(),
        negative=torch.tensor([1 + 2j]).conj().imag,
    )
    arrays = save_and_read(tmp_path, saved, zipped, protocol).arrays
    assert list(arrays) == list(saved)
    for name, tensor in saved.items():
        assert_bit_equal(arrays[name], tensor)
    assert np.shares_memory(arrays["base"], arrays["piece"])


@zipped_or_legacy
def test_a_whole_training_state(tmp_path, zipped):
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.rand(1, 3, 8, 8)).sum().backward()
    optimizer.step()
    saved = {
        "meta": {"classes": ("dog", "cat"), "version": "1.0", "lr": 0.1, "seed": 2**62, "size": torch.Size([3])},
        "state_dict": {f"module.{name}": value for name, value in model.state_dict().items()},
        "optimizer": optimizer.state_dict(),
        "epoch": 3,
    }
    kind, arrays, about = save_and_read(tmp_path, saved, zipped)
    assert (kind, about) == ("pytorch", {"wrapper": "state_dict", "prefix": "module."})
    assert list(arrays) == list(model.state_dict())
    assert arrays["1.num_batches_tracked"] == 1
    for name, tensor in model.state_dict().items():
        assert_bit_equal(arrays[name], tensor)


@zipped_or_legacy
def test_a_whole_model_is_refused_by_the_name_of_its_class(tmp_path, zipped):
    with pytest.raises(UserError, match=r"asks for 'torch\.nn\.modules\.linear\.Linear'.*state_dict\(\)"):
        save_and_read(tmp_path, torch.nn.Linear(2, 2), zipped)


@pytest.mark.skipif(not NEWER, reason="this PyTorch always writes them")
def test_an_archive_without_checksums_is_read(tmp_path):
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        arrays = save_and_read(tmp_path, {"a": torch.arange(5)}, True).arrays
    finally:
        torch.serialization.set_crc32_options(before)
    assert arrays["a"].tolist() == [0, 1, 2, 3, 4]


def test_a_file_of_another_byte_order_is_read_as_torch_reads_it(tmp_path):
    torch.save({"a": torch.arange(5.0), "b": torch.arange(3).bfloat16()}, tmp_path / "a.pth")
    with zipfile.ZipFile(tmp_path / "a.pth") as given, zipfile.ZipFile(tmp_path / "b.pth", "w") as made:
        for name in given.namelist():
            made.writestr(name, b"big" if name.endswith("byteorder") else given.read(name))
    expected = torch.load(tmp_path / "b.pth", weights_only=True)
    assert expected["a"].tolist() != [0, 1, 2, 3, 4]
    for name, array in read(tmp_path / "b.pth").arrays.items():
        assert_bit_equal(array, expected[name])
