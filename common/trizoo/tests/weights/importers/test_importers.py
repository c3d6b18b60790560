import numpy as np
import pytest

from trizoo.ground.errors import UserError
from trizoo.parity.pseudo import pseudo_arrays
from trizoo.weights.importers import import_weights
from trizoo.weights.names import load_names
from trizoo.weights.readers import Weights, read, safetensors

NAMES = load_names("yolov3-tiny")


@pytest.fixture(scope="module")
def arrays():
    return pseudo_arrays(NAMES)


@pytest.mark.parametrize("kind", ["checkpoint", "pytorch", "safetensors", "npz"])
def test_arrays_of_canonical_names_are_taken_in_the_model_s_order(arrays, kind):
    given = dict(reversed(arrays.items())) | {"backbone.convs.0.bn.num_batches_tracked": np.array(3)}
    imported = import_weights(Weights(kind, given, {}), "yolov3-tiny")
    assert list(imported.arrays) == list(NAMES)
    assert (imported.missing, imported.unexpected) == ((), ())
    assert all(imported.arrays[name] is arrays[name] for name in NAMES)


def test_missing_and_unexpected_names_are_told(arrays):
    given = {**arrays, "head_p3.predict.bias": np.zeros(3)}
    del given["lateral_p4.bn.bias"]
    imported = import_weights(Weights("npz", given, {}), "yolov3-tiny")
    assert imported.missing == ("lateral_p4.bn.bias",)
    assert imported.unexpected == ("head_p3.predict.bias",)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int8])
def test_other_types_become_float32(arrays, dtype):
    given = {"head_p4.predict.bias": np.arange(255).astype(dtype)}
    array = import_weights(Weights("npz", given, {}), "yolov3-tiny").arrays["head_p4.predict.bias"]
    assert array.dtype == np.float32
    assert array.tolist() == given["head_p4.predict.bias"].tolist()


def test_complex_numbers_are_an_error():
    with pytest.raises(UserError, match=r"a\.npz holds complex128 for head_p4\.predict\.bias"):
        import_weights(Weights("npz", {"head_p4.predict.bias": np.zeros(255, complex)}, {}), "yolov3-tiny", "a.npz")


def test_names_of_another_model_are_shown(tmp_path):
    safetensors.write(tmp_path / "a.safetensors", {"trunk.0.conv1.weight": np.zeros((2, 2, 1, 1), np.float32)})
    with pytest.raises(
        UserError, match=r"named trunk\.0\.conv1\.weight \.\.\., which can't be turned into yolov3-tiny"
    ):
        import_weights(read(tmp_path / "a.safetensors"), "yolov3-tiny")
