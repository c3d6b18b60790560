"""Trainings that accuracy.py has finished, in the file of its --kept."""

import json
import math
import sys

from trizoo.ground.errors import UserError

START = b'{"training": '  # of a line


class Kept:
    """Trainings whose metrics and seconds stand in a file, a JSON object a line, so that a cut table goes on.

    Args:
        path: of the file, None for none
        names: of the table's metrics

    Raises:
        UserError: for a file that holds anything else, or that can't be written
    """

    def __init__(self, path, names):
        self.path, self._names, self._found = path, names, {}
        if path is None:
            return
        if path.exists() and not path.is_file():
            raise UserError(f"--kept is {path}, which is no file; a file for finished trainings is needed")
        try:
            with path.open("ab+") as file:
                file.seek(0)
                data = file.read()
                whole = data.rfind(b"\n") + 1
                for number, line in enumerate(data[:whole].splitlines(), 1):
                    self._take(line, number)
                if data[whole:]:
                    self._end(file, data[whole:], whole, data.count(b"\n") + 1)
        except OSError as error:
            raise UserError(f"--kept is {path}, which can't be written: {error.strerror or error}") from error

    def _take(self, line, number):
        if not line.strip():
            return
        try:
            record = json.loads(line)
            values = {name: _number(record["metrics"][name]) for name in self._names}
            self._found[record["training"]] = values, _number(record["seconds"])
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise UserError(
                f"{self.path} line {number} is no result of a table with {', '.join(self._names)}; a file that "
                f"such a table wrote, or a new one, is needed"
            ) from error

    def _end(self, file, line, place, number):
        """The last line, which has no end: one that was cut while it was written goes."""
        try:
            self._take(line, number)
            file.write(b"\n")
        except UserError:
            if not line.startswith(START):
                raise
            file.truncate(place)
            print(f"{self.path} line {number} was cut; its training is made again", file=sys.stderr)

    def get(self, training):
        """(metrics, seconds) of a training, None of one that isn't there."""
        return self._found.get(training)

    def add(self, training, metrics, seconds):
        """Writes a training's line."""
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"training": training, "metrics": metrics, "seconds": seconds}) + "\n")


def _number(value):
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"{value} is no number")
    return float(value)
