"""Several processes that train one model: who they are, and how they share batches."""

import json

import numpy as np
import pytest

from trizoo.data.synthetic import synthesize
from trizoo.ground.errors import UserError
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe
from trizoo.tasks import task_of
from trizoo.training.batch import Batch, BatchPlan
from trizoo.training.dataset import TrainingSet
from trizoo.training.order import order_of
from trizoo.training.schedule import RunPlan
from trizoo.training.specs import spec_of
from trizoo.training.world import (
    VARIABLES,
    Share,
    World,
    addresses,
    alone,
    by_torchrun,
    check_shares,
    is_first_here,
    places_of,
    started,
)

TORCHRUN = dict(zip(VARIABLES, ("1", "4", "1", "2", "localhost", "29500"), strict=True))


@pytest.fixture(autouse=True)
def no_torchrun(monkeypatch):
    for name in (*VARIABLES, "TF_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def set_all(monkeypatch, **changes):
    for name, value in (TORCHRUN | changes).items():
        monkeypatch.setenv(name, value)


def test_without_torchrun_a_process_is_the_only_one():
    assert started() == alone("X") == World(0, 1, 1)


def test_torchrun_tells_who_a_process_is(monkeypatch):
    set_all(monkeypatch)
    assert started() == World(1, 4, 2)
    with pytest.raises(UserError, match="4 processes were started, and X trains in one"):
        alone("X")


def test_before_processes_know_of_each_other_the_first_that_torchrun_started_on_a_machine_tells_of_errors(monkeypatch):
    assert is_first_here()
    for local_rank in ("0", "1"):
        set_all(monkeypatch, LOCAL_RANK=local_rank)
        assert is_first_here()  # started by hand, it may have a command line of its own
        assert by_torchrun()
        monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
        assert is_first_here() == World(1, 4).tells() == (local_rank == "0")
        monkeypatch.delenv("TORCHELASTIC_RUN_ID")
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert not by_torchrun()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("RANK", "4", "WORLD_SIZE is 4 and RANK is 4"),
        ("RANK", "-1", "WORLD_SIZE is 4 and RANK is -1"),
        ("RANK", "x", "WORLD_SIZE is 4 and RANK is x"),
        ("RANK", "", "WORLD_SIZE is 4 and RANK isn't set"),
        ("WORLD_SIZE", "", "RANK is 1 and WORLD_SIZE isn't set"),
        ("WORLD_SIZE", "abc", "RANK is 1 and WORLD_SIZE is abc"),
        ("WORLD_SIZE", "0", "RANK is 1 and WORLD_SIZE is 0"),
        ("WORLD_SIZE", "1", "WORLD_SIZE is 1 and RANK is 1"),
        ("LOCAL_WORLD_SIZE", "5", "WORLD_SIZE is 4 and LOCAL_WORLD_SIZE is 5"),
        ("MASTER_ADDR", "", "WORLD_SIZE is 4 and MASTER_ADDR isn't set"),
        ("MASTER_PORT", "abc", "WORLD_SIZE is 4 and MASTER_PORT is abc"),
        ("MASTER_PORT", "70000", "WORLD_SIZE is 4 and MASTER_PORT is 70000"),
    ],
)
def test_variables_that_make_no_sense_are_a_sentence(monkeypatch, name, value, told):
    set_all(monkeypatch, **{name: value})
    with pytest.raises(UserError, match=f"{told}; torchrun sets all that is needed"):
        started()


def test_one_process_of_torchruns_is_alone(monkeypatch):
    set_all(monkeypatch, RANK="0", WORLD_SIZE="1", LOCAL_RANK="0", LOCAL_WORLD_SIZE="1")
    assert started() == World()


CLUSTER = {"chief": ["a:1"], "worker": ["b:1", "b:2"]}


def tell(monkeypatch, cluster, **task):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))


@pytest.mark.parametrize(
    ("task", "world"),
    [
        ({"type": "chief", "index": 0}, World(0, 3, 1)),
        ({"type": "worker", "index": 0}, World(1, 3, 2)),
        ({"type": "worker", "index": 1}, World(2, 3, 2)),
    ],
)
def test_tf_config_tells_who_a_process_is(monkeypatch, task, world):
    tell(monkeypatch, CLUSTER, **task)
    assert started() == started("TF_CONFIG") == world
    assert is_first_here()  # each has a command line of its own
    assert addresses() == ["a:1", "b:1", "b:2"]
    with pytest.raises(UserError, match="3 processes are told of by TF_CONFIG, and X goes by torchrun"):
        started("torchrun", "X")


def test_torchruns_variables_go_before_tf_config(monkeypatch):
    tell(monkeypatch, CLUSTER, type="chief", index=0)
    set_all(monkeypatch)
    assert started("torchrun") == World(1, 4, 2)
    with pytest.raises(UserError, match="4 processes were started by torchrun, and X goes by TF_CONFIG"):
        started("TF_CONFIG", "X")


@pytest.mark.parametrize("text", ["", "{}", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}'])
def test_a_cluster_of_one_is_a_process_alone(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    assert started("torchrun") == started() == World()


TWO = '"cluster": {"worker": ["a:1", "b:1"]}'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is no JSON"),
        ("[]", "is no JSON object"),
        ("[" * 100_000, "is no JSON"),
        ('{"task": {"type": "worker", "index": 0}}', "has a task, and no cluster"),
        ('{"cluster": [1], "task": {}}', "has a cluster or a task that is no object"),
        ('{"cluster": {"worker": "a:1,b:1"}, "task": {}}', "has a cluster without lists of addresses"),
        ('{"cluster": {"worker": ["a:1"], "ps": ["c:1"]}, "task": {}}', "has 'ps' in its cluster"),
        ('{"cluster": {"worker": [1, 2]}, "task": {"type": "worker", "index": 0}}', "names 1, and HOST:PORT is needed"),
        ('{"cluster": {"worker": ["a:1", "b"]}, "task": {}}', "names 'b', and HOST:PORT is needed"),
        ('{"cluster": {"worker": ["a:1", "b:70000"]}, "task": {}}', "names 'b:70000', and HOST:PORT is needed"),
        ('{"cluster": {"worker": ["a:0", ":1"]}, "task": {}}', "names 'a:0', and HOST:PORT is needed"),
        ('{"cluster": {"worker": ["a:1", "a:1"]}, "task": {}}', "names a:1 twice"),
        ('{"cluster": {"chief": ["a:1", "b:1"]}, "task": {}}', "names several chiefs"),
        (f"{{{TWO}}}", "has a task of type None, and its cluster has worker"),
        (
            f'{{{TWO}, "task": {{"type": "chief", "index": 0}}}}',
            "has a task of type 'chief', and its cluster has worker",
        ),
        (
            f'{{{TWO}, "task": {{"type": "worker", "index": 2}}}}',
            "has a task of index 2, and its cluster 2 of type worker",
        ),
        (f'{{{TWO}, "task": {{"type": "worker", "index": -1}}}}', "has a task of index -1"),
        (f'{{{TWO}, "task": {{"type": "worker", "index": 0.5}}}}', "has a task of index 0.5"),
        (f'{{{TWO}, "task": {{"type": "worker", "index": true}}}}', "has a task of index True"),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
            "has a task of index 1",
        ),
    ],
)
def test_a_tf_config_that_makes_no_sense_is_a_sentence_on_what_is_wrong(monkeypatch, text, told):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError) as error:
        started()
    assert str(error.value).startswith(f"TF_CONFIG {told}")
    assert f'"index": 0}}}} would do, and it is {text[:9]}' in str(error.value)


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_shares_are_all_of_a_batch_and_of_each_part_equally_many(parts):
    shares = [places_of(World(rank, 2), 12, parts) for rank in (0, 1)]
    assert sorted(shares[0] + shares[1]) == list(range(12))
    for first in range(0, 12, 12 // parts):
        part = set(range(first, first + 12 // parts))
        assert [len(part & set(share)) for share in shares] == [6 // parts] * 2


def test_a_share_has_the_images_of_the_whole_plan_at_its_places():
    plan = BatchPlan(3, 1, (7, 5, 9, 2), (40, 41, 42, 43), 0.5, (64, 32))
    found = Share(None, World(1, 2), 2).of(plan)
    assert found == BatchPlan(3, 1, (5, 2), (41, 43), 0.5, (64, 32))


class Always:
    """A training set of one batch."""

    def __init__(self, batch, **whole):
        self.batch, self.whole = batch, whole

    def __call__(self, plan):
        return self.batch

    def whole_targets(self, plan):
        return self.whole


def test_shares_of_a_count_of_pairs_add_up_to_that_of_the_whole_batch():
    """Each has one image of a class, and alone would count no pair: at least 1."""
    batch = Batch(np.zeros((1, 1, 1, 3), np.uint8), {"classes": np.array([0]), "normaliser": np.float32(1)}, ["x"], 0)
    plan = BatchPlan(0, 0, (0, 1, 2), (0, 1, 2))
    found = [Share(Always(batch, normaliser=np.float32(2)), World(rank, 3), 1)(plan) for rank in range(3)]
    assert sum(share.targets["normaliser"] for share in found) == pytest.approx(2)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("classify-resnet18", {"data.rare_below": 0.9, "loss.class_weights": [1, 2, 0.5, 3, 1, 1, 2, 1]}),
        ("embed-resnet18", {"data.per_class": 2, "loss.name": "triplet"}),
    ],
)
def test_shares_of_rare_blended_and_grouped_images_are_those_of_one_process(tmp_path, model, options):
    root = synthesize(tmp_path / "data", images=24, size=(48, 48), kind="classification")
    mixup = [{"op": "random_placement"}, {"op": "mixup", "probability": 1.0, "only_mosaic": False}]
    chosen = {"data.root": str(root), "input_size": [32, 32], **options}
    chosen |= {"augment": mixup if model == "classify-resnet18" else []}
    recipe = load(Recipe, base=model, overrides=[(key, value, "test") for key, value in chosen.items()]).recipe
    task = task_of(model)
    source = task.open(task.find(recipe.data), recipe.data, "train", ())
    recipe = recipe.model_copy(update={"classes": source.classes})
    members = [*range(len(source))]
    order = order_of(source, members, recipe.data)
    made = TrainingSet(source, members, recipe, spec_of(recipe))
    plan = RunPlan(recipe.schedule, recipe.freeze, len(members), 0, False, repeats=order).batch_plan(1)
    whole, shares = made(plan), [Share(made, World(rank, 2), 1)(plan) for rank in (0, 1)]
    assert np.array_equal(np.concatenate([share.images for share in shares]), whole.images)
    for name, array in whole.targets.items():
        parts = [share.targets[name] for share in shares]
        joined = np.concatenate(parts) if array.ndim else sum(parts)
        assert joined == pytest.approx(array, rel=1e-6), name


@pytest.mark.parametrize(
    ("name", "empty", "full"),
    [("positives", [[-1, -1]], [[-1, 4]]), ("matches", [[-1, -2]], [[0, -1]]), ("masks", [[[255]]], [[[0]]])],
)
def test_a_share_without_anything_that_counts_adds_nothing_to_the_sum(name, empty, full):
    for arrays, expected in ((empty, 0), (full, 1)):
        targets = {name: np.array(arrays), "num_positives": np.float32(1), "num_images": np.float32(1)}
        batch = Batch(np.zeros((1, 1, 1, 3), np.uint8), targets, ["x"], 0)
        found = Share(Always(batch), World(0, 2), 1)(BatchPlan(0, 0, (0, 1), (0, 1))).targets
        assert (found["num_positives"], found["num_images"]) == (expected, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schedule": {"batch_size": 6}}, "schedule.batch_size is 6, which 4 processes can't share equally"),
        ({"schedule": {"batch_size": 12, "accumulate": 2}}, "a multiple of 8 would do"),
        ({"schedule": {"batch_size": 8}, "freeze": {"batch_size": 6}}, "freeze.batch_size is 6"),
        ({"schedule": {"batch_size": 8}, "compile": True}, "leave it out"),
    ],
)
def test_what_processes_cannot_share_is_refused(options, message):
    check_shares(World(), Recipe(**options))
    with pytest.raises(UserError, match=message):
        check_shares(World(0, 4), Recipe(**options))
