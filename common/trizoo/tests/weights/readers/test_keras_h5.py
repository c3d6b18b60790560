import h5py
import numpy as np
import pytest

from trizoo.ground.errors import UserError
from trizoo.weights.readers import read

KERNEL = np.arange(54, dtype=np.float32).reshape(3, 3, 3, 2)
BIAS = np.array([1, 2], np.float32)


def layerwise(path, root="/", split=False, **options):
    """A file as Keras 2 writes it: conv1 with two arrays, an activation with none, a nested model, loose weights."""
    with h5py.File(path, "w") as file:
        group = file.require_group(root)
        group.attrs["keras_version"] = b"2.2.4"
        group.attrs["backend"] = "tensorflow"
        layers = {"conv1": ["conv1/kernel:0", "conv1/bias:0"], "act": [], "inner": ["block/dense/kernel:0"]}
        if split:
            group.attrs["layer_names0"] = [b"conv1", b"act"]
            group.attrs["layer_names1"] = [b"inner"]
        else:
            group.attrs["layer_names"] = [name.encode() for name in layers]
        for layer, names in {**layers, "top_level_model_weights": ["scale:0"]}.items():
            made = group.create_group(layer)
            made.attrs["weight_names"] = [name.encode() for name in names]
            for name in names:
                made.create_dataset(name, data=KERNEL if "kernel" in name else BIAS, **options)
    return path


def variables(path):
    """A file as Keras 3 writes it, with eleven arrays in one layer."""
    with h5py.File(path, "w") as file:
        for number in range(11):
            file[f"layers/conv2d/vars/{number}"] = np.float32(number)
        file["layers/conv2d/vars"].attrs["name"] = "stem_conv"
        file["layers/sequential/layers/dense/vars/0"] = KERNEL
        half = file.create_dataset("layers/half/vars/0", data=np.array([0x3F80, 0x4049], np.uint16).view("V2"))
        half.attrs["dtype"] = "bfloat16"
        file["optimizer/vars/0"] = KERNEL
        file.create_group("vars").attrs["name"] = "model"
    return path


@pytest.mark.parametrize("root", ["/", "model_weights"])
@pytest.mark.parametrize("split", [False, True])
def test_layers_of_keras_2_in_the_model_s_order(tmp_path, root, split):
    kind, arrays, about = read(layerwise(tmp_path / "a.h5", root, split))
    layers = about.pop("layers")
    assert (kind, about) == ("keras2", {"keras_version": "2.2.4", "backend": "tensorflow"})
    assert len(layers) == len(set(layers)) > 1
    assert list(arrays) == [
        "conv1/conv1/kernel:0",
        "conv1/conv1/bias:0",
        "inner/block/dense/kernel:0",
        "top_level_model_weights/scale:0",
    ]
    assert np.array_equal(arrays["conv1/conv1/kernel:0"], KERNEL)
    assert np.array_equal(arrays["conv1/conv1/bias:0"], BIAS)


def test_variables_of_keras_3_by_number_and_without_the_optimizer_s(tmp_path):
    kind, arrays, about = read(variables(tmp_path / "a.weights.h5"))
    assert kind == "keras3"
    assert about == {"names": {"layers/conv2d": "stem_conv", "": "model"}}
    numbered = [f"layers/conv2d/vars/{number}" for number in range(11)]
    assert list(arrays) == [*numbered, "layers/half/vars/0", "layers/sequential/layers/dense/vars/0"]
    assert [arrays[name] for name in numbered] == list(range(11))


def test_bfloat16_becomes_float32_of_the_same_value(tmp_path):
    """0x3f80 is 1, 0x4049 is 3.140625."""
    array = read(variables(tmp_path / "a.h5")).arrays["layers/half/vars/0"]
    assert array.dtype == np.float32
    assert array.tolist() == [1, 3.140625]


def changed(path, change):
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def replaced(name, **options):
    """A change: a data set made again with these options."""

    def change(file):
        del file[name]
        file.create_dataset(name, **options)

    return change


def linked(name, link):
    def change(file):
        del file[name]
        file[name] = link

    return change


BIAS_AT = "conv1/conv1/bias:0"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (linked(BIAS_AT, h5py.SoftLink("/conv1/conv1/kernel:0")), "nothing but a link"),
        (linked(BIAS_AT, h5py.ExternalLink("/etc/passwd", "/x")), "nothing but a link"),
        (linked("conv1", h5py.SoftLink("/inner")), "nothing but a link"),
        (replaced(BIAS_AT, data=BIAS, compression="gzip", chunks=(2,)), "h5repack"),
        (replaced(BIAS_AT, data=BIAS, external=[("/etc/passwd", 0, 8)]), "h5repack"),
        (replaced(BIAS_AT, shape=(2**40,), dtype="f4"), "h5repack"),
        (replaced(BIAS_AT, shape=(2**40,), dtype="f4", chunks=(1,)), "h5repack"),
        (replaced(BIAS_AT, data=h5py.Empty("f4")), "h5repack"),
        (replaced(BIAS_AT, data=np.bytes_("text")), "numbers are needed"),
        (lambda file: file.pop(BIAS_AT), "nothing but a link, or nothing"),
        (lambda file: file["conv1"].attrs.pop("weight_names"), "lists no weight_names"),
        (lambda file: file.attrs.create("layer_names", [b"conv1", b"conv1"]), "twice"),
        (lambda file: file.attrs.create("layer_names", "conv1"), "list of names"),
        (lambda file: file.attrs.create("layer_names", np.full(10_001, b"conv1")), "list of names"),
        (lambda file: file.attrs.create("backend", [b"tensorflow"] * 2), "a text is needed"),
        (lambda file: file.attrs.create("layer_names", [b"/conv1"]), "nothing but a link, or nothing"),
        (lambda file: file.attrs.create("layer_names", [b"conv9"]), "nothing but a link, or nothing"),
        (lambda file: file.attrs.create("layer_names", [b"\xff"]), "damaged HDF5"),
        (lambda file: file["conv1"].attrs.create("weight_names", [b"conv1"]), "no array at 'conv1/conv1'"),
    ],
)
def test_what_is_not_whole_plain_and_in_the_file_itself_is_refused(tmp_path, change, words):
    path = changed(layerwise(tmp_path / "a.h5"), change)
    with pytest.raises(UserError, match=words) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_one_data_set_under_many_names_takes_no_more_memory_than_the_file(tmp_path):
    def change(file):
        names = [f"k{number}" for number in range(1000)]
        for name in names:
            file[f"conv1/{name}"] = file["conv1/conv1/kernel:0"]
        file["conv1"].attrs["weight_names"] = [name.encode() for name in names]

    path = changed(layerwise(tmp_path / "a.h5"), change)
    assert 1000 * KERNEL.nbytes > path.stat().st_size
    with pytest.raises(UserError, match="whole, plain and in itself"):
        read(path)


def test_groups_in_a_circle_end(tmp_path):
    path = changed(variables(tmp_path / "a.h5"), lambda file: file.__setitem__("layers/conv2d/again", file["layers"]))
    with pytest.raises(UserError, match="twice or too deep"):
        read(path)


def test_other_programs_hdf5_files_are_told_from_weights(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["measurements"] = KERNEL
    with pytest.raises(UserError, match="another program"):
        read(tmp_path / "a.h5")


def test_a_model_without_weights(tmp_path):
    path = changed(layerwise(tmp_path / "a.h5"), lambda file: file.attrs.create("layer_names", [b"act"]))
    path = changed(path, lambda file: file.pop("top_level_model_weights"))
    with pytest.raises(UserError, match="without weights"):
        read(path)


@pytest.mark.parametrize("make", [layerwise, variables])
def test_a_file_that_was_cut_short_is_an_error(tmp_path, make):
    data = make(tmp_path / "a.h5").read_bytes()
    for end in range(8, len(data), len(data) // 20):
        (tmp_path / "b.h5").write_bytes(data[:end])
        with pytest.raises(UserError, match=r"b\.h5"):
            read(tmp_path / "b.h5")
