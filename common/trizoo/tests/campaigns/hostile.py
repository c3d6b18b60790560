"""Files that are made to run something, or to read or write what isn't theirs: nothing of them does.

    tox -e hostile
    python common/trizoo/tests/campaigns/hostile.py

Beside each file lies a canary, which is never opened; an audit hook sees all that is opened, run, imported by a pickle
and connected to, in a process of 1 GiB. A file is refused by a UserError, or read without what it asks for.
"""

import json
import os
import resource
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from trizoo.tests.campaigns.hostile_files import KINDS
from trizoo.tests.campaigns.running import Findings, Process, arguments, table

MEMORY = 1 << 30
LONGEST = 300  # seconds for all of them
# events of sys.addaudithook (Python's "Audit events table") that no reader has a reason for
FORBIDDEN = (
    *("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "subprocess.Popen", "pty.spawn"),
    *("pickle.find_class", "socket.connect", "socket.getaddrinfo", "socket.bind", "ctypes.dlopen", "os.chmod"),
    *("webbrowser.open", "urllib.Request", "os.link"),
)


TOUCHING = ("open", "os.listdir", "os.scandir", "os.remove", "os.rename", "shutil.copyfile")


def watch(canary, seen):
    """From now on, and for good: what is forbidden in this process, and each sight of the canary, goes into `seen`."""

    def hook(event, given):
        if event in FORBIDDEN:
            seen.append(f"{event} {str(given)[:100]}")
        elif event in TOUCHING and any(_is_named(part, canary) for part in given):
            seen.append(f"{event} of the canary")

    sys.addaudithook(hook)


def _is_named(part, name):
    return isinstance(part, str | os.PathLike) and Path(part).name.startswith(name)


def attempts(place, kinds):
    """Reads every file; place/result.json says of each {kind, name, outcome, seen}."""
    from trizoo.ground.errors import UserError

    results, seen = [], []
    canary = place / "canary.txt"
    for kind in kinds:  # what reading loads is loaded before it is watched
        KINDS[kind].warm(place / "warm")
    watch(canary.stem, seen)
    resource.setrlimit(resource.RLIMIT_AS, (_size() + MEMORY, -1))
    for kind in kinds:
        for number, (name, make) in enumerate(KINDS[kind].cases(canary)):
            folder = place / f"{kind}-{number}" / "inner"
            folder.mkdir(parents=True)
            make(folder)
            canary.write_text("untouched")
            before = sorted(path.name for path in place.iterdir())
            seen.clear()
            try:
                KINDS[kind].read(folder)
                outcome = "read"
            except UserError as error:
                outcome = "refused" if "untouched" not in str(error) else f"tells the canary: {error}"
            except BaseException as error:
                outcome = f"{type(error).__name__} {error}"
            touched = [path for path in (canary.with_suffix(".ran"), folder.parent / "escaped") if path.exists()]
            wrong = [*seen, *(f"{path.name} is there" for path in touched)]
            if sorted(path.name for path in place.iterdir()) != before:
                wrong.append("something new lies outside of its folder")
            results.append([kind, name, outcome, wrong])
            shutil.rmtree(folder.parent)
    (place / "result.json").write_text(json.dumps(results))


def _size():
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def main(given=None):
    """The command."""
    args = arguments(__doc__).parse_args(given)
    findings, counts = Findings(args.keep), {kind: Counter() for kind in KINDS}
    with tempfile.TemporaryDirectory(prefix="trizoo-hostile-") as temporary:
        place = Path(temporary, "place")
        place.mkdir()
        process = Process(lambda: attempts(place, KINDS), Path(temporary, "out.txt"))
        if process.wait(LONGEST) != 0:
            findings.add("process", f"ended with {process.code}: {process.text()[-500:]}")
        else:
            for kind, name, outcome, wrong in json.loads((place / "result.json").read_text()):
                counts[kind]["files"] += 1
                counts[kind][outcome if outcome in ("read", "refused") else "wrong"] += 1
                if wrong or outcome not in ("read", "refused"):
                    findings.add(f"{kind} {name}", f"{outcome}; {', '.join(wrong)}")
    rows = [(kind, count["files"], count["refused"], count["read"]) for kind, count in counts.items()]
    totals = [sum(column) for column in zip(*(row[1:] for row in rows), strict=True)]
    table(("kind", "files", "refused", "read without it"), *rows, ("all", *totals))
    return findings.end()


if __name__ == "__main__":
    sys.exit(main())
