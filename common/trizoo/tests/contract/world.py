"""What a framework makes of the variables that tell of several processes; see `trizoo.training.world`."""

import importlib
import json

import pytest

from trizoo.ground.errors import UserError
from trizoo.training.world import VARIABLES, World

WORKERS = {"cluster": {"worker": ["localhost:1", "localhost:2"]}, "task": {"type": "worker", "index": 0}}
VARIABLES_OF = {
    "torchrun": dict(zip(VARIABLES, ("0", "2", "0", "2", "localhost", "29500"), strict=True)),
    "TF_CONFIG": {"TF_CONFIG": json.dumps(WORKERS)},
}


def launcher_of(zoo):
    """What a framework goes by, None where its processes train alone."""
    if "JAX" in zoo.versions():
        return None
    return "TF_CONFIG" if "TensorFlow" in zoo.versions() else "torchrun"


@pytest.fixture
def world(zoo, monkeypatch):
    """A framework's `world`, which has forgotten what it knew."""
    for name in (*VARIABLES, "TF_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    processes = importlib.import_module(type(zoo).__module__.replace("framework", "processes"))
    processes.world.cache_clear()
    yield zoo.world
    processes.world.cache_clear()


def test_without_such_variables_a_process_is_the_only_one(world):
    assert world() == World()


@pytest.mark.parametrize("launcher", VARIABLES_OF)
def test_processes_that_another_launcher_started_are_refused(zoo, world, monkeypatch, launcher):
    if launcher == launcher_of(zoo):
        pytest.skip("by these variables the framework would wait for the others")
    for name, value in VARIABLES_OF[launcher].items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=r"2 processes .*(goes by|trains in one)"):
        world()
