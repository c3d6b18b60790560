"""trizoo.lock: the hashes of files for which nobody published one, as the first download found them."""

import json
import re
from pathlib import Path

from trizoo.download.storage import locked
from trizoo.ground.errors import UserError
from trizoo.ground.files import write_atomically

NAME = "trizoo.lock"
FORMAT = 1


class FirstUse:
    """A lock file. What it has seen once must stay the same; removing a line, or the file, forgets it."""

    def __init__(self, path):
        self.path = Path(path)

    def recorded(self, key):
        """The sha256 recorded for a file's key, or None."""
        return self._read().get(key, {}).get("sha256")

    def record(self, key, *, sha256, size, url):
        """Note what the first download of `key` gave.

        Args:
            size: bytes
            url: where it came from

        Raises:
            UserError: where something else is noted already
        """
        with locked(self.path, lambda _: None):
            files = self._read()
            if files.get(key, {}).get("sha256", sha256) != sha256:  # another process was first, with another file
                raise UserError(f"{url} has sha256 {sha256}, {self.path} has another for {key}; ask again")
            files[key] = {"sha256": sha256, "bytes": size, "url": url}
            text = json.dumps({"format": FORMAT, "files": files}, indent=2, sort_keys=True, ensure_ascii=False)
            write_atomically(self.path, text + "\n")

    def _read(self):
        """key -> record. UserError for a damaged file: a download without it would trust anything."""
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            files = content["files"]
            if content["format"] != FORMAT or not all(
                re.fullmatch("[0-9a-f]{64}", record["sha256"]) for record in files.values()
            ):
                raise ValueError("an unknown format")
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise UserError(f"{self.path} can't be read: {error.strerror or error}") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UserError(
                f"{self.path} is damaged, so it can't say which files were seen before; fix it or remove it"
            ) from error
        return files
