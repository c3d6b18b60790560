"""Several processes that train one model, each on its share of every batch: who we are, and what they tell each other.

torchrun, and whatever sets the same variables, starts PyTorch's; TensorFlow's are told of each other by TF_CONFIG. The
first alone writes and speaks.
"""

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from trizoo.ground.conventions import IGNORE
from trizoo.ground.errors import UserError

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
ENDED = (
    "another process of this run has ended, or can't be reached; what it said tells why, and --resume goes on from the "
    "last checkpoint"
)


@dataclass(frozen=True)
class World:
    """All processes of a run, of which this is one; unless a framework says otherwise it is the only one.

    Args:
        rank: which this is, from 0
        size: how many there are
        local_size: how many of them this machine has
        local_rank: which of these this is, from 0
        told_by: what tells of the others, "torchrun" or "TF_CONFIG"; "" where there are none
    """

    rank: int = 0
    size: int = 1
    local_size: int = 1
    local_rank: int = field(default=0, compare=False)
    told_by: str = field(default="", compare=False)

    @property
    def is_first(self):
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def any(self, flag):
        """Whether a flag is set in any process; each waits for all."""
        return flag

    def of_first(self, value):
        """A value, as JSON has them, of the first process in every one; each waits for all."""
        return value

    def arrays_of_first(self, arrays):
        """{name: array} of the first process in every one, all of which have the same names; each waits for all."""
        return arrays

    def gather(self, arrays):
        """{name: array} of every process, by rank, in the first; [] in the others. The first waits for all."""
        return [arrays]

    def tells(self):
        """Whether this is the process that tells of the error it has met, and that the others may have met too."""
        return is_first_here()

    def end(self):
        """Lets go of the others. Nothing is told after it."""

    @contextmanager
    def first_goes_first(self):
        """What is done within it the first process has done before the others begin, so that they find what it made."""
        if not self.is_first:
            self.of_first(None)
        yield
        if self.is_first:
            self.of_first(None)


def started(way=None, title=""):
    """The World that torchrun's variables describe, or without them TF_CONFIG; it knows no other process yet.

    Args:
        way: the one of these by which a framework goes; None: either
        title: the framework's name for a person

    Raises:
        UserError: where something is missing or makes no sense, and where another way was taken
    """
    world = _of_torchrun() if int_or_none("WORLD_SIZE") not in (None, 1) else _of_tf_config()
    if way is None or world.told_by in ("", way):
        return world
    of = {"torchrun": "were started by torchrun", "TF_CONFIG": "are told of by TF_CONFIG"}
    raise UserError(
        f"{world.size} processes {of[world.told_by]}, and {title} goes by {way}: docs/scale.md has the commands; "
        f"without either it trains in one process"
    )


def _of_torchrun():
    missing = [name for name in VARIABLES if not os.environ.get(name)]
    rank, size, local_size = (int_or_none(name) for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    if missing or None in (rank, local_size) or not (0 <= rank < size and 1 <= local_size <= size):
        wrong = f"{missing[0]} isn't set" if missing else f"RANK is {os.environ['RANK']}"
        raise UserError(f"WORLD_SIZE is {size} and {wrong}; torchrun sets all that is needed")
    return World(rank, size, local_size, int_or_none("LOCAL_RANK") or 0, "torchrun")


def _of_tf_config():
    """See `started`. What it has of a cluster: https://www.tensorflow.org/guide/distributed_training#setting_up_the_tf_config_environment_variable"""
    text = os.environ.get("TF_CONFIG")
    if not text:
        return World()
    try:
        cluster, task, addresses = _cluster(text)
        if len(addresses) <= 1:
            return World()
        place = int(task["index"]) + (len(cluster.get("chief", [])) if task["type"] == "worker" else 0)
        known = set(cluster) <= {"chief", "worker"} and task["type"] in cluster and 0 <= place < len(addresses)
        hosts = [address.rpartition(":")[0] for address in addresses]
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        known = False
    if not known:
        raise UserError(
            'TF_CONFIG tells of no workers; {"cluster": {"worker": ["HOST1:12345", "HOST2:12345"]}, "task": {"type": '
            f'"worker", "index": 0}}}} would do, and it is {text}'
        )
    local_size, local_rank = hosts.count(hosts[place]), hosts[:place].count(hosts[place])
    return World(place, len(addresses), local_size, local_rank, "TF_CONFIG")


def _cluster(text):
    config = json.loads(text)
    cluster, task = config.get("cluster") or {}, config.get("task") or {}
    return cluster, task, [*cluster.get("chief", []), *cluster.get("worker", [])]


def addresses():
    """Those of all processes that TF_CONFIG names, by rank, where `started` takes it for sound."""
    return _cluster(os.environ["TF_CONFIG"])[2]


def int_or_none(name):
    """A variable of the environment as a number from 0, None where it is none."""
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


def is_first_here():
    """Whether this is the only process, or of those that share a training the first of its machine."""
    try:
        return started().local_rank == 0
    except UserError:
        return int_or_none("LOCAL_RANK") in (None, 0)


def alone(title):
    """The World of a framework that trains in one process. Raises UserError where several were started.

    Args:
        title: the framework's name for a person
    """
    world = started()
    if world.size > 1:
        raise UserError(
            f"{world.size} processes were started, and {title} trains in one; without {world.told_by} it takes all "
            f"GPUs of the machine that share a batch equally"
        )
    return World()


def check_shares(world, recipe):
    """UserError where the processes can't share each batch, or each part of one, equally."""
    if world.size == 1:
        return
    schedule, freeze = recipe.schedule, recipe.freeze
    parts = world.size * schedule.accumulate
    for key, size in (("schedule.batch_size", schedule.batch_size), ("freeze.batch_size", freeze.batch_size)):
        if size and size % parts:
            of = f" of schedule.accumulate={schedule.accumulate} parts each" if schedule.accumulate > 1 else ""
            raise UserError(
                f"{key} is {size}, which {world.size} processes{of} can't share equally; a multiple of {parts} would do"
            )
    if recipe.compile:
        raise UserError("--compile was asked for, and a step that processes share can't be compiled; leave it out")


@dataclass(frozen=True)
class Share:
    """One process's share of the batches of a training set: a map from the whole batch's plan to its part.

    Of every part of a batch (see `schedule.accumulate`) it has the same places, so that the parts are those of one
    process. The 0-d targets, which losses are divided by and which are at least 1, are 0 where the share holds nothing
    that counts: summed over all shares they are the whole batch's, but for that least. Those that count pairs of images
    are an equal part of the whole batch's each.

    Args:
        training_set: `trizoo.training.dataset.TrainingSet`
        world: that shares
        parts: of a batch
    """

    training_set: Any
    world: World
    parts: int

    def __call__(self, plan):
        batch = self.training_set(self.of(plan))
        whole = self.training_set.whole_targets(plan)
        targets = {**batch.targets, **{name: array / self.world.size for name, array in whole.items()}}
        if not holds_any(targets):
            targets = {
                name: array if array.ndim or name == "num_images" else array * 0 for name, array in targets.items()
            }
        return batch._replace(targets=targets)

    def of(self, plan):
        """The plan of this share of a whole batch's."""
        places = places_of(self.world, len(plan.indices), self.parts)
        chosen = {name: tuple(getattr(plan, name)[place] for place in places) for name in ("indices", "positions")}
        return replace(plan, **chosen)


def places_of(world, count, parts=1):
    """Which places of a batch of `count` images in equal parts are a process's: of each part an equal share."""
    share = count // parts // world.size
    firsts = range(world.rank * share, count, count // parts)
    return [first + place for first in firsts for place in range(share)]


def holds_any(targets):
    """Whether there is anything in NumPy targets by which a loss is divided: an anchor with a box, a label."""
    if "classes" in targets or "shares" in targets:  # of whole images, each of which has one
        return True
    if "masks" in targets:
        return bool((targets["masks"] != IGNORE).any())
    return bool((targets["positives" if "positives" in targets else "matches"] >= 0).any())
