"""Processes that were given different things are told so before the first step, and all of them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from trizoo.ground.errors import UserError
from trizoo.ground.sample import Record
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe
from trizoo.tests.testing import FakeFramework
from trizoo.training.agreeing import check_agree, of_arrays, of_settings, of_sources
from trizoo.training.data import Sources
from trizoo.training.world import World


@dataclass(frozen=True)
class Threads(World):
    """Processes that are threads here: all say something and wait, and then have what all have said."""

    said: Any = None
    all_have: Any = None

    def _all(self, value):
        self.said[self.rank] = value
        self.all_have.wait(20)
        told = dict(self.said)
        self.all_have.wait(20)
        return [told[rank] for rank in range(self.size)]

    def of_first(self, value):
        return self._all(value)[0]

    def gather(self, arrays):
        return self._all(arrays) if self.is_first else self._all(arrays)[:0]


def sentences(of, *given):
    """What each process is told, None for those that may go on: `of` of one of the given each."""

    said, all_have = {}, threading.Barrier(len(given))

    def told(rank):
        try:
            check_agree(Threads(rank, len(given), said=said, all_have=all_have), of, *given[rank])
        except UserError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(len(given)) as pool:
        return list(pool.map(told, range(len(given))))


def recipe(**chosen):
    return load(Recipe, base="yolov3-tiny", overrides=[(key, value, "test") for key, value in chosen.items()]).recipe


def test_equal_settings_are_no_matter_wherever_the_data_lie():
    ours, theirs = recipe(**{"data.root": "/a"}), recipe(**{"data.root": "/b"})
    flags = {"--resume": False}
    assert sentences(of_settings, (FakeFramework(), ours, flags), (FakeFramework(), theirs, flags)) == [None, None]


def test_another_setting_is_told_by_all_with_its_name_and_both_values():
    ours, theirs = ((FakeFramework(), recipe(seed=seed), {}) for seed in (0, 7))
    expected = "seed is 7 in process 2, and 0 in process 0; all need the same command line, versions and files"
    assert sentences(of_settings, ours, ours, theirs) == [expected] * 3


def test_another_framework_or_flag_is_told(monkeypatch):
    other = FakeFramework()
    other.versions = lambda: "Fake 2.0"
    ours = (FakeFramework(), recipe(), {"--resume": False})
    assert "the framework is Fake 2.0 in process 1, and Fake 1.0" in sentences(of_settings, ours, (other, *ours[1:]))[0]
    theirs = (*ours[:2], {"--resume": True})
    assert "--resume is given in process 1, and not given in process 0" in sentences(of_settings, ours, theirs)[1]


@pytest.mark.parametrize(
    "change", [{"boxes": np.ones((1, 4), np.float32)}, {"id": "b"}, {"size": (9, 8)}, {"label": 1}]
)
def test_other_images_or_labels_are_told(change):
    class Set:
        def __init__(self, *records):
            self.records = records

    own = Record("a", None, (8, 8), np.zeros((1, 4), np.float32), np.zeros(1, np.int64))
    rest = (Set(own), Set(own), None)
    chosen = recipe()
    given = [(chosen, Sources(Set(record), [0], *rest)) for record in (own, replace(own, **change))]
    first, second = sentences(of_sources, *given)
    assert first == second
    assert first.startswith("the training set is 1 image of checksum ")
    assert sentences(of_sources, given[0], given[0]) == [None, None]


def test_other_weights_are_told():
    framework = FakeFramework()
    framework.arrays = lambda model: model
    models = [{"a": np.full(3, value, np.float32)} for value in (0, 1)]
    told = sentences(of_arrays, *((framework, model, None, None) for model in models))
    assert told[0].startswith("the checksum of the weights is")
    assert sentences(of_arrays, *[(framework, models[0], None, None)] * 2) == [None, None]
    taught = [(framework, models[0], None, SimpleNamespace(crc32=value)) for value in (1, 2)]
    assert sentences(of_arrays, *taught)[0].startswith("the checksum of the teacher is 2 in process 1, and 1 in")


def test_one_process_alone_looks_at_nothing():
    check_agree(World(), lambda: pytest.fail("nobody to agree with"))


def test_a_name_that_is_no_utf_8_can_be_told():
    told = sentences(lambda name: {"classes": [name]}, ("a",), ("\udce4",))
    assert told[0] == told[1]
    assert r"\udce4" in told[0]
