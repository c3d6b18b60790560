"""Building blocks against slow NumPy, and a network of them all that is folded, trained and held.

Beside `zoo` they need four fixtures: `blocks`, the package's module; `run`, a function of a block or function, an array
(B, H, W, C) and arguments -> what it makes of it, as such an array; `every_block`, a function of a gain and a recipe ->
a `Learner` of the network that `EVERY_BLOCK` describes, whose loss is the gain times the mean square of its head; and
`forward`, a function of such a network and uint8 (B, H, W, 3) -> its head as it trains, but with stored statistics.
"""

from pathlib import Path

import numpy as np
import pytest

from trizoo.parity.golden import TOLERANCE, array_difference, summarize_arrays
from trizoo.parity.pseudo import pseudo_arrays, pseudo_images
from trizoo.recipes.schema import Recipe
from trizoo.training.batch import Batch

EVERY_BLOCK = """
    stem       ConvBlock(3, 8, 3, 2, "relu", norm="group")
    separable  SeparableConv(8, 12, 3, dilation=2)
    plain      ConvBlock(12, 6, 3, activation="relu6", dilation=3, norm=None)
    strided    ConvBlock(6, 6, 3, 2, "linear", groups=6)

    x = stem(images / 255); y = separable(max_pool(x, 3, 2, padding=1)); z = strided(plain(y))
    head = concat(resize(y, size_of(x)), upsample(z, size_of(x)), x * global_average_pool(x))
"""
GOLDEN = Path(__file__).with_suffix(".npz")
SIZE = (45, 33)  # width, height: halved they are 23, 12, 6 and 17, 9, 5


def slow_conv(x, weight, stride, padding, dilation):
    """(B, H, W, C), (out, C / groups, h, w) -> (B, H', W', out), groups 1 or C; by the definition, in float64."""
    out_channels, depth, height, width = weight.shape
    x = np.pad(x.astype(np.float64), [(0, 0), (padding, padding), (padding, padding), (0, 0)])
    rows, columns = (
        (side - dilation * (kernel - 1) - 1) // stride + 1
        for side, kernel in ((x.shape[1], height), (x.shape[2], width))
    )
    output = np.zeros((len(x), rows, columns, out_channels))
    for i in range(height):
        for j in range(width):
            top, left = i * dilation, j * dilation
            seen = x[:, top : top + rows * stride : stride, left : left + columns * stride : stride][:, :rows, :columns]
            kernel = weight[:, :, i, j].astype(np.float64)
            output += seen * kernel[:, 0] if depth < x.shape[3] else seen @ kernel.T
    return output


def slow_norm(x, arrays, norm):
    """Normalisation by what is stored, by groups of channels, or none but a bias."""
    if norm is None:
        return x + arrays["conv.bias"]
    if norm == "batch":
        normal = (x - arrays["bn.running_mean"]) / np.sqrt(arrays["bn.running_var"] + 1e-5)
        return normal * arrays["bn.weight"] + arrays["bn.bias"]
    groups = {8: 8, 64: 32, 24: 8}[x.shape[3]]
    grouped = x.reshape(*x.shape[:3], groups, -1)
    normal = grouped - grouped.mean((1, 2, 4), keepdims=True)
    normal /= np.sqrt(grouped.var((1, 2, 4), keepdims=True) + 1e-5)
    return normal.reshape(x.shape) * arrays["gn.weight"] + arrays["gn.bias"]


ACTIVATIONS = {
    "leaky": lambda x: np.where(x > 0, x, 0.1 * x),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "linear": lambda x: x,
}


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((8, 24, 3), {}),
        ((8, 64, 3, 2, "relu"), {"norm": "group"}),
        ((8, 24, 7, 2, "linear"), {"norm": "group"}),
        ((8, 24, 1, 2, "linear"), {}),
        ((8, 24, 3, 2, "relu6"), {"norm": None}),
        ((8, 24, 3, 1, "relu"), {"dilation": 2}),
        ((8, 24, 3, 1, "relu"), {"dilation": 6, "norm": None}),
        ((8, 24, 3, 1, "relu"), {"dilation": 12}),
        ((8, 24, 3, 1, "relu"), {"padding": 0, "norm": None}),
        ((8, 24, 4, 1, "relu"), {"padding": 1, "norm": None}),
        ((8, 8, 3, 1, "relu6"), {"groups": 8}),
        ((8, 8, 3, 2, "linear"), {"groups": 8}),
        ((8, 8, 3, 1, "linear"), {"groups": 8, "dilation": 2, "norm": "group"}),
        ((8, 8, 5, 2, "linear"), {"groups": 8, "norm": None}),
    ],
)
@pytest.mark.parametrize("size", [(9, 12), (14, 11)])
def test_a_block_is_a_padded_convolution_a_normalisation_and_an_activation(zoo, blocks, run, arguments, options, size):
    block = blocks.ConvBlock(*arguments, **options)
    arrays = pseudo_arrays(zoo.shapes(block))
    zoo.assign(block, arrays)
    x = np.random.default_rng(0).normal(0, 3, (2, *size, 8)).astype(np.float32)
    kernel, stride, activation = (*arguments[2:], 1, "leaky")[:3] if len(arguments) < 5 else arguments[2:]
    dilation = options.get("dilation", 1)
    expected = slow_conv(x, arrays["conv.weight"], stride, options.get("padding", dilation * (kernel // 2)), dilation)
    expected = ACTIVATIONS[activation](slow_norm(expected, arrays, options.get("norm", "batch")))
    output = run(block, x)
    assert output.shape == expected.shape
    assert np.abs(output - expected).max() < 1e-5 * np.abs(expected).max()


def test_parameters_of_blocks_are_named_by_their_normalisation(zoo, blocks):
    assert zoo.shapes(blocks.ConvBlock(8, 8, 3, groups=8)) == {
        "conv.weight": (8, 1, 3, 3),
        "bn.weight": (8,),
        "bn.bias": (8,),
        "bn.running_mean": (8,),
        "bn.running_var": (8,),
    }
    grouped, plain = (zoo.shapes(blocks.ConvBlock(8, 4, 3, norm=norm)) for norm in ("group", None))
    assert grouped == {"conv.weight": (4, 8, 3, 3), "gn.weight": (4,), "gn.bias": (4,)}
    assert plain == {"conv.weight": (4, 8, 3, 3), "conv.bias": (4,)}


def test_strange_groups_and_normalisations_are_refused(blocks):
    with pytest.raises(ValueError, match=r"8 to 8 channels in 4 groups; either 1 or one per channel"):
        blocks.ConvBlock(8, 8, 3, groups=4)
    with pytest.raises(ValueError, match=r"8 to 16 channels in 8 groups"):
        blocks.ConvBlock(8, 16, 3, groups=8)
    with pytest.raises(ValueError, match=r"no normalisation is called 'layer'; there are 'batch', 'group', None"):
        blocks.ConvBlock(8, 8, 3, norm="layer")


@pytest.mark.parametrize(
    ("arguments", "options", "before", "sides"),
    [
        ((3, 2), {"padding": 1}, 1, (7, 8)),  # ResNet's stem: 13 -> (13 + 2 - 3) // 2 + 1
        ((2, 2), {"ceil": True}, 0, (7, 8)),  # VGG's in SSD: 13 and 15 round up
        ((2, 2), {}, 0, (6, 7)),
        ((3, 1), {}, 1, (13, 15)),
        ((3, 1), {"padding": 1}, 1, (13, 15)),
        ((2, 1), {}, 0, (13, 15)),  # Darknet's
        ((3, 2), {"ceil": True, "padding": 0}, 0, (6, 7)),
    ],
)
def test_a_pool_takes_the_greatest_of_what_is_there(blocks, run, arguments, options, before, sides):
    x = -1 - np.random.default_rng(0).random((2, 13, 15, 3)).astype(np.float32)  # zeros would be greater
    kernel, stride = arguments
    expected = np.full((2, *sides, 3), -np.inf, np.float32)
    for row in range(sides[0]):
        for column in range(sides[1]):
            top, left = row * stride - before, column * stride - before
            window = x[:, max(top, 0) : top + kernel, max(left, 0) : left + kernel]
            expected[:, row, column] = window.max((1, 2))
    assert np.array_equal(run(blocks.max_pool, x, *arguments, **options), expected)


@pytest.mark.parametrize("size", [(26, 30), (25, 29), (40, 21), (5, 9), (132, 78)])
def test_upsampling_to_a_size_repeats_the_nearest_pixel_before(blocks, run, size):
    x = np.random.default_rng(0).random((2, 13, 15, 3), np.float32)
    rows, columns = (
        (np.arange(new, dtype=np.float32) * (np.float32(old) / np.float32(new))).astype(int)
        for old, new in zip((13, 15), size, strict=True)
    )
    assert np.array_equal(run(blocks.upsample, x, size), x[:, rows][:, :, columns])


def test_upsampling_without_a_size_doubles_it(blocks, run):
    x = np.random.default_rng(0).random((2, 5, 4, 3), np.float32)
    assert np.array_equal(run(blocks.upsample, x), x.repeat(2, 1).repeat(2, 2))
    assert np.array_equal(run(blocks.upsample, x, (10, 8)), x.repeat(2, 1).repeat(2, 2))


def test_resizing_interpolates_between_centres_of_pixels(blocks, run):
    x = np.array([0, 4], np.float32).reshape(1, 1, 2, 1)
    # centres of 4 in 2 lie at -0.25, 0.25, 0.75, 1.25; beyond the outermost they go on
    assert run(blocks.resize, x, (1, 4)).ravel().tolist() == [0, 1, 3, 4]
    x = np.array([0, 4, 8, 100], np.float32).reshape(1, 4, 1, 1)
    # centres of 2 in 4 lie at 0.5 and 2.5; without antialiasing two pixels matter to each
    assert run(blocks.resize, x, (2, 3)).ravel().tolist() == [2, 2, 2, 54, 54, 54]


@pytest.mark.parametrize(
    ("old", "new"), [((33, 33), (129, 129)), ((65, 97), (31, 50)), ((1, 1), (9, 5)), ((129, 40), (513, 211))]
)
def test_resizing_is_the_same_everywhere_up_to_the_rounding_of_positions(blocks, run, old, new):
    x = np.random.default_rng(0).normal(0, 1, (1, *old, 2)).astype(np.float32)
    expected = x.astype(np.float64)
    for axis in (1, 2):
        before, after = x.shape[axis], new[axis - 1]
        source = np.maximum((np.arange(after) + 0.5) * before / after - 0.5, 0)
        lower = np.minimum(source.astype(int), before - 1)
        share = (source - lower).reshape([-1 if each == axis else 1 for each in range(4)])
        upper = np.minimum(lower + 1, before - 1)
        expected = expected.take(lower, axis) * (1 - share) + expected.take(upper, axis) * share
    assert np.abs(run(blocks.resize, x, new) - expected).max() < 2e-5 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("old", "new"), [((33, 5), (129, 17)), ((65, 97), (31, 50)), ((1, 1), (9, 5)), ((4, 3), (1, 1))]
)
def test_resizing_can_have_corners_meet_corners(blocks, run, old, new):
    x = np.random.default_rng(0).normal(0, 1, (1, *old, 2)).astype(np.float32)
    expected = x.astype(np.float64)
    for axis in (1, 2):
        before, after = x.shape[axis], new[axis - 1]
        source = np.arange(after) * ((before - 1) / max(after - 1, 1))
        lower = np.minimum(source.astype(int), before - 1)
        share = (source - lower).reshape([-1 if each == axis else 1 for each in range(4)])
        upper = np.minimum(lower + 1, before - 1)
        expected = expected.take(lower, axis) * (1 - share) + expected.take(upper, axis) * share
    found = run(lambda x, size: blocks.resize(x, size, align_corners=True), x, new)
    assert np.abs(found - expected).max() < 2e-5 * np.abs(expected).max()
    if min(new) > 1:
        np.testing.assert_allclose(
            found[:, [0, 0, -1, -1], [0, -1, 0, -1]], x[:, [0, 0, -1, -1], [0, -1, 0, -1]], atol=1e-6
        )


def test_the_global_average_is_of_all_pixels(blocks, run):
    x = np.random.default_rng(0).random((2, 5, 4, 3), np.float32)
    pooled = run(blocks.global_average_pool, x)
    assert pooled.shape == (2, 1, 1, 3)
    assert np.abs(pooled[:, 0, 0] - x.mean((1, 2))).max() < 1e-6


def batch():
    """Three images, and targets that the loss doesn't look at."""
    return Batch(pseudo_images(3, SIZE), {"unused": np.zeros(3, np.float32)}, ["a", "b", "c"], 0)


def made(zoo, every_block, gain=1.0, **sections):
    """The learner of these sections of a recipe, with pseudo-weights."""
    learner = every_block(gain, Recipe(**sections))
    zoo.assign(learner.model, pseudo_arrays(zoo.shapes(learner.model)))
    return learner


def measure_blocks(zoo, every_block):
    """What the golden holds of the network of all blocks: the head, and gradients with batch norms held and not."""
    held, free = (
        made(zoo, every_block, optimizer={"weight_decay": 0.0}, freeze={"batch_norm": hold}) for hold in (True, False)
    )
    device = zoo.device("cpu")
    heads = zoo.predictor(held.model, "fp32", device)(batch().images)
    found = {"head": summarize_arrays({"head": heads[0]}), "shape": np.array(heads[0].shape)}
    for name, learner in (("held", held), ("free", free)):
        learner.step(batch(), 0.0)
        found[name] = summarize_arrays(learner.optimizer_arrays()["momentum"])
    return found


def test_heads_folded_and_gradients_equal_the_golden(zoo, every_block):
    found = measure_blocks(zoo, every_block)
    if zoo.name == "pytorch" and not GOLDEN.exists():  # so deleting it makes it again
        np.savez_compressed(GOLDEN, **found)
        pytest.skip(f"{GOLDEN.name} was missing and is written")
    with np.load(GOLDEN, allow_pickle=False) as golden:
        assert np.array_equal(found["shape"], golden["shape"])
        assert array_difference(golden["head"], found["head"]) < TOLERANCE
        for name in ("held", "free"):
            assert array_difference(golden[name], found[name]) < TOLERANCE, name


def test_folded_batch_norms_change_nothing(zoo, every_block, forward):
    model = made(zoo, every_block).model
    folded = zoo.predictor(model, "fp32", zoo.device("cpu"))(batch().images)[0]
    assert np.abs(forward(model, batch().images) - folded).max() < 1e-5 * np.abs(folded).max()


def test_decay_takes_kernels_only(zoo, every_block):
    learner = made(zoo, every_block, 0.0, optimizer={"weight_decay": 0.5, "nesterov": False})
    before = zoo.arrays(learner.model)
    learner.step(batch(), 0.1)
    for name, array in zoo.arrays(learner.model).items():
        if ".running_" not in name:  # no gradient, so what moves does by decay: x - 0.1 * 0.5 * x
            assert array == pytest.approx(before[name] * (0.95 if array.ndim == 4 else 1.0), abs=1e-6), name


def test_held_batch_norms_keep_their_statistics_while_group_norms_and_all_else_is_trained(zoo, every_block):
    learner = made(zoo, every_block, optimizer={"weight_decay": 0.0}, freeze={"batch_norm": True})
    before = zoo.arrays(learner.model)
    assert {"stem.gn.weight", "separable.depthwise.bn.running_mean", "plain.conv.bias"} <= before.keys()
    learner.step(batch(), 0.1)
    for name, array in zoo.arrays(learner.model).items():
        assert np.array_equal(array, before[name]) == (".running_" in name), name
