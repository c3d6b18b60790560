"""JSON files of annotations, from strangers."""

import json
from pathlib import Path

from trizoo.errors import UserError


def read_json(path, kind):
    """The mapping in a JSON file. kind: what it should be, for errors. Raises UserError for anything else."""
    path = Path(path)
    try:
        content = json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text ({error}); save it as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no JSON ({error}); write it again") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} holds {type(content).__name__} instead of a mapping, so it is no {kind}")
    return content
