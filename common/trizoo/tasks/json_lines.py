"""Results as JSON: a line as each of them comes, and one list of all at the end."""

import json
from pathlib import Path

from trizoo.ground.errors import UserError
from trizoo.ground.files import replacing


class ResultFile:
    """Writes results, dicts, to NAME.jsonl as they come, and at the end a list of them all to NAME.json.

    A line is written in one piece, so that whole lines stay whatever ends the process; the list is there when it is
    whole. An earlier list of that name goes at the beginning, since it isn't about these lines. To be used in a `with`
    statement.

    Args:
        folder: is made where it is missing
        name: of both files, without a suffix
    """

    def __init__(self, folder, name):
        self.lines, self.list = Path(folder, f"{name}.jsonl"), Path(folder, f"{name}.json")
        self.lines.parent.mkdir(parents=True, exist_ok=True)
        self.list.unlink(missing_ok=True)
        self._file = self.lines.open("wb", buffering=0)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._file.close()

    def add(self, *results):
        """Writes a line each. Raises UserError where there is no room for them; the lines before them stay whole."""
        lines = "".join(f"{json.dumps(result, ensure_ascii=False, allow_nan=False)}\n" for result in results)
        # A file name that isn't UTF-8 holds half characters; backslashreplace makes of them JSON's own escapes.
        data = lines.encode(errors="backslashreplace")
        start = self._file.tell()
        if self._file.write(data) != len(data):
            self._file.truncate(start)
            raise UserError(f"{self.lines} can't be written any further; make room on its disk")

    def finish(self):
        """Writes the list."""
        with replacing(self.list) as temporary, self.lines.open("rb") as lines, temporary.open("wb") as file:
            file.write(b"[")
            for number, line in enumerate(lines):
                file.write((b",\n" if number else b"\n") + line.rstrip(b"\n"))
            file.write(b"\n]\n")
