import textwrap

import pytest

from trizoo.parity.neutral import channels_last, normalise, outline

PYTORCH = '''
"""A pyramid of `torch_zoo.necks`."""

import torch
from torch import Tensor, nn

from torch_zoo.blocks import ConvBlock
from torch_zoo.network import Network
from trizoo.families.yolo.spec import YOLOSpec

CHANNELS: tuple[int, ...] = (64, 128)  # of the stages


class Pyramid(Network):
    """Features: (B, in, H, W) -> (B, out, H / 2, W / 2)."""

    kind: type[nn.Module] = ConvBlock
    scale: Tensor

    def __init__(self, spec: YOLOSpec, size: int = 3) -> None:
        super().__init__(spec)
        # all of them,
        # in order
        self.blocks = nn.ModuleList(
            [self.kind(before, after, 3) for before, after in spec.pairs]  # from small to large
        )
        self.predict = nn.Conv2d(64, 3, size, padding=size // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return torch.cat([x, self.predict(x).sigmoid()], dim=1)
'''
KERAS = '''
"""A pyramid of `keras_zoo.necks`."""

import keras
from keras import ops

from keras_zoo.blocks import ConvBlock
from keras_zoo.layers import make_conv

CHANNELS = (64, 128)  # of the stages


class Pyramid(keras.Model):
    """Features: (B, H, W, in) -> (B, H / 2, W / 2, out)."""

    kind = ConvBlock

    def __init__(self, spec, size=3):
        super().__init__()
        self.spec = spec
        # all of them, in order
        self.blocks = [self.kind(before, after, 3) for before, after in spec.pairs]  # from small to large
        self.predict = make_conv(64, 3, size, use_bias=False)

    def call(self, x):
        for block in self.blocks:
            x = block(x)
        return ops.concatenate([x, ops.sigmoid(self.predict(x))], axis=1)
'''
TF2 = (
    KERAS.replace("import keras\nfrom keras import ops", "import tensorflow as tf")
    .replace("make_conv", "Conv2d, Module", 1)
    .replace("make_conv", "Conv2d")
    .replace("keras.Model", "Module")
    .replace("use_bias", "bias")
    .replace("ops.concatenate", "tf.concat")
    .replace("ops.", "tf.")
    .replace("keras_zoo", "tf2_zoo")
)
NEUTRAL = '''
"""A pyramid of `zoo.necks`.
from zoo.blocks import ConvBlock
CHANNELS = (64, 128)  # of the stages
class Pyramid(Layer):
    """Features: (B, H, W, in) -> (B, H / 2, W / 2, out).
    kind = ConvBlock
    def __init__(self, spec, size=3):
        super().__init__()
        # all of them, in order
        self.blocks = [self.kind(before, after, 3) for before, after in spec.pairs]  # from small to large
        self.predict = convolution(64, 3, size, bias=False)
    def call(self, x):
        for block in self.blocks:
            x = block(x)
        return concatenate([x, sigmoid(self.predict(x))], axis=1)
'''


def neutral(text, package="torch_zoo"):
    """The neutral lines of a text, without those that count as nothing."""
    return [line.text for line in normalise(textwrap.dedent(text), package) if line.text]


@pytest.mark.parametrize(
    ("package", "text"),
    [
        ("torch_zoo", PYTORCH),
        ("tf2_zoo", TF2),
        ("tf2_zoo", TF2.replace("(Module)", "(tf.Module)").replace("def call", "def __call__")),
        ("keras_zoo", KERAS),
        (
            "keras_zoo",
            KERAS.replace("keras.Model", "Network").replace("__init__()\n        self.spec = spec", "__init__(spec)"),
        ),
    ],
)
def test_each_frameworks_way_of_saying_it_is_the_same_in_neutral_words(package, text):
    assert neutral(text, package) == NEUTRAL.strip().splitlines()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = block(x)", "x = x + block(x)"),
        ("(64, 128)", "(64, 256)"),
        ("before, after, 3", "before, after, 5"),
        ("from small to large", "from large to small"),
        ("# in order", "# in any order"),
        ("A pyramid of", "The pyramid of"),
        ("(B, in, H, W) -> (B, out", "(B, out, H, W) -> (B, in"),
        ("kind: type[nn.Module] = ConvBlock", "kind: type[nn.Module] = Residual"),
        ("size: int = 3", "size: int = 1"),
        ("dim=1", "dim=2"),
        (".sigmoid()", ""),
        ("padding=size // 2, ", ""),
        ("padding=size // 2", "padding=size"),
        ("bias=False", "bias=True"),
        ("            x = block(x)\n        return", "            x = block(x)\n            return"),
    ],
)
def test_what_no_framework_asks_for_makes_a_difference(before, after):
    assert PYTORCH.count(before) == 1
    assert neutral(PYTORCH.replace(before, after)) != NEUTRAL.strip().splitlines()


def test_lines_know_where_they_stand():
    text = PYTORCH.strip()
    places = {line.text: (line.first, line.last) for line in normalise(text, "torch_zoo")}
    assert places['"""A pyramid of `zoo.necks`.'] == (1, 1)
    assert places["        super().__init__()"] == (20, 20)
    assert places["        # all of them, in order"] == (21, 22)
    assert places[NEUTRAL.strip().splitlines()[9]] == (23, 25)
    assert text.splitlines()[22] == "        self.blocks = nn.ModuleList("


def test_where_a_docstring_or_a_comment_is_wrapped_counts_nothing_but_its_paragraphs_do():
    wrapped = '"""One.\n\nTwo words\nof torch_zoo.\n"""\n# three\n# words\n'
    assert neutral(wrapped) == ['"""One.', "Two words of zoo.", "# three words"]
    assert neutral(wrapped.replace("words\nof", "words of")) == neutral(wrapped)
    assert neutral(wrapped.replace("\n\nTwo", " Two")) != neutral(wrapped)


def test_branches_stand_in_order_with_their_depth():
    text = """
    @wraps(f)
    def f(x):
        if x:
            try:
                pass
            except ValueError as error:
                raise error
            finally:
                g()
        elif y:
            with x as y:
                pass
        else:
            if z:
                pass
    """
    assert neutral(text) == textwrap.dedent(text).strip().splitlines()


def test_imports_that_nothing_needs_but_a_framework_or_a_type_hint_count_as_nothing():
    assert neutral("import torch\nimport numpy as np\n\nx = torch.ones(np.pi)") == [
        "import numpy as np",
        "x = torch.ones(np.pi)",
    ]
    assert neutral("from a import B, C, d\ndef f(b: B) -> C: return d") == [
        "from a import d",
        "def f(b):",
        "    return d",
    ]


@pytest.mark.parametrize(
    "shape", ["(B, H, W, 3)", "(B, H, W, A, 5 + C)", "(B, H * W * A, 4)", "(B, 1, 1, C)", "(N, 4)"]
)
def test_shapes_without_channels_before_the_pixels_stay(shape):
    assert channels_last(shape) == shape


@pytest.mark.parametrize(
    ("shape", "moved"),
    [
        ("(B, C, H, W)", "(B, H, W, C)"),
        ("(B, A * (5 + C), H, W)", "(B, H, W, A * (5 + C))"),
        ("(B, out, H / stride, W / stride)", "(B, H / stride, W / stride, out)"),
        ("(B, hidden, h, w)", "(B, h, w, hidden)"),
        ("(B, C, bins, bins)", "(B, bins, bins, C)"),
        ("(B, C, 1, 1)", "(B, 1, 1, C)"),
        ("(B, C, *size)", "(B, *size, C)"),
    ],
)
def test_shapes_have_channels_last(shape, moved):
    assert channels_last(f"before {shape} -> {shape} after") == f"before {moved} -> {moved} after"


OUTLINED = '''
"""What there is."""

SIZE: int = 3  # pixels
_HIDDEN = 4
FIRST, SECOND = 1, 2
KINDS = {None: Block, "a": make(1)}
local = 5

class Block(nn.Module):
    """A block.

    size: its size
    """

    expansion = 4

    def __init__(self, channels, stride=1):
        super().__init__()
        if stride:
            self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn: BatchNorm = BatchNorm(channels)
        self.register_buffer("scale", channels)
        size = self.bn
    def forward(self, x: Tensor):
        """Its call."""
    def _inner(self): ...

def load(path, *, strict=True, **options):
    return path

def _private(): ...
'''


def test_an_outline_holds_what_a_reader_of_the_twin_relies_on():
    lines = [line.text for line in outline(OUTLINED, "torch_zoo", details=False)]
    assert lines == [
        "SIZE",
        "FIRST, SECOND",
        "KINDS",
        "class Block:",
        "    def __init__(self, channels, stride=1):",
        "    def call(self, x):",
        "def load(path, *, strict=True, **options):",
    ]


def test_a_detailed_outline_has_docstrings_values_and_attributes_too():
    lines = [line.text for line in outline(OUTLINED, "torch_zoo")]
    assert lines == [
        '"""What there is.',
        "SIZE = 3  # pixels",
        "FIRST, SECOND = (1, 2)",
        "KINDS = {None, 'a'}",
        "class Block(Layer):",
        '    """A block.',
        "    size: its size",
        "    expansion = 4",
        "    def __init__(self, channels, stride=1):",
        "        self.conv",
        "        self.bn",
        "        self.scale",
        "    def call(self, x):",
        '        """Its call.',
        "def load(path, *, strict=True, **options):",
    ]
