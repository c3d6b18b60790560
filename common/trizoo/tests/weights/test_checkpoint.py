import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from trizoo.ground.errors import UserError
from trizoo.tests.campaigns.running import Process
from trizoo.weights.checkpoint import Checkpoint, load, load_recipe, save

DTYPES = ("float32", "int64", "int32", "uint8", "uint32", "int8")


def example(seed=0):
    """A checkpoint with everything in it, its arrays of random shapes and kinds."""
    rng = np.random.default_rng(seed)

    def arrays(prefix):
        made = {}
        for number in range(rng.integers(1, 8)):
            shape = tuple(rng.integers(0, 5, size=rng.integers(0, 5)))
            values = rng.integers(0, 100, size=shape) * (0.1 if number % 2 else 1)
            made[f"{prefix}.{number}.名前 ü.weight"] = values.astype(
                DTYPES[0 if number % 2 else rng.integers(len(DTYPES))]
            )
        return made

    model = arrays("backbone.stages")
    return Checkpoint(
        model=model,
        recipe={"classes": ["собака", "猫", "a b"], "schedule": {"lr": 0.1 + 0.2}, "anchors": None},
        framework="pytorch",
        step=2**40,
        epoch=7,
        optimizer={"momentum": arrays("m"), "step": {"a.b": np.array(12, np.int64), "c": np.array(0.1, np.float32)}},
        ema={name: array + array.dtype.type(1) for name, array in model.items()},
        best=1 / 3,
        metrics={"ap50": float("nan"), "per_class": [0.5, None]},
        state={"rng": {"state": 2**127 + 1, "inc": 3}, "loss_scale": 65536.0},
        trizoo="0.0.9",
    )


def assert_arrays_equal(got, wanted):
    assert got.keys() == wanted.keys()
    for name, array in wanted.items():
        assert got[name].dtype == array.dtype
        assert got[name].shape == array.shape
        assert isinstance(got[name], np.ndarray)
        np.testing.assert_array_equal(got[name], array)


def assert_same(got, wanted):
    assert_arrays_equal(got.model, wanted.model)
    assert got.optimizer.keys() == wanted.optimizer.keys()
    for slot, arrays in wanted.optimizer.items():
        assert_arrays_equal(got.optimizer[slot], arrays)
    assert (got.ema is None) == (wanted.ema is None)
    if wanted.ema is not None:
        assert_arrays_equal(got.ema, wanted.ema)
    for field in fields(Checkpoint):
        if field.name not in ("model", "optimizer", "ema", "metrics"):
            assert getattr(got, field.name) == getattr(wanted, field.name), field.name
    assert json.dumps(got.metrics) == json.dumps(wanted.metrics)  # nan != nan, but its text is itself


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "last.h5"
    save(path, example())
    return path


@pytest.mark.parametrize("seed", range(20))
def test_load_of_save_is_the_same_checkpoint(tmp_path, seed):
    wanted = example(seed)
    save(tmp_path / "名前 1.h5", wanted)
    assert_same(load(tmp_path / "名前 1.h5"), wanted)


def test_a_checkpoint_needs_only_model_recipe_and_framework(tmp_path):
    save(tmp_path / "a.h5", Checkpoint({"w": np.zeros((2, 3), np.float32)}, {}, "keras"))
    got = load(tmp_path / "a.h5")
    assert (got.step, got.epoch, got.best, got.ema, got.optimizer, got.metrics, got.state) == (
        0,
        0,
        None,
        None,
        {},
        {},
        {},
    )


def test_absent_and_empty_averages_stay_apart(tmp_path):
    for ema in (None, {}):
        save(tmp_path / "a.h5", replace(example(), ema=ema))
        assert load(tmp_path / "a.h5").ema == ema


def test_dotted_names_are_single_datasets(saved):
    with h5py.File(saved) as file:
        assert set(file) == {"model", "ema", "optimizer"}
        assert set(file["model"]) == set(example().model)
        assert set(file["optimizer"]) == {"momentum", "step"}


def test_arrays_in_any_memory_order_come_back_equal(tmp_path):
    base = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    arrays = {"t": base.T, "strided": base[:, ::2], "big endian": base.astype(">f4"), "scalar": np.float32(2)}
    save(tmp_path / "a.h5", Checkpoint(arrays, {}, "tf2"))
    for name, array in load(tmp_path / "a.h5").model.items():
        np.testing.assert_array_equal(array, arrays[name])
        assert array.dtype == np.float32


def test_optimizer_arrays_can_be_left_out(saved):
    got = load(saved, optimizer=False)
    assert got.optimizer == {}
    assert_arrays_equal(got.model, example().model)


def test_load_recipe_reads_the_recipe_alone(saved):
    assert load_recipe(saved) == example().recipe


def test_numpy_scalars_in_metrics_become_numbers(tmp_path):
    save(tmp_path / "a.h5", replace(example(), metrics={"ap": np.float32(0.5), "images": np.int64(3)}))
    assert load(tmp_path / "a.h5").metrics == {"ap": 0.5, "images": 3}


def test_a_recipe_beyond_the_size_of_hdf5_attributes_is_kept(tmp_path):
    # 1,000 names of about 200 characters, 3 bytes each in UTF-8: 600 kB, where HDF5 allows attributes 64 KiB
    classes = [f"{'名' * 200} {number}" for number in range(1000)]
    save(tmp_path / "a.h5", replace(example(), recipe={"classes": classes}))
    assert load_recipe(tmp_path / "a.h5") == {"classes": classes}


def test_the_same_content_gives_the_same_bytes_in_any_order(tmp_path):
    one = example()
    other = replace(
        one,
        model=dict(reversed(one.model.items())),
        optimizer={slot: dict(reversed(arrays.items())) for slot, arrays in reversed(one.optimizer.items())},
    )
    save(tmp_path / "one.h5", one)
    save(tmp_path / "other.h5", other)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "other.h5").read_bytes()


def test_no_part_of_a_file_says_when_it_was_written(tmp_path):
    """Times have whole seconds, so that two files of one second don't show them. Bit 5 of a header's flags: times."""
    save(tmp_path / "a.h5", Checkpoint({"a": np.zeros(1, np.float32)}, {}, "tf2", optimizer={"动": {}}))
    content = (tmp_path / "a.h5").read_bytes()
    flags = [content[found.end()] for found in re.finditer(rb"OHDR\x02", content)]
    assert len(flags) == 5  # the root, model, optimizer, optimizer/动, model/a
    assert not any(flag & 1 << 5 for flag in flags)


@pytest.mark.parametrize("name", ["", ".", "a/b", "a\0b"])
def test_a_name_that_hdf5_cannot_hold_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="cannot name an array"):
        save(tmp_path / "a.h5", Checkpoint({name: np.zeros(1, np.float32)}, {}, "tf2"))
    with pytest.raises(ValueError, match="cannot name an array"):
        save(tmp_path / "a.h5", Checkpoint({}, {}, "tf2", optimizer={name: {}}))


@pytest.mark.parametrize("dtype", ["float64", "float16", "bool", "complex64", "object", "U3"])
def test_an_array_of_another_type_is_refused(tmp_path, dtype):
    with pytest.raises(ValueError, match=r"model/w is .*; float32 or an integer type is needed"):
        save(tmp_path / "a.h5", Checkpoint({"w": np.zeros(1).astype(dtype)}, {}, "tf2"))
    assert list(tmp_path.iterdir()) == []


def test_state_without_a_json_form_is_refused(tmp_path):
    with pytest.raises(ValueError, match="state of the checkpoint is not JSON-able"):
        save(tmp_path / "a.h5", Checkpoint({}, {}, "tf2", state={"rng": np.zeros(3)}))


def test_an_error_in_the_middle_of_writing_leaves_the_earlier_file(saved, monkeypatch):
    before, calls = saved.read_bytes(), []
    create = h5py.Group.create_dataset

    def fail_on_the_third(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return create(*args, **kwargs)

    monkeypatch.setattr(h5py.Group, "create_dataset", fail_on_the_third)
    with pytest.raises(KeyboardInterrupt):
        save(saved, example(1))
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]
    assert saved.read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
@pytest.mark.parametrize("moment", ["h5py.Group.create_dataset", "os.fsync", "pathlib.Path.replace"])
def test_a_kill_leaves_the_earlier_file_and_nothing_that_looks_like_a_checkpoint(saved, moment):
    module, name = moment.rsplit(".", 1)
    code = (
        "import os, signal, sys, pathlib, h5py, numpy as np\n"
        "from trizoo.weights.checkpoint import Checkpoint, save\n"
        f"{module}.{name} = lambda *args, **kwargs: os.kill(os.getpid(), signal.SIGKILL)\n"
        "save(sys.argv[1], Checkpoint({'w': np.ones(1000, np.float32)}, {}, 'tf2'))\n"
    )
    root = Path(__file__).parents[3]
    ended = subprocess.run([sys.executable, "-c", code, str(saved)], cwd=root, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert_same(load(saved), example())
    assert list(saved.parent.glob("*.h5")) == [saved]
    save(saved, example(1))  # what the killed process left is no obstacle, and is gone
    assert_same(load(saved), example(1))
    assert list(saved.parent.iterdir()) == [saved]


@pytest.mark.skipif(os.name != "posix", reason="limits on the size of files are of POSIX")
def test_a_full_disk_is_a_user_error_and_saving_works_again_afterwards(saved):
    code = (
        "import resource, signal, sys, numpy as np\n"
        "from trizoo.ground.errors import UserError\n"
        "from trizoo.weights.checkpoint import Checkpoint, load, save\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "def limit(size): resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))\n"
        "checkpoint = Checkpoint({str(n): np.ones(50_000, np.float32) for n in range(5)}, {}, 'tf2')\n"
        "for size in (300_000, 1_000_500):\n"
        "    limit(size)\n"
        "    try: save(sys.argv[1], checkpoint)\n"
        "    except UserError as error: print(error)\n"
        "assert load(sys.argv[1]).framework == 'pytorch'\n"
        "limit(resource.RLIM_INFINITY)\n"
        "save(sys.argv[1], checkpoint)\n"
        "assert load(sys.argv[1]).framework == 'tf2'\n"
    )
    root = Path(__file__).parents[3]
    ended = subprocess.run(
        [sys.executable, "-c", code, str(saved)], cwd=root, check=False, capture_output=True, text=True
    )
    assert ended.stdout.splitlines() == [f"checkpoint {saved} cannot be written: File too large"] * 2
    assert (ended.returncode, ended.stderr) == (0, "")
    assert list(saved.parent.iterdir()) == [saved]


def test_a_disk_that_fills_up_at_any_byte_ends_in_a_sentence(tmp_path):
    arrays = {f"layer{number}.weight": np.ones((64, 64), np.float32) for number in range(40)}

    def refused(size):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        with pytest.raises(UserError, match="cannot be written: File too large"):
            save(tmp_path / "a.h5", Checkpoint(arrays, {}, "pytorch"))

    for size in range(0, 640_000, 53_001):  # of 670,000; the library crashed at most of them
        process = Process(lambda size=size: refused(size), tmp_path / "printed.txt")
        assert process.wait(60) == 0, size
    assert [path.name for path in tmp_path.iterdir()] == ["printed.txt"]


def test_a_missing_folder_or_one_that_is_a_file_is_a_user_error(saved):
    with pytest.raises(UserError, match=r"no such/a.h5 cannot be written: .*no such is no folder; make it first"):
        save(saved.parent / "no such" / "a.h5", example())
    with pytest.raises(UserError, match="is no folder"):
        save(saved / "a.h5", example())


def test_a_target_that_is_a_folder_or_too_long_is_a_user_error(tmp_path):
    (tmp_path / "a.h5").mkdir()
    with pytest.raises(UserError, match="cannot be written: Is a directory"):
        save(tmp_path / "a.h5", example())
    with pytest.raises(UserError, match="cannot be written: File name too long"):
        save(tmp_path / ("a" * 256), example())
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_a_file_that_cannot_be_read_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match=r"checkpoint .*none.h5 cannot be read: No such file or directory"):
        load(tmp_path / "none.h5")


def test_a_folder_is_no_checkpoint_and_the_one_in_it_is_named(tmp_path):
    with pytest.raises(UserError, match="is a folder and no checkpoint; the path of one"):
        load(tmp_path)
    for name in ("last.h5", "best.h5"):
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=r"is a folder and no checkpoint; .*best\.h5 in it is one"):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\x80\x04 pickle", b"\x89HDF"])
def test_a_file_of_another_kind_is_a_user_error(tmp_path, content):
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(UserError, match=r"a.h5 is no HDF5 file"):
        load(tmp_path / "a.h5")


def test_a_truncated_file_is_a_user_error(saved):
    whole = saved.read_bytes()
    for size in range(16, len(whole), len(whole) // 40):
        saved.write_bytes(whole[:size])
        with pytest.raises(UserError, match=r"last.h5 is damaged or cut short"):
            load(saved)


def test_damaged_bytes_give_a_checkpoint_or_a_user_error(saved):
    whole, chance = saved.read_bytes(), random.Random(0)
    messages = []
    for _ in range(100):
        damaged = bytearray(whole)
        for _ in range(4):
            damaged[chance.randrange(8, len(damaged))] = chance.randrange(256)
        saved.write_bytes(damaged)
        try:
            load(saved)
        except UserError as error:
            messages.append(str(error))
    assert len(messages) > 10
    assert all(str(saved) in message for message in messages)


def test_a_keras_weight_file_is_a_user_error(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["keras_version"] = "2.1.5"
        file.create_group("conv2d_1")
    with pytest.raises(UserError, match=r"a.h5 is an HDF5 file of another program"):
        load(tmp_path / "a.h5")


def change(path, name, value):
    with h5py.File(path, "r+") as file:
        if value is None:
            del file.attrs[name]
        else:
            file.attrs[name] = value


def test_a_newer_format_is_a_user_error(saved):
    change(saved, "format", 2)
    with pytest.raises(UserError, match=r"has format 2, written by TriZoo 0.0.9; .* reads up to 1"):
        load(saved)


@pytest.mark.parametrize("name", ["framework", "recipe", "step", "epoch", "metrics", "state"])
def test_a_missing_attribute_is_a_user_error(saved, name):
    change(saved, name, None)
    with pytest.raises(UserError, match=f"has no attribute '{name}'"):
        load(saved)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("step", "3"),
        ("epoch", 1.5),
        ("framework", 3),
        ("recipe", [1, 2]),
        ("best", "high"),
        ("format", True),
        ("step", [3]),
    ],
)
def test_an_attribute_of_another_type_is_a_user_error(saved, name, value):
    change(saved, name, value)
    with pytest.raises(UserError, match=f"has the attribute '{name}' in another form"):
        load(saved)


@pytest.mark.parametrize("text", ["", "{", "[1]", "3", "[" * 100_000])
def test_a_recipe_that_is_no_json_object_is_a_user_error(saved, text):
    change(saved, "recipe", text)
    with pytest.raises(UserError, match="has an attribute 'recipe' that is no JSON object"):
        load_recipe(saved)


@pytest.mark.parametrize("group", ["model", "optimizer"])
def test_a_missing_group_is_a_user_error(saved, group):
    with h5py.File(saved, "r+") as file:
        del file[group]
    with pytest.raises(UserError, match=f"has no group '{group}'"):
        load(saved)


def put(path, make):
    """Let `make` add something to the model's group of a checkpoint."""
    with h5py.File(path, "r+") as file:
        make(file["model"])


@pytest.mark.parametrize("link", [h5py.ExternalLink("other.h5", "/model/w"), h5py.SoftLink("/ema")])
@pytest.mark.parametrize("place", ["model/w", "ema", "model", "optimizer/momentum"])
def test_links_are_not_followed(saved, link, place):
    save(saved.parent / "other.h5", Checkpoint({"w": np.zeros(1, np.float32)}, {}, "tf2"))
    with h5py.File(saved, "r+") as file:
        if place in file:
            del file[place]
        file[place] = link
    with pytest.raises(UserError, match=f"holds a link at .*{place.split('/')[-1]}; links are not followed"):
        load(saved)


def test_storage_outside_of_the_file_is_refused(saved):
    secret = saved.parent / "secret"
    secret.write_bytes(bytes(400))
    put(saved, lambda group: group.create_dataset("w", (100,), "f4", external=[(str(secret), 0, 400)]))
    with pytest.raises(UserError, match=r"does not hold all of the \(100,\) numbers of model/w in itself"):
        load(saved)


def test_virtual_storage_is_refused(saved):
    layout = h5py.VirtualLayout((100,), "f4")
    layout[:] = h5py.VirtualSource(str(saved.parent / "other.h5"), "w", (100,))
    put(saved, lambda group: group.create_virtual_dataset("w", layout))
    with pytest.raises(UserError, match="does not hold all of"):
        load(saved)


@pytest.mark.parametrize(
    "options",
    [
        {"shape": (10**6, 10**6)},  # 4 TB that were never written
        {"shape": (4,)},  # nor were these 16 bytes: HDF5 would read zeros
        {"shape": (10**6,), "chunks": True, "compression": "gzip"},
        {"shape": (4,), "chunks": (2,), "data": np.zeros(4)},
    ],
)
def test_shapes_that_the_file_does_not_hold_are_refused(saved, options):
    put(saved, lambda group: group.create_dataset("w", dtype="f4", **options))
    with pytest.raises(UserError, match="does not hold all of"):
        load(saved)


def test_one_array_under_many_names_is_refused(saved):
    def repeat(group):
        group["w"] = np.zeros(10_000, np.float32)
        for number in range(100):  # 100 * 40 kB from a file of about 50 kB
            group[f"w{number}"] = group["w"]

    put(saved, repeat)
    with pytest.raises(UserError, match="does not hold all of"):
        load(saved)


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(3),
        np.array([b"ab"]),
        np.array(["a"], dtype=h5py.string_dtype()),
        np.zeros(2, "f4,i4"),
        h5py.Empty("S3"),
    ],
)
def test_values_that_are_no_float32_or_integers_are_refused(saved, value):
    put(saved, lambda group: group.create_dataset("w", data=value))
    with pytest.raises(UserError, match="at model/w; float32 or integers are needed"):
        load(saved)


def test_an_array_without_a_shape_is_refused(saved):
    put(saved, lambda group: group.create_dataset("w", data=h5py.Empty("f4")))
    with pytest.raises(UserError, match="model/w"):
        load(saved)


def test_a_group_in_the_place_of_an_array_is_refused(saved):
    put(saved, lambda group: group.create_group("w"))
    with pytest.raises(UserError, match="holds no array at model/w"):
        load(saved)
