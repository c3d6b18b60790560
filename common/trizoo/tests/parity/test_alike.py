import pytest

from trizoo.parity.alike import Difference, differences, find, unlike

OURS = (
    "from torch import nn\n\nclass A(nn.Module):\n    def forward(self, x):\n        y = x.amax()\n        return y\n"
)
THEIRS = "import keras\n\nclass A(keras.Model):\n    def call(self, x):\n        y = ops.max(x)\n        return y\n"
KNOWN = Difference("necks.py", "its own way", {"torch_zoo": ("y = x.amax()",), "keras_zoo": ("y = ops.max(x)",)})


def compared(ours, theirs, *known, file="necks.py"):
    return unlike(file, {"torch_zoo": ours, "keras_zoo": theirs}, known)


def test_texts_that_differ_in_nothing_but_a_frameworks_words_are_alike():
    assert compared(OURS, THEIRS.replace("ops.max(x)", "x.amax()")) == []


def test_a_difference_is_shown_between_the_lines_around_it():
    assert compared(OURS, THEIRS) == [
        "--- torch_zoo/necks.py",
        "+++ keras_zoo/necks.py",
        "@@ -2,3 +2,3 @@",
        "     def call(self, x):",
        "-        y = x.amax()",
        "+        y = ops.max(x)",
        "         return y",
    ]


def test_a_known_difference_is_none():
    assert compared(OURS, THEIRS, KNOWN) == []


def test_a_known_difference_of_another_module_stays_one():
    assert compared(OURS, THEIRS, KNOWN, file="segmentation.py") != []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("        y = ops.max(x)\n", ""),
        ("ops.max(x)", "x.amax()"),
        ("ops.max(x)", "ops.max(x)  # changed"),
        ("y = ops.max(x)", "y = ops.max(x)\n        y = ops.max(x)"),
    ],
)
def test_an_entry_without_its_lines_exactly_once_is_named(before, after):
    first, *_ = compared(OURS, THEIRS.replace(before, after), KNOWN)
    assert first.startswith("keras_zoo/necks.py has these lines of differences.yaml")
    assert "its own way" in first
    assert "y = ops.max(x)" in first


def test_a_known_difference_has_one_place():
    moved = THEIRS.replace("        y = ops.max(x)\n        return y\n", "        return y\n        y = ops.max(x)\n")
    assert compared(OURS, moved, KNOWN) != []


def test_of_blocks_and_losses_the_outline_is_compared():
    assert compared(OURS, THEIRS, file="blocks.py") == []
    assert compared(OURS, THEIRS.replace("self, x", "self, x, y"), file="blocks.py") != []
    assert compared(OURS, THEIRS, file="losses/yolo.py") == []


def test_a_run_of_lines_is_found_whatever_its_indentation():
    assert find(("a", "b"), ["a", "  a", "  b", "a", "b"]) == [1, 3]
    assert find((), ["a"]) == []


def test_every_known_difference_is_one_and_has_a_reason():
    assert differences() != []
    for difference in differences():
        assert difference.reason
        assert len(set(difference.sides.values())) > 1, difference
        assert all(difference.sides.values()), difference
