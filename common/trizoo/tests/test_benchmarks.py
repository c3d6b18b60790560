"""Scripts of benchmarks/ that make or refuse something before they measure."""

import ast
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trizoo.commands.cli import run_command

FOLDER = Path(__file__).parents[3] / "benchmarks"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="needs the repository")


def ran(script, *arguments):
    """(exit code, output, errors) of a script."""
    command = [sys.executable, str(FOLDER / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def of_trizoo(path):
    """(module, name) of all that a script takes from trizoo, in its functions too."""
    nodes = ast.walk(ast.parse(path.read_text()))
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "trizoo"]
    return [(node.module, alias.name) for node in imports for alias in node.names]


@pytest.mark.parametrize("script", sorted(path.name for path in FOLDER.glob("*.py")))
def test_what_a_script_imports_of_trizoo_is_there(script):
    for module, name in of_trizoo(FOLDER / script):
        inside = importlib.import_module(module)
        assert hasattr(inside, name) or importlib.util.find_spec(f"{module}.{name}"), f"{module} has no {name}"


@pytest.fixture
def masks(tmp_path):
    """A folder of 30 masks of 64x64 with a cell of 20x20 in the upper left quarter."""
    mask = np.zeros((64, 64), np.uint8)
    mask[5:25, 5:25] = 255
    (tmp_path / "masks").mkdir()
    for number in range(30):
        Image.fromarray(mask).save(tmp_path / "masks" / f"{number}.png")
    return tmp_path / "masks"


def test_tiles_without_a_cell_have_an_empty_file(masks, tmp_path):
    code, output, _ = ran("cells.py", masks, masks, tmp_path / "cells", "--tile", 32)
    assert (code, output) == (0, "train 20 boxes, val 5 boxes, test 5 boxes\n")
    written = sorted((tmp_path / "cells" / "labels" / "train").glob("0-*.txt"))
    assert [len(path.read_text().split()) for path in written] == [5, 0, 0, 0]


def test_masks_that_do_not_fit_are_refused_before_anything_is_written(masks, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for path in masks.iterdir():
        Image.new("L", (64, 60 if path.name == "29.png" else 64)).save(images / path.name)
    code, _, errors = ran("cells.py", images, masks, tmp_path / "cells")
    assert (code, errors) == (2, "error: 29.png and its mask are 64x60 and 64x64 pixels large; equal ones are needed\n")
    assert not (tmp_path / "cells").exists()


@pytest.fixture
def accuracy(monkeypatch):
    """accuracy.py as a module."""
    monkeypatch.syspath_prepend(FOLDER)
    about = importlib.util.spec_from_file_location("accuracy", FOLDER / "accuracy.py")
    module = importlib.util.module_from_spec(about)
    about.loader.exec_module(module)
    return module


@pytest.fixture
def table(accuracy, tmp_path, monkeypatch, capsys):
    """Runs accuracy.py on tmp_path with trainings that are none: table(flag, ...) -> (exit code, output, trained)."""
    trained = []

    def of_zoo(args, recipe, seed, folder, changes=()):
        trained.append((recipe, seed, list(changes)))
        test = {"mAP50": 0.5 + 0.2 * seed, "mAP": 0.25 + 0.1 * seed, "images": 72}
        return accuracy.both({"mAP50": 0.75, "mAP": 0.375, "loss": 1}, test), 100.0

    monkeypatch.setattr(accuracy, "of_zoo", of_zoo)

    def run(*flags):
        monkeypatch.setattr(sys, "argv", ["accuracy.py", "--data", str(tmp_path), *map(str, flags)])
        trained.clear()
        with pytest.raises(SystemExit) as ended:
            run_command(accuracy.main)
        said = capsys.readouterr()
        return ended.value.code or 0, said.out + said.err, list(trained)

    return run


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--recipes", "yolov3-tiny", "deeplabv3plus-mobilenetv2"), "sides of one table need the same metrics, and yo"),
        (("--recipes", "nosuch"), "error: there is no recipe nosuch.yaml"),
        (("--peer-model", "retinanet_resnet18_fpn"), "--peer-model needs --peer"),
        (("--rows", "ema.decay=0", "loss.aligned=4 loss.alinged=4"), "unknown key 'loss.alinged'"),
        (("--recipes", "yolov3-tiny", "yolov3-tiny"), "yolov3-tiny, pytorch is the same as yolov3-tiny, pytorch; each"),
        (
            ("--rows", "ema.decay=0", "ema.decay=0.0 "),
            "`ema.decay=0.0` is the same as yolov3-tiny, pytorch, `ema.decay=0",
        ),
        (("--rows", " "), "--rows has an empty row, which is the recipe's own"),
        (("--rows", "seed=3"), "--rows has seed=3, and seed is the same in all rows; --seeds sets it"),
        (("--rows", "data.root=x"), "--rows has data.root=x, and data.root is the same in all rows; --set sets it"),
        (("--rows", "optimizer={name: adam}"), "a value with spaces goes in quotes, key='{a: 1, b: 2}'"),
        (("--seeds", "0", "0"), "--seeds is 0 0; each is needed once"),
        (("--data", "set"), "error: data set set does not exist"),
        (("--rows", "ema.decay='0"), "--rows has ema.decay='0, which can't be read (No closing quotation)"),
        (("--kept", "no/such/folder/kept.jsonl"), "--kept is no/such/folder/kept.jsonl, and there is no folder no/"),
        (("--core", "4096"), "--core is 4096; one of "),
    ],
)
def test_what_makes_no_table_is_refused_before_anything_is_trained(table, arguments, sentence):
    code, told, trained = table(*arguments)
    assert (code, trained) == (2, [])
    assert sentence in told


def test_what_a_training_refuses_is_one_sentence_here_too(tmp_path):
    code, _, errors = ran("accuracy.py", "--data", tmp_path, "--seeds", 0)
    assert (code, errors.count("\n")) == (2, 1)
    assert errors.startswith("error: ")


def test_trainings_that_are_kept_are_not_made_again(table, tmp_path):
    flags = ("--seeds", 0, 1, "--kept", tmp_path / "kept.jsonl")
    code, told, trained = table(*flags)
    assert (code, trained) == (0, [("yolov3-tiny", 0, []), ("yolov3-tiny", 1, [])])
    assert "|  | val mAP50 | val mAP | test mAP50 | test mAP | CPU seconds | seeds |" in told
    row = "| yolov3-tiny, pytorch | 0.750 ± 0.000 | 0.375 ± 0.000 | 0.600 ± 0.100 | 0.300 ± 0.050 | 100 | 2 |"
    assert row in told
    assert table(*flags)[2] == []
    for changed in (("--set", "ema.decay=0"), ("--epochs", 3), ("--data", tmp_path / "..")):
        assert len(table(*flags, *changed)[2]) == 2


def test_a_changed_recipe_of_the_same_name_is_trained_anew(table, tmp_path):
    recipe = tmp_path / "mine.yaml"
    flags = ("--recipes", recipe, "--seeds", 0, "--kept", tmp_path / "kept.jsonl")
    recipe.write_text("_base_: yolov3-tiny\nschedule: {lr: 0.001}\n")
    assert [len(table(*flags)[2]) for _ in range(2)] == [1, 0]
    recipe.write_text("_base_: yolov3-tiny\nschedule: {lr: 0.002}\n")
    assert len(table(*flags)[2]) == 1


def test_a_kept_line_that_was_cut_is_made_again_and_one_without_its_end_stays(table, tmp_path):
    kept = tmp_path / "kept.jsonl"
    flags = ("--seeds", 0, 1, "--kept", kept)
    table(*flags)
    lines = kept.read_text().splitlines()
    for text, missing in ((f"{lines[0]}\n\n{lines[1]}", 0), (f"{lines[0]}\n{lines[1][:40]}", 1)):
        kept.write_text(text)
        assert len(table(*flags)[2]) == missing
        assert [line for line in kept.read_text().splitlines() if line] == lines


def kept_line(value):
    metrics = b'"val mAP50": 0.5, "val mAP": 0.5, "test mAP50": 0.5, "test mAP": ' + value
    return b'{"training": "a", "metrics": {' + metrics + b'}, "seconds": 3}\n'


@pytest.mark.parametrize(
    "content",
    [
        b"[]\n",
        b"\xff\xd8\xff",
        b'{"training": "a", "metrics": {"val mAP50": 0.5}, "seconds": 3}\n',
        kept_line(b"true"),
        kept_line(b"NaN"),
        kept_line(b"1" + b"0" * 400),
        b"[" * 100_000 + b"\n",
    ],
)
def test_a_kept_file_of_something_else_is_refused_and_stays_as_it_is(table, tmp_path, content):
    kept = tmp_path / "kept.jsonl"
    kept.write_bytes(content)
    code, told, trained = table("--kept", kept)
    assert (code, trained, kept.read_bytes()) == (2, [], content)
    assert f"{kept} line 1 is no result of a table with val mAP50, val mAP, test mAP50, test mAP; a file that " in told


def test_rows_of_several_flags_add_up(table):
    rows = [changes for _, _, changes in table("--seeds", 0, "--rows", "ema.decay=0", "--rows", "augment=[]")[2]]
    assert rows == [[], ["ema.decay=0"], ["augment=[]"]]


def test_the_metrics_of_a_run_are_those_of_its_best_epoch_on_both_splits(accuracy, tmp_path):
    (tmp_path / "metrics.json").write_text('{"mAP50": 0.5, "mAP": 0.25, "epoch": 2, "split": "test"}')
    records = ({"kind": "step", "step": 1, "epoch": 2, "loss": 3}, {"kind": "epoch", "epoch": 1, "mAP": 0.125})
    best = {"kind": "epoch", "epoch": 2, "mAP50": 0.75, "mAP": 0.375}
    lines = map(json.dumps, (*records, best, {"kind": "epoch", "epoch": 3, "mAP": 0.25}))
    (tmp_path / "log.jsonl").write_text("\n".join(lines) + "\n")
    found = accuracy.of_run(tmp_path)
    wanted = {"val mAP50": 0.75, "val mAP": 0.375, "test mAP50": 0.5, "test mAP": 0.25}
    assert {name: found[name] for name in wanted} == wanted
