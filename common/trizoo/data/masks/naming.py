"""Values of masks go by the names that a data set's own class file gives them, whatever order a run's classes have."""

from dataclasses import dataclass
from pathlib import Path

from trizoo.data.masks.pair import BACKGROUND
from trizoo.ground.conventions import IGNORE
from trizoo.ground.text import first_few, hint


@dataclass(frozen=True)
class Naming:
    """A data set's names beside the classes of a run that aren't the same, or stand in another order.

    Args:
        source: the file with the names
        names: by value in the masks
        classes: by class id
    """

    source: Path
    names: tuple[str, ...]
    classes: tuple[str, ...]

    def labels(self):
        """The class id of each value: a list, -1 for a name that is no class.

        The background is ignored where there is no class of that name.
        """
        others = {BACKGROUND: IGNORE}
        ids = {**others, **{name: label for label, name in enumerate(self.classes)}}
        return [ids.get(name, -1) for name in self.names]

    def stranger(self, value):
        """The end of a sentence about a value whose name is no class."""
        name = self.names[value]
        return (
            f"which {self.source} calls {name!r}, and that isn't among the classes "
            f"{first_few(self.classes)}{hint(name, self.classes)}; --mask-map {value}={IGNORE} would ignore it"
        )

    def note(self):
        """A sentence for a log: that values go by names, and what is ignored."""
        ignored = BACKGROUND in self.names and BACKGROUND not in self.classes
        return (
            f"the classes of the masks go by the names in {self.source}, which are others, or in another order"
            f"{', and the background, which is no class, is ignored' if ignored else ''}"
        )
