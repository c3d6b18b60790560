"""Several processes that train one model, each on its share of every batch: who we are, and what they tell each other.

torchrun, and whatever sets the same variables, starts PyTorch's; TensorFlow's are told of each other by TF_CONFIG. The
first alone writes and speaks.
"""

import json
import os
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from trizoo.ground.conventions import IGNORE
from trizoo.ground.errors import UserError

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
LET_SPEAK = 10  # seconds that the first process of a machine may take to start and to tell an error
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

    def end(self, failed=False):
        """Lets go of the others; nothing is told after it.

        Args:
            failed: whether it is for an error, which others may not have met
        """

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
    world = _of_torchrun() or _of_tf_config()
    if way is None or world.told_by in ("", way):
        return world
    of = {"torchrun": "were started by torchrun", "TF_CONFIG": "are told of by TF_CONFIG"}
    raise UserError(
        f"{world.size} processes {of[world.told_by]}, and {title} goes by {way}: docs/scale.md has the commands; "
        f"without either it trains in one process"
    )


def _of_torchrun():
    """See `started`; None where there are no others."""
    rank, size, local_size = (int_or_none(name) for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    given = {name: os.environ.get(name, "") for name in VARIABLES}
    if not given["WORLD_SIZE"] + given["RANK"] or (size == 1 and given["RANK"] in ("", "0")):
        return None
    fit = {
        "WORLD_SIZE": bool(size),
        "RANK": rank is not None and rank < (size or rank + 1),
        "LOCAL_WORLD_SIZE": local_size is not None and 1 <= local_size <= (size or local_size),
        "MASTER_PORT": is_port(given["MASTER_PORT"]),
    }
    lacking = [f"{name} isn't set" for name, value in given.items() if not value]
    wrong = lacking + [f"{name} is {given[name]}" for name, fits in fit.items() if not fits]
    if not wrong:
        return World(rank, size, local_size, int_or_none("LOCAL_RANK") or 0, "torchrun")
    told = "WORLD_SIZE" if given["WORLD_SIZE"] and not wrong[0].startswith("WORLD_SIZE") else "RANK"
    raise UserError(
        f"{told} is {given[told]} and {wrong[0]}; torchrun sets all that is needed, and without RANK and WORLD_SIZE "
        f"one process trains"
    )


def _of_tf_config():
    """See `started`. What it has of a cluster: https://www.tensorflow.org/guide/distributed_training#setting_up_the_tf_config_environment_variable"""
    text = os.environ.get("TF_CONFIG")
    if not text:
        return World()
    try:
        config = json.loads(text)
    except (RecursionError, ValueError):
        config = None
    if wrong := _wrong_with(config):
        raise UserError(
            f'TF_CONFIG {wrong}; {{"cluster": {{"worker": ["HOST1:12345", "HOST2:12345"]}}, "task": {{"type": '
            f'"worker", "index": 0}}}} would do, and it is {text}'
        )
    everyone = _addresses(config)
    if len(everyone) <= 1:
        return World()
    cluster, task = config["cluster"], config["task"]
    place = int(task["index"]) + (len(cluster.get("chief", [])) if task["type"] == "worker" else 0)
    hosts = [address.rpartition(":")[0] for address in everyone]
    local_size, local_rank = hosts.count(hosts[place]), hosts[:place].count(hosts[place])
    return World(place, len(everyone), local_size, local_rank, "TF_CONFIG")


def _wrong_with(config):
    """What is wrong with TF_CONFIG, as the end of a sentence; None where nothing is."""
    if not isinstance(config, dict):
        return "is no JSON object"
    cluster, task = config.get("cluster") or {}, config.get("task") or {}
    if not cluster:
        return "has a task, and no cluster" if task else None
    if not (isinstance(cluster, dict) and isinstance(task, dict)):
        return "has a cluster or a task that is no object"
    for job in cluster.keys() - {"chief", "worker"}:
        return f"has {job!r} in its cluster, and the zoo trains by workers, and a chief, alone"
    if not all(isinstance(listed, list) for listed in cluster.values()):
        return "has a cluster without lists of addresses"
    everyone = _addresses(config)
    for address in everyone:
        host, _, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
        if not host or not is_port(port):
            return f"names {address!r}, and HOST:PORT is needed"
        if everyone.count(address) > 1:
            return f"names {address} twice, and each process needs an address of its own"
    if len(cluster.get("chief", [])) > 1:
        return "names several chiefs, and one is first"
    kind, index = task.get("type"), task.get("index")
    if not isinstance(kind, str) or kind not in cluster:
        return f"has a task of type {kind!r}, and its cluster has {' and '.join(cluster)}"
    count = len(cluster[kind])
    if isinstance(index, bool) or not str(index).isdecimal() or not int(str(index)[:9]) < count:
        return f"has a task of index {index!r}, and its cluster {count} of type {kind}, counted from 0"
    return None


def _addresses(config):
    return [address for job in ("chief", "worker") for address in (config.get("cluster") or {}).get(job, [])]


def addresses():
    """ "HOST:PORT" of all processes by rank, where `started` takes what tells of them for sound.

    torchrun's variables have the first's alone; the others are "RANK 1" and so on.
    """
    world = started()
    if world.told_by == "TF_CONFIG":
        return _addresses(json.loads(os.environ["TF_CONFIG"]))
    first = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    return [first, *(f"RANK {rank}" for rank in range(1, world.size))]


def is_port(text):
    """Whether a text is the number of a port that can be called."""
    return text.isdecimal() and len(text) < 6 and 0 < int(text) < 1 << 16


def int_or_none(name):
    """A variable of the environment as a number from 0, None where it is none."""
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


def by_torchrun():
    """Whether torchrun, or what sets the same variables, started several processes, of which this is one."""
    return (int_or_none("WORLD_SIZE") or 1) > 1 and int_or_none("LOCAL_RANK") is not None


def is_first_here():
    """Whether this process tells of errors before it knows the others: of torchrun's the first of a machine."""
    return "TORCHELASTIC_RUN_ID" not in os.environ or int_or_none("LOCAL_RANK") in (None, 0)


def tells_error():
    """Whether this process tells an error that each meets by itself; another waits until the first has told it.

    torchrun ends all processes once one has ended: also the first, which may still be starting.
    """
    if is_first_here():
        return True
    usual = signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # torchrun's, where the first has ended
    try:
        time.sleep(LET_SPEAK)
    finally:
        signal.signal(signal.SIGTERM, usual)
    return False


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
