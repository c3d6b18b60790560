import sys

import numpy as np
import pytest

from trizoo.gallery import index
from trizoo.gallery.gallery import unit
from trizoo.gallery.index import NONE, ApproximateIndex, ExactIndex, make_index, recall
from trizoo.ground.errors import UserError
from trizoo.tests.galleries import gallery


def test_similarities_worked_by_hand():
    found = ExactIndex()
    found.add(np.array([7, 8, 9]), np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32))
    # with (0.8, 0.6): 0.8, 0.6 and 0.48 + 0.48 = 0.96
    similarities, keys = found.search(np.array([[0.8, 0.6]], np.float32), 3)
    assert keys.tolist() == [[9, 7, 8]]
    assert similarities == pytest.approx(np.array([[0.96, 0.8, 0.6]]))


def test_l2_is_one_less_half_of_the_squared_distance():
    found = ExactIndex("l2")
    found.add(np.array([1, 2]), np.array([[0, 0], [3, 4]], np.float32))
    similarities, keys = found.search(np.array([[0, 1]], np.float32), 2)
    assert keys.tolist() == [[1, 2]]
    assert similarities.tolist() == [[0.5, -8.0]]  # distances squared: 1, and 9 + 9 = 18


def test_both_metrics_are_one_for_unit_vectors():
    vectors = unit(np.random.default_rng(0).standard_normal((50, 16)).astype(np.float32))
    both = [ExactIndex(metric) for metric in ("cosine", "l2")]
    for one in both:
        one.add(np.arange(50), vectors)
    (first, keys), (second, others) = (one.search(vectors[:9], 5) for one in both)
    assert first == pytest.approx(second, abs=2e-6)
    assert np.array_equal(keys[:, 0], others[:, 0])


def test_equal_similarities_are_in_the_order_of_the_rows(monkeypatch):
    vectors = np.tile(np.array([[1, 0], [0, 1]], np.float32), (10, 1))
    found = ExactIndex()
    found.add(np.arange(20), vectors)
    monkeypatch.setattr(index, "_BLOCK", 40)  # two queries at once
    _, keys = found.search(np.array([[1, 0], [0, 1], [1, 0]], np.float32), 4)
    assert keys.tolist() == [[0, 2, 4, 6], [1, 3, 5, 7], [0, 2, 4, 6]]


def test_it_finds_what_sorting_all_finds():
    random = np.random.default_rng(1)
    vectors, queries = (random.standard_normal((count, 6)).astype(np.float32) for count in (300, 40))
    found = ExactIndex()
    found.add(np.arange(300), vectors)
    assert np.array_equal(found.search(queries, 7)[1], np.argsort(-(queries @ vectors.T), axis=1)[:, :7])


def test_what_is_removed_is_not_found_and_places_without_a_vector_are_none():
    found = ExactIndex()
    found.add(np.array([5, 6]), np.eye(2, dtype=np.float32))
    found.remove(np.array([5]))
    similarities, keys = found.search(np.array([[1, 0]], np.float32), 3)
    assert keys.tolist() == [[6, NONE, NONE]]
    assert similarities.tolist() == [[0, -np.inf, -np.inf]]
    assert ExactIndex().search(np.ones((1, 2), np.float32), 1)[1].tolist() == [[NONE]]


def test_adding_to_an_index_equals_one_of_all():
    pictures = gallery(60, dimensions=8)
    whole, grown = make_index(pictures), ExactIndex()
    for start in range(0, 60, 13):
        grown.add(pictures.keys[start : start + 13], pictures.vectors[start : start + 13])
    for one, other in zip(whole.search(pictures.vectors, 9), grown.search(pictures.vectors, 9), strict=True):
        assert np.array_equal(one, other)


def test_many_vectors_need_a_library_which_is_told(monkeypatch):
    monkeypatch.setattr(index, "MOST_EXACT", 10)
    monkeypatch.setitem(sys.modules, "usearch", None)
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with pytest.raises(
        UserError, match=r"usearch isn't installed, which searches 20 vectors; pip install 'trizoo\[gall"
    ):
        make_index(gallery())
    assert make_index(gallery(), exact=True).exact


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_a_graph_finds_nearly_all_and_forgets_what_is_removed(metric):
    pytest.importorskip("usearch.index")
    pictures = gallery(2000, dimensions=16)
    graph = ApproximateIndex(metric, 16)
    graph.add(pictures.keys[:1500], pictures.vectors[:1500])
    graph.add(pictures.keys[1500:], pictures.vectors[1500:])
    assert len(graph) == 2000
    assert recall(graph, pictures) > 0.95
    similarities, keys = graph.search(pictures.vectors[:5], 3)
    assert keys[:, 0].tolist() == pictures.keys[:5].tolist()
    assert similarities[:, 0] == pytest.approx(np.ones(5), abs=1e-5)
    graph.remove(pictures.keys[:5])
    assert not np.isin(graph.search(pictures.vectors[:5], 3)[1], pictures.keys[:5]).any()


def test_a_small_graph_has_places_without_a_vector():
    pytest.importorskip("usearch.index")
    graph = ApproximateIndex("cosine", 4)
    assert graph.search(np.ones((1, 4), np.float32), 2)[1].tolist() == [[NONE, NONE]]
    graph.add(np.array([3]), np.eye(1, 4, dtype=np.float32))
    assert graph.search(np.eye(1, 4, dtype=np.float32), 2)[1].tolist() == [[3, NONE]]


def test_recall_of_every_second_neighbour_is_a_half():
    pictures = gallery(40, dimensions=8)

    class Half:
        def search(self, queries, count):
            similarities, keys = make_index(pictures, exact=True).search(queries, count)
            return similarities, np.where(np.arange(count) % 2, NONE, keys)

    assert recall(Half(), pictures, count=4) == 0.5
