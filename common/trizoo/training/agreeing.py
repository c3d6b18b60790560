"""Processes that train one model are held to one recipe, one data set and one beginning, before the first step."""

import json
import zlib

import numpy as np

from trizoo import __version__
from trizoo.ground.errors import UserError
from trizoo.ground.text import counted, plain
from trizoo.recipes.load import leaves, to_dict
from trizoo.training.distill import checksum

PLACES = ("data.root", "data.images", "data.annotations", "distill.teacher")  # each machine may have them elsewhere
SHOWN = 100  # characters of a value


def check_agree(world, of, *given):
    """UserError in every process where one of them has other values than the first has; each waits for all.

    Args:
        world: of the processes
        of: gives {what it is: value as JSON has them} of this process, by what is given; isn't called in one alone
    """
    if world.size == 1:
        return
    text = json.dumps(plain(of(*given)))  # in ASCII, since names of files and classes may be no UTF-8
    own, first = json.loads(text), json.loads(world.of_first(text))
    unlike = next((name for name in [*first, *own] if own.get(name) != first.get(name)), None)
    reason = ""
    if unlike is not None:
        reason = f"{unlike} is {_shown(own.get(unlike))} in process {world.rank}, and {_shown(first.get(unlike))}"
    told = world.gather({"reason": np.frombuffer(reason.encode(errors="backslashreplace"), np.uint8)})
    reasons = [arrays["reason"].tobytes().decode() for arrays in told]
    reason = world.of_first(next(filter(None, reasons), ""))
    if reason:
        raise UserError(f"{reason} in process 0; all need the same command line, versions and files")


def of_settings(framework, recipe, given):
    """What processes have to agree on before data are read.

    Args:
        given: {what is in no recipe: whether it was given}
    """
    flags = {name: "given" if was else "not given" for name, was in given.items()}
    return {"trizoo": __version__, "the framework": framework.versions(), **flags, **_of_recipe(recipe)}


def of_sources(recipe, sources):
    """What processes have to agree on of `trizoo.training.data.Sources`, and of the recipe that has its classes."""
    records = [sources.training.records[member] for member in sources.members]
    used = {"training": records, "validation": sources.validation.records, "test": sources.test.records}
    return {**{f"the {name} set": _told(found) for name, found in used.items()}, "classes": list(recipe.classes)}


def of_arrays(framework, model, checkpoint, teacher):
    """What processes have to agree on of a model that is about to be trained.

    Args:
        checkpoint: of the run that is resumed, None of a new one
        teacher: the run's `trizoo.training.distill.Teacher`, None without one
    """
    begun = {"the step to go on after": checkpoint.step if checkpoint else 0}
    begun["the checksum of the weights"] = checksum(framework.arrays(model))
    return begun | ({"the checksum of the teacher": teacher.crc32} if teacher else {})


def _of_recipe(recipe):
    values = {".".join(map(str, path)): value for path, value in leaves(to_dict(recipe))}
    return {key: value for key, value in values.items() if key not in PLACES}


def _told(records):
    """How many images there are, and a checksum of their names, sizes and labels."""
    crc32 = 0
    for record in records:
        crc32 = zlib.crc32(f"{record.id} {tuple(record.size)} {record.label}".encode(errors="backslashreplace"), crc32)
        for array in (record.boxes, record.labels, record.difficult, record.crowd):
            crc32 = zlib.crc32(array.tobytes(), crc32)
    return f"{counted(len(records), 'image')} of checksum {crc32:08x}"


def _shown(value):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
