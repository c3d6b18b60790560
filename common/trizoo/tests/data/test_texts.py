import numpy as np
import pytest

from trizoo.data.texts import Chosen, Texts

WORDS = ["a", "", "照片 1", "b\udcff", "long name"]


def test_texts_are_the_same_packed():
    texts = Texts.of(WORDS)
    assert (list(texts), len(texts), texts[-1], texts[1:3]) == (WORDS, 5, "long name", ["", "照片 1"])
    assert list(Texts.of([])) == []
    with pytest.raises(IndexError):
        texts[5]


def test_chosen_are_looked_up_and_compare_as_lists():
    chosen = Chosen(WORDS, np.array([2, 0, 0]))
    assert chosen == ["照片 1", "a", "a"]
    assert (chosen[0], chosen[1:], len(chosen), "a" in chosen) == ("照片 1", ["a", "a"], 3, True)
    assert not Chosen(WORDS, np.array([], np.int64))
