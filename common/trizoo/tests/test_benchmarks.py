"""Scripts of benchmarks/ that make or refuse something before they measure."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trizoo import __version__

FOLDER = Path(__file__).parents[3] / "benchmarks"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="needs the repository")


def ran(script, *arguments):
    """(exit code, output, errors) of a script."""
    command = [sys.executable, str(FOLDER / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


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


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--recipes", "yolov3-tiny", "deeplabv3plus-mobilenetv2"), "sides of one table need the same metrics, and yo"),
        (("--recipes", "nosuch"), "error: there is no recipe nosuch.yaml"),
        (("--peer-model", "retinanet_resnet18_fpn"), "--peer-model needs --peer"),
        (("--rows", "ema.decay=0", "loss.aligned=4 loss.alinged=4"), "unknown key 'loss.alinged'"),
        (("--recipes", "yolov3-tiny", "yolov3-tiny"), "yolov3-tiny, pytorch is there twice; each recipe, and each of "),
        (("--rows", "ema.decay='0"), "--rows has ema.decay='0, which can't be read (No closing quotation)"),
        (("--kept", "no/such/folder/kept.jsonl"), "--kept is no/such/folder/kept.jsonl, whose folder isn't there"),
        (("--core", "4096"), "--core is 4096; one of "),
    ],
)
def test_what_makes_no_table_is_refused_before_anything_is_trained(arguments, sentence):
    code, _, errors = ran("accuracy.py", "--data", "set", *arguments)
    assert code == 2
    assert sentence in errors


def test_what_a_training_refuses_is_one_sentence_here_too(tmp_path):
    code, _, errors = ran("accuracy.py", "--data", tmp_path / "nothing", "--seeds", 0)
    assert (code, errors.count("\n")) == (2, 1)
    assert errors == f"error: data set {tmp_path / 'nothing'} does not exist\n"


def test_trainings_that_are_kept_are_not_made_again(tmp_path):
    lines = [
        {
            "training": f"trizoo {__version__}, yolov3-tiny, pytorch, seed {seed}, 40 epochs, 320, 16, , set",
            "metrics": metrics,
            "seconds": 100,
        }
        for seed, metrics in enumerate([{"mAP50": 0.5, "mAP": 0.25}, {"mAP50": 0.7, "mAP": 0.35}])
    ]
    kept = tmp_path / "kept.jsonl"
    kept.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    code, output, _ = ran("accuracy.py", "--data", "set", "--seeds", 0, 1, "--kept", kept)
    assert (code, output.splitlines()[-1]) == (0, "| yolov3-tiny, pytorch | 0.600 ± 0.100 | 0.300 ± 0.050 | 100 | 2 |")
    for other in (b"[]\n", b"\xff\xd8\xff", b'{"training": "a", "metrics": {"mAP50": 0.5}, "seconds": 3}\n'):
        kept.write_bytes(other)
        code, _, errors = ran("accuracy.py", "--data", "set", "--kept", kept)
        assert code == 2
        assert errors.startswith(f"error: line 1 of {kept} is none that --kept wrote for such a table; another file")
