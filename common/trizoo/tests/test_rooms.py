"""The laws of the rooms: imports lead down from floor to floor, never up and never in a circle."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1]
# from the ground up; a room imports rooms of lower floors only. A name with a dot is a room within a room
FLOORS = (
    ("ground",),
    ("download", "pictures", "augment"),
    ("data", "metrics", "families"),
    ("tasks",),
    ("recipes", "show"),
    ("weights",),
    ("training", "gallery"),
    ("framework",),
    ("deploy", "diagnosis"),
    ("api", "parity"),
    ("serve", "recognition"),
    ("commands",),
    ("anchors", "__main__"),  # the three lines of `python -m trizoo.anchors` and of `python -m trizoo`
)
# within a room that has rooms of its own
FAMILIES = (("base",), ("anchored",), ("yolo", "ssd", "retinanet", "segmentation", "classification"))
DATA = (
    ("images", "reading", "shapes"),
    ("voc_files", "yolo_files", "shard_files"),
    ("boxes", "masks", "classes"),
    ("purpose",),
    ("check", "synthetic", "write"),
    ("convert",),
    ("split_lists",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def sources():
    """(module as a tuple of names, path) of the package without its tests."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] not in ("tests", "__init__"):
            yield tuple(part for part in parts if part != "__init__"), path


def imported(path):
    """(line, module below trizoo as a tuple of names) of all that a file imports of the package, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "trizoo":
            below = tuple(node.module.split(".")[1:])
            for alias in node.names:
                yield node.lineno, (*below, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "trizoo":
                    yield node.lineno, tuple(alias.name.split(".")[1:])


def test_every_room_has_a_floor():
    assert {module[0] for module, _ in sources()} == set(FLOOR)


def test_no_import_leads_up():
    up = []
    for module, path in sources():
        for line, target in imported(path):
            room, other = module[0], target[0] if target else None
            if module[-1] == "__main__" or other not in FLOOR or other == room:
                continue
            if FLOOR[other] >= FLOOR[room]:
                up.append(f"{'/'.join(module)}.py:{line} ({room}) imports {'.'.join(target)}")
    assert up == []


@pytest.mark.parametrize(("house", "floors"), [("families", FAMILIES), ("data", DATA)], ids=["families", "data"])
def test_no_import_leads_up_within_a_room(house, floors):
    floor = {room: number for number, rooms in enumerate(floors) for room in rooms}
    up = []
    for module, path in sources():
        if module[0] != house or len(module) < 2 or module[1] not in floor:
            continue
        for line, target in imported(path):
            if target[:1] != (house,) or len(target) < 2 or target[1] not in floor or target[1] == module[1]:
                continue
            if floor[target[1]] >= floor[module[1]]:
                up.append(f"{'/'.join(module)}.py:{line} imports {'.'.join(target)}")
    assert up == []


def test_nothing_that_runs_for_a_user_imports_a_reference():
    found = [
        f"{'/'.join(module)}.py:{line}"
        for module, path in sources()
        for line, target in imported(path)
        if "reference" in target and module[-1] != "reference"
    ]
    assert found == []


def test_command_lines_are_read_in_their_room_alone():
    found = [
        f"{'/'.join(module)}.py"
        for module, path in sources()
        if module[0] != "commands" and "import argparse" in path.read_text(encoding="utf-8")
    ]
    assert found == []
