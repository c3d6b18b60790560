"""TensorFlow's own checkpoints, written by TensorFlow: what is read of them, and that the zoo then gives their answers.

The network that they are compared with is made of TensorFlow's own operations and the file's own names.
"""

import tarfile

import numpy as np
import pytest
import tensorflow as tf

from trizoo.ground.errors import UserError
from trizoo.recipes.load import from_dict
from trizoo.recipes.schema import Recipe
from trizoo.tests.weights.importers import published
from trizoo.training.specs import spec_of
from trizoo.weights.checkpoint import load
from trizoo.weights.readers import read
from trizoo.weights.store import convert_tag, load_manifest

MODELS = {"xception": "deeplabv3plus-xception65", "mobilenetv2": "deeplabv3-mobilenetv2"}
ARRAYS = {
    "a/weights": np.arange(6, dtype=np.float32).reshape(1, 1, 2, 3),
    "a/biases": np.array([1, 2, 3], np.float32),
    "count": np.array(7, np.int64),
}


def write(prefix, arrays):
    """A checkpoint of these arrays by these names; its prefix."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    tensors = [tf.convert_to_tensor(array) for array in arrays.values()]
    tf.raw_ops.SaveV2(
        prefix=str(prefix), tensor_names=list(arrays), shape_and_slices=[""] * len(tensors), tensors=tensors
    )
    return prefix


def pack(path, folder):
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, "deeplab")
    return path


def same(found, wanted):
    return found.keys() == wanted.keys() and all(
        found[name].dtype == array.dtype and np.array_equal(found[name], array) for name, array in wanted.items()
    )


@pytest.fixture
def prefix(tmp_path):
    return write(tmp_path / "файлы" / "model.ckpt-30000", ARRAYS)


@pytest.mark.parametrize("given", ["prefix", "archive"])
def test_arrays_come_back_by_their_names(tmp_path, prefix, given):
    weights = read(prefix if given == "prefix" else pack(tmp_path / "a.tar.gz", prefix.parent))
    assert weights.kind == "tensorflow"
    assert same(weights.arrays, ARRAYS)
    assert all(array.flags.writeable for array in weights.arrays.values())


def test_several_files_of_data_are_one_checkpoint(tmp_path):
    parts = [{name: ARRAYS[name]} for name in ARRAYS]
    prefixes = [str(write(tmp_path / f"part-{number}", part)) for number, part in enumerate(parts)]
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=prefixes, destination_prefix=str(tmp_path / "whole"))
    assert len(list(tmp_path.glob("whole.data-*"))) == 3
    assert same(read(tmp_path / "whole").arrays, ARRAYS)


def test_an_optimizer_s_arrays_are_left_out_averages_are_taken_and_bfloat16_becomes_float32(tmp_path):
    extra = {
        "a/weights/Momentum": np.zeros((1, 1, 2, 3), np.float32),
        "a/weights/Momentum/ExponentialMovingAverage": np.zeros((1, 1, 2, 3), np.float32),
        "a/weights/ExponentialMovingAverage": ARRAYS["a/weights"] + 10,
        "b/gamma/ExponentialMovingAverage": np.ones(2, np.float32),  # and no b/gamma
        "a/biases/Adam_1": np.zeros(3, np.float32),
        "beta1_power": np.array(0.9, np.float32),
        "global_step": np.array(30000, np.int64),
        "note": np.array(b"text"),
        "half": tf.constant([1.5, -2], tf.bfloat16),
        "halves": tf.constant(0.5, tf.bfloat16),
    }
    weights = read(write(tmp_path / "model.ckpt", ARRAYS | extra))
    wanted = {"a/weights": ARRAYS["a/weights"] + 10, "b/gamma": np.ones(2, np.float32)}
    wanted |= {"half": np.array([1.5, -2], np.float32), "halves": np.array(0.5, np.float32)}
    assert same(weights.arrays, ARRAYS | wanted)
    assert weights.about == {
        "averaged": ("a/weights", "b/gamma"),
        "left_out": ("a/biases/Adam_1", "a/weights/Momentum", "beta1_power", "global_step", "note"),
    }


def test_names_of_objects_are_the_way_to_a_variable(tmp_path):
    layer = tf.Module()
    layer.kernel = tf.Variable(ARRAYS["a/weights"])
    saved = tf.train.Checkpoint(layer=layer, **{"a/weights": tf.Variable([1.0, 2.0]), "x.S": tf.Variable(3.0)})
    weights = read(saved.save(str(tmp_path / "model")))
    assert same(
        weights.arrays,
        {"layer/kernel": ARRAYS["a/weights"], "a/weights": np.array([1, 2], np.float32), "x.S": np.float32(3)},
    )
    assert "save_counter" in weights.about["left_out"]


def refused(path):
    with pytest.raises(UserError, match=r"^[^\n]+$") as caught:
        read(path)
    return str(caught.value)


def test_data_that_was_changed_or_cut_is_a_sentence(prefix):
    data = prefix.with_name("model.ckpt-30000.data-00000-of-00001")
    whole = data.read_bytes()
    data.write_bytes(b"\1" + whole[1:])
    assert "Checksum does not match" in refused(prefix)
    data.write_bytes(whole[:-8])
    assert "claim more bytes than its data has" in refused(prefix)


def crc32c(data):
    """The checksum of a block as tables have it: Castagnoli's, turned and with a number added (lib/hash/crc32c.h)."""
    remainder = 0xFFFFFFFF
    for byte in data:
        remainder ^= byte
        for _ in range(8):
            remainder = remainder >> 1 ^ (0x82F63B78 if remainder & 1 else 0)
    remainder ^= 0xFFFFFFFF
    return ((remainder >> 15 | remainder << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_an_index_of_nonsense_with_right_checksums_is_a_sentence(prefix):
    """TensorFlow itself ends the process at it."""
    index = prefix.with_name("model.ckpt-30000.index")
    whole = bytearray(index.read_bytes())
    length = whole[-48]  # the place of the second block, a varint of one byte; before it are a type and a checksum
    entry = whole.index(b"a/biases") + len(b"a/biases")
    assert int.from_bytes(whole[length - 4 : length], "little") == crc32c(whole[: length - 4])
    whole[entry] = 0xFF  # a field of no kind
    whole[length - 4 : length] = crc32c(whole[: length - 4]).to_bytes(4, "little")
    index.write_bytes(whole)
    assert "is a damaged checkpoint (TensorFlow ended with code -" in refused(prefix)


def numbers(backbone):
    """Random numbers by TensorFlow's names, with which activations stay of a size."""
    random = np.random.default_rng(8)
    made = {}
    for name, shape in published.tensorflow_deeplab(backbone).items():
        values = random.standard_normal(shape, np.float32)
        if name.endswith("weights"):
            rows = np.prod(shape[:3]) if not name.endswith("depthwise_weights") else 9
            made[name] = values * np.float32((2 / rows) ** 0.5)
        elif name.endswith(("gamma", "moving_variance")):
            made[name] = 1 + 0.2 * np.tanh(values)
        else:
            made[name] = 0.1 * values
    made["MobilenetV2/Conv/BatchNorm/moving_variance"] = np.full(32, 1e-3, np.float32)  # where eps matters
    return made


class Original:
    """TensorFlow's DeepLab on MobileNetV2 at output stride 8, from the arrays of a checkpoint."""

    def __init__(self, arrays):
        self.arrays = arrays

    def norm(self, x, scope, eps):
        gamma, beta, mean, variance = (
            self.arrays[f"{scope}/BatchNorm/{leaf}"] for leaf in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, eps)

    def conv(self, x, scope, stride=1, eps=1e-3):
        x = tf.nn.conv2d(x, self.arrays[f"{scope}/weights"], stride, "SAME")
        return self.norm(x, scope, eps)

    def depthwise(self, x, scope, stride, rate):
        kernel = self.arrays[f"{scope}/depthwise_weights"]
        x = tf.nn.depthwise_conv2d(x, kernel, (1, stride, stride, 1), "SAME", dilations=(rate, rate))
        return self.norm(x, scope, 1e-3)

    def __call__(self, images):
        """Logits at an eighth of the sides."""
        x = tf.nn.relu6(self.conv(tf.cast(images, tf.float32) * 2 / 255 - 1, "MobilenetV2/Conv", 2))
        for number in range(17):
            scope = f"MobilenetV2/expanded_conv_{number}" if number else "MobilenetV2/expanded_conv"
            stride, rate = 2 if number in (1, 3) else 1, 4 if number > 13 else 2 if number > 6 else 1
            inner = tf.nn.relu6(self.conv(x, f"{scope}/expand")) if number else x
            inner = tf.nn.relu6(self.depthwise(inner, f"{scope}/depthwise", stride, rate))
            inner = self.conv(inner, f"{scope}/project")
            x = x + inner if inner.shape == x.shape else inner
        pooled = tf.reduce_mean(x, (1, 2), keepdims=True)
        pooled = tf.nn.relu(self.conv(pooled, "image_pooling", eps=1e-5))
        branches = [tf.repeat(tf.repeat(pooled, x.shape[1], 1), x.shape[2], 2)]
        branches.append(tf.nn.relu(self.conv(x, "aspp0", eps=1e-5)))
        x = tf.nn.relu(self.conv(tf.concat(branches, 3), "concat_projection", eps=1e-5))
        return (
            tf.nn.conv2d(x, self.arrays["logits/semantic/weights"], 1, "SAME") + self.arrays["logits/semantic/biases"]
        )


def test_a_published_tag_gives_the_answers_of_the_original(tmp_path, zoo):
    """At sides of k * 16 + 1 and at the stride that it was measured at, which the converted recipe has."""
    arrays = numbers("mobilenetv2")
    momenta = {f"{name}/Momentum": np.zeros_like(array) for name, array in arrays.items() if "moving" not in name}
    write(tmp_path / "deeplab" / "model.ckpt-30000", arrays | momenta | {"global_step": np.array(30000, np.int64)})
    archive = pack(tmp_path / "deeplabv3_mnv2_pascal_trainval_2018_01_29.tar.gz", tmp_path / "deeplab")
    manifest = load_manifest()
    imported = convert_tag("deeplabv3-mobilenetv2.voc", archive, tmp_path / "out.h5", manifest)
    assert (imported.missing, imported.unexpected) == ((), ())
    assert imported.notes[-1].startswith(f"{len(momenta) + 1} arrays of an optimizer or counters were left out")
    checkpoint = load(tmp_path / "out.h5")
    recipe = from_dict(Recipe, checkpoint.recipe, "here")
    assert recipe.classes == ("background", *manifest.class_lists["voc21"][1:])
    model = zoo.build(spec_of(recipe), zoo.device("cpu"))
    zoo.assign(model, checkpoint.model)
    images = np.random.default_rng(9).integers(0, 256, (1, 65, 97, 3), np.uint8)
    (found,) = model(tf.constant(images))
    wanted = tf.compat.v1.image.resize_bilinear(Original(arrays)(images), (65, 97), align_corners=True)
    assert np.abs(found - wanted).max() < 1e-4 * np.abs(wanted).max()
