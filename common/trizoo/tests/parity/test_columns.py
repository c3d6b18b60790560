import re
from html.parser import HTMLParser

import pytest

from trizoo.parity.columns import as_html, as_text, summary, wrap
from trizoo.parity.sidebyside import compare

TEXTS = {
    "torch_zoo": "import torch\n\nclass A(nn.Module):\n    def forward(self, x):\n        return x < 1\n",
    "tf2_zoo": "import tensorflow\n\nclass A(Module):\n    def call(self, x):\n        return x < 1\n",
    "keras_zoo": "import keras\n\nclass A(keras.Model):\n    def call(self, x):\n        return x < 2\n",
}


@pytest.fixture
def file():
    return compare("a.py", TEXTS)


def test_text_has_three_columns_and_a_mark_before_what_differs(file):
    assert as_text([file], 92).splitlines() == [
        "== a.py: 3 of 4 rows say the same",
        "  torch_zoo                    | tf2_zoo                      | keras_zoo",
        "  import torch                 | import tensorflow            | import keras",
        "",
        "  class A(nn.Module):          | class A(Module):             | class A(keras.Model):",
        "      def forward(self, x):    |     def call(self, x):       |     def call(self, x):",
        "*         return x < 1         |         return x < 1         |         return x < 2",
    ]


def test_only_different_leaves_out_the_rest_and_says_where_it_is(file):
    alone = compare("b.py", {"tf2_zoo": "x = 1", "keras_zoo": "x = 2"})
    assert as_text([file, alone], 92, only_different=True).splitlines() == [
        "== a.py: 3 of 4 rows say the same",
        "  torch_zoo                    | tf2_zoo                      | keras_zoo",
        "",
        "in A call:",
        "*         return x < 1         |         return x < 1         |         return x < 2",
        "",
        "== b.py: 0 of 1 rows say the same in tf2_zoo and keras_zoo",
    ]


@pytest.mark.parametrize("width", [1, 60, 80, 200])
def test_no_line_is_wider_than_asked_for(file, width):
    long = compare("b.py", {package: f"{text}        + {' + '.join('abcdef' * 9)}" for package, text in TEXTS.items()})
    lines = as_text([file, long], width).splitlines()
    assert max(len(line) for line in lines if not line.startswith("==")) <= max(width, 60)


def test_a_long_line_goes_on_further_in_and_loses_nothing():
    parts = wrap("        return first + second + third", 24)
    assert parts == ["        return first +", "            second +", "            third"]
    assert wrap("", 24) == [""]


class Page(HTMLParser):
    """What a page is made of: tags with their attributes, and the words of its cells."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.cells = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.cells += [""] if tag == "td" else []
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if "td" in self.open and "i" not in self.open:
            self.cells[-1] += data


def test_a_page_has_the_same_rows_with_the_source_as_it_is(file):
    page = Page(as_html("a-model", [file]))
    assert "        return x < 1" in page.cells
    assert "        return x < 2" in page.cells
    assert [attributes.get("class") for tag, attributes in page.tags if tag == "tr"] == [
        None,  # the names
        None,
        "gap",
        None,
        None,
        "differs",
    ]
    only = Page(as_html("a-model", [file], only_different=True))
    assert only.cells == ["        return x < 1", "        return x < 1", "        return x < 2"]


def test_a_page_needs_nothing_else(file):
    text = as_html("a-model", [file])
    assert {tag for tag, _ in Page(text).tags}.isdisjoint({"script", "link", "img", "iframe"})
    assert re.findall(r"https?:|url\(|@import|\bsrc=", text) == []


def test_a_reason_stands_above_what_it_is_the_reason_of():
    texts = dict.fromkeys(
        ("torch_zoo", "tf2_zoo"), "A = 0\nBN_MOMENTUM = 0.1  # PyTorch's meaning: the share of the new batch\n"
    )
    texts["keras_zoo"] = "A = 0\nBN_MOMENTUM = 0.9  # Keras's meaning: the share of what was there\n"
    momentum = compare("blocks.py", texts)
    lines = as_text([momentum], 400).splitlines()
    place = lines.index("(Keras's momentum is 1 - PyTorch's)")
    assert lines[place + 1].startswith("* BN_MOMENTUM = 0.1")
    page = Page(as_html("a-model", [momentum]))
    assert page.cells.index("Keras's momentum is 1 - PyTorch's") == 3


def test_a_summary_says_how_much_is_alike():
    assert summary(compare("a.py", TEXTS)) == "3 of 4 rows say the same"
    two = {package: TEXTS[package] for package in ("tf2_zoo", "keras_zoo")}
    assert summary(compare("a.py", two)) == "3 of 4 rows say the same in tf2_zoo and keras_zoo"
    assert summary(compare("a.py", {"keras_zoo": "x = 1"})) == "keras_zoo alone has it"
