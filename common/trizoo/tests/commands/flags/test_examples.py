"""The examples that help ends with."""

import shlex

import pytest

from trizoo.commands.flags.examples import EXAMPLES
from trizoo.commands.main import COMMANDS, parser


def parsers():
    """{command, or command and action: its parser}, of all that can be typed."""
    found = {}
    for name in COMMANDS:
        whole = parser(name, prog=f"trizoo {name}")
        found |= {f"{name} {action}": below for action, below in whole.actions.items()} or {name: whole}
    return found


def test_every_command_has_an_example_and_no_other_has():
    assert parsers().keys() == EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_in_the_help_and_is_understood(name):
    known = parsers()[name]
    for example in EXAMPLES[name]:
        assert f"\n  trizoo {name} {example}".rstrip() in known.format_help()
        known.parse_args(shlex.split(example))
