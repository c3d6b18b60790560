"""layers.csv: what is merged from parts and calls, what is kept of a resumed run, and what an error says."""

import csv
import math

import numpy as np
import pytest

from trizoo.ground.errors import UserError
from trizoo.training.layer_stats import COLUMNS, LayerStats, check_alone, merged
from trizoo.training.world import World


def looked_at(*calls):
    """What a framework gives, of (name, values)."""
    found = []
    for name, values in calls:
        values = np.array(values)
        finite = values[np.isfinite(values)]
        mean, variance = (finite.mean(), finite.var()) if len(finite) else (0, 0)
        found.append((name, len(values), (mean, variance, len(values) - len(finite))))
    return found


class Learner:
    """Of one layer, that puts out its images."""

    def layer_stats(self, images):
        return looked_at(("all", images))


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_parts_of_a_batch_and_calls_of_a_layer_are_one():
    first, second = merged([looked_at(("a", [1, 2, 3]), ("b", [0]), ("a", [7])), looked_at(("a", [2]), ("b", [5, 1]))])
    assert (first.name, first.values, second.name, second.values) == ("a", 5, "b", 3)
    assert first.mean == pytest.approx(3)  # (1 + 2 + 3 + 7 + 2) / 5
    assert first.variance == pytest.approx((4 + 1 + 0 + 16 + 1) / 5)
    assert second.variance == pytest.approx((4 + 9 + 1) / 3)  # of 0, 5, 1 about 2


def test_what_is_not_finite_is_counted_and_left_out():
    (layer,) = merged([looked_at(("a", [1, math.nan, 3])), looked_at(("a", [math.inf]))])
    assert (layer.mean, layer.variance, layer.not_finite, layer.values) == (2, 1, 2, 4)
    (layer,) = merged([looked_at(("a", [math.nan]))])
    assert (layer.mean, layer.variance, layer.not_finite) == (None, None, 1)


def test_the_table_has_a_row_a_layer_and_a_resumed_run_keeps_its_own_steps(tmp_path):
    stats = LayerStats(tmp_path / "layers.csv", parts=2)
    stats.begin(0)
    for step in (10, 20):
        stats.write(step, stats.look(Learner(), np.array([1.0, 3.0, 5.0, 7.0])))
    rows = read(stats.path)
    assert tuple(rows[0]) == COLUMNS
    assert [(row["step"], row["layer"], row["mean"], row["variance"], row["values"]) for row in rows] == [
        ("10", "all", "4.0", "5.0", "4"),
        ("20", "all", "4.0", "5.0", "4"),
    ]
    stats.begin(15)
    assert [row["step"] for row in read(stats.path)] == ["10"]
    stats.begin(0)
    assert read(stats.path) == []


def test_an_error_names_the_first_layer_that_is_not_finite(tmp_path):
    stats = LayerStats(tmp_path / "layers.csv")
    stats.begin(0)
    looked = [looked_at(("a", [1, 2]), ("b", [1, math.nan]), ("c", [math.nan, math.nan]))]
    assert stats.explain(3, looked).startswith("b was the first layer whose outputs weren't (1 of 2 values; ")
    assert [row["not_finite"] for row in read(stats.path)] == ["0", "1", "2"]
    assert stats.explain(4, [looked_at(("a", [1]))]).startswith("the outputs of all layers were finite (")


def test_several_processes_are_refused():
    check_alone(World())
    with pytest.raises(UserError, match="--layer-stats looks at the batches of one process, and 2 were started"):
        check_alone(World(1, 2))
