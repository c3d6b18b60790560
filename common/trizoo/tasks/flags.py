"""How a task states the flags that its models alone have.

What a flag is called and takes is data; `trizoo.commands` makes argparse's of it. These modules import nothing that
takes long, since command lines ask them before they load anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Flag:
    """A flag, a switch where neither `parse` nor `choices` is given. It is None, or False, where it isn't used.

    Args:
        name: as an attribute, so with underscores
        metavar: what stands for its value in help
        parse: text -> value; raises ValueError or UserError with a sentence
        writes: whether it makes predict write files
        folder: in which of DIR's folders, so that no other results lie there; None: in none of its own
        sets: value -> {key of the recipe: value}; of evaluate's and predict's flags with two parts, such as "data.root"
        alias: another name that means the same, so with underscores; None: there is none
        several: whether it takes one or more values, which become a list
    """

    name: str
    help: str
    metavar: str | None = None
    parse: Callable[[str], Any] | None = None
    choices: tuple[str, ...] | None = None
    writes: bool = False
    several: bool = False
    folder: str | None = None
    sets: Callable[[Any], dict[str, Any]] | None = None
    alias: str | None = None

    @property
    def option(self):
        """As it is typed: "--nms-method"."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def options(self):
        """All that may be typed for it: its option, and its alias's."""
        names = (self.name,) if self.alias is None else (self.name, self.alias)
        return tuple(f"--{name.replace('_', '-')}" for name in names)

    @property
    def is_switch(self):
        """Whether it takes no value."""
        return self.parse is None and self.choices is None


@dataclass(frozen=True)
class TaskFlags:
    """The flags of train, evaluate and predict that are for a task's models alone.

    Args:
        models: what these are called
        asked: parameters of a request to `trizoo serve` (`trizoo.serve.wish`); None: these models aren't served
        data: the task whose data sets they learn from; None: those of their own
        own_classes: whether each split may have classes of its own
    """

    models: str
    data: str | None = None
    asked: tuple[str, ...] | None = None
    own_classes: bool = False
    train: tuple[Flag, ...] = ()
    evaluate: tuple[Flag, ...] = ()
    predict: tuple[Flag, ...] = ()

    def of(self, command):
        """The flags of "train", "evaluate" or "predict"."""
        return {"train": self.train, "evaluate": self.evaluate, "predict": self.predict}[command]
