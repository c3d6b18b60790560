"""How many loader processes a run has."""

import pytest

from trizoo.ground.errors import UserError
from trizoo.training import train
from trizoo.training.train import check_workers, choose_workers


@pytest.fixture
def said(monkeypatch):
    """What is said to a person, on a machine of four cores."""
    monkeypatch.setattr(train, "available_cores", lambda: 4)
    return []


@pytest.mark.parametrize(("processes", "workers"), [(1, 2), (2, 1), (4, 1)])
def test_half_the_cores_are_shared_by_a_runs_processes(processes, workers, said):
    assert choose_workers(None, processes, said.append) == workers
    assert said == []


@pytest.mark.parametrize("cores", [1, 2, 4, 64])
def test_without_being_asked_there_are_no_more_workers_than_cores(cores, said, monkeypatch):
    monkeypatch.setattr(train, "available_cores", lambda: cores)
    assert 1 <= choose_workers(None, 1, said.append) <= cores


def test_as_many_as_are_asked_for_are_had_and_more_than_the_cores_are_told_of(said):
    assert choose_workers(4, 1, said.append) == 4
    assert said == []
    assert choose_workers(3, 2, said.append) == 3
    assert said == ["warning: 6 loader processes share 4 cores; fewer --workers may be faster"]


@pytest.mark.parametrize("workers", [-1, 1025, 10**9, 1.5, "2"])
def test_a_number_of_workers_that_no_machine_has_is_refused(workers):
    with pytest.raises(UserError, match=r"--workers is .*; 0 \(no processes\) to 1,024 is needed"):
        check_workers(workers)
