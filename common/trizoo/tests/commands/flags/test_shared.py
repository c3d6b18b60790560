import argparse
from dataclasses import replace
from pathlib import Path

import pytest

from trizoo import __version__
from trizoo.commands.flags import shared
from trizoo.commands.flags.shared import (
    add_common_flags,
    add_task_flags,
    add_weights_flags,
    bytes_argument,
    positive_int,
    size_argument,
)
from trizoo.tasks.detection_flags import share
from trizoo.tasks.flags import Flag, TaskFlags


@pytest.mark.parametrize(
    ("text", "size"), [("416", (416, 416)), ("608x416", (608, 416)), (" 608X416 ", (608, 416)), ("608×416", (608, 416))]
)
def test_a_size_is_width_by_height(text, size):
    assert size_argument(text) == size


def test_bytes_have_a_unit():
    assert [bytes_argument(text) for text in ("500MB", "2gb", "1 GB")] == [500_000_000, 2_000_000_000, 1_000_000_000]


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (bytes_argument, "1 TB", "'1 TB' is no size; a whole number of MB or GB is needed, such as 500MB"),
        (bytes_argument, "0MB", "'0MB' is no size"),
        (size_argument, "big", "'big' is no size; N or WIDTHxHEIGHT is needed"),
        (size_argument, "416x", "'416x' is no size"),
        (size_argument, "-416", "'-416' is no size"),
        (size_argument, "416x16385", "'416x16385' has a side of more than 16384 pixels"),
        (size_argument, "9" * 5000, "has a side of more than 16384 pixels"),
        (positive_int, "0", "'0' is not a whole number of at least 1"),
        (positive_int, "-1", "'-1' is not"),
        (positive_int, "2.5", "'2.5' is not"),
    ],
)
def test_a_bad_argument_is_refused_with_what_would_do(kind, text, message):
    with pytest.raises(argparse.ArgumentTypeError, match=message):
        kind(text)


def test_a_good_number_is_taken():
    assert positive_int("12") == 12


@pytest.mark.parametrize("text", ["", " "])
def test_a_path_that_is_blank_is_no_path(text, capsys):
    parser = shared.Parser(prog="trizoo")
    parser.add_argument("root", type=Path)
    assert parser.parse_args(["a b"]).root == Path("a b")
    with pytest.raises(SystemExit) as ended:
        parser.parse_args([text])
    assert ended.value.code == 2
    assert f"{text!r} is blank; a file or folder is needed, such as . for this folder" in capsys.readouterr().err


def test_the_common_flags(capsys):
    parser = argparse.ArgumentParser()
    add_common_flags(parser)
    assert parser.parse_args([]).device == "auto"
    with pytest.raises(SystemExit):
        parser.parse_args(["--version"])
    assert capsys.readouterr().out == f"trizoo {__version__}\n"


def test_weights_and_offline():
    parser = argparse.ArgumentParser()
    add_weights_flags(parser, "what to look at", required=True)
    args = parser.parse_args(["--weights", "a.b", "--offline"])
    assert (args.weights, args.offline) == ("a.b", True)


@pytest.fixture
def tasks(monkeypatch):
    """Two tasks, called cats' and dogs' models; --fur is for both."""
    fur = Flag("fur", "what it is like", metavar="X", parse=share)
    cats = TaskFlags("cats' models", predict=(fur, Flag("paw_prints", "where they went", writes=True)))
    dogs = TaskFlags("dogs' models", predict=(replace(fur), Flag("bark", "how", choices=("loud", "low"))))
    monkeypatch.setattr(shared, "FLAGS", {"cats": cats, "dogs": dogs})


def test_a_tasks_flags_become_the_commands(tasks):
    parser = argparse.ArgumentParser()
    add_task_flags(parser, "predict")
    unused = parser.parse_args([])
    assert (unused.fur, unused.paw_prints, unused.bark) == (None, False, None)
    used = parser.parse_args(["--fur", "0.5", "--paw-prints", "--bark", "low"])
    assert (used.fur, used.paw_prints, used.bark) == (0.5, True, "low")
    assert "--fur" not in argparse.ArgumentParser().format_help()


def test_a_flag_may_have_an_alias(monkeypatch):
    confidence = Flag("confidence", "how sure", metavar="X", parse=share, alias="least_score")
    monkeypatch.setattr(shared, "FLAGS", {"cats": TaskFlags("cats' models", predict=(confidence,))})
    parser = argparse.ArgumentParser()
    add_task_flags(parser, "predict")
    assert parser.parse_args(["--confidence", "0.25"]).confidence == 0.25
    assert parser.parse_args(["--least-score", "0.25"]).confidence == 0.25
    assert parser.parse_args([]).confidence is None


def test_help_says_whose_flags_they_are(tasks):
    parser = argparse.ArgumentParser()
    add_task_flags(parser, "predict")
    sections = parser.format_help().split("\n\n")[-3:]
    assert [section.splitlines()[0] for section in sections] == [
        "cats' models and dogs' models alone:",
        "cats' models alone:",
        "dogs' models alone:",
    ]
    assert ["--fur" in section for section in sections] == [True, False, False]


def test_a_bad_value_of_a_tasks_flag_is_refused_with_the_flags_name(tasks, capsys):
    parser = argparse.ArgumentParser()
    add_task_flags(parser, "predict")
    with pytest.raises(SystemExit):
        parser.parse_args(["--fur", "1.01"])
    assert "argument --fur: '1.01' is not a number from 0 to 1" in capsys.readouterr().err
