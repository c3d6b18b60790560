"""What a machine does to commands: full and read-only disks, vanishing files, lying servers, two processes at once.

    tox -e faults                                                  # 20 rounds, each with other moments and sizes
    python common/trizoo/tests/campaigns/faults.py --rounds 3

Each command ends well, or with exit code 2 and one sentence, and the next one goes on to what it would have come to.
Training is that of a framework of NumPy; `kill.py` has the real ones.
"""

import hashlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, redirect_stdout, suppress
from io import StringIO
from pathlib import Path

from trizoo.tests.campaigns.fault_rounds import LONGEST, TRAIN, Place, ended_well, limited, train_fake
from trizoo.tests.campaigns.running import Findings, arguments, table
from trizoo.tests.campaigns.servers import LIES
from trizoo.tests.web import answering


def full_disk(place):
    """No file may have more than so many bytes: a checkpoint, the log, a picture or metrics is cut short."""
    largest = max(path.stat().st_size for path in place.reference.rglob("*") if path.is_file())
    most = int(largest * place.rng.random() ** 3)

    given = ("--data", str(place.data), "--out", str(place.run), *TRAIN)
    return ended_well(place.start(lambda: limited(lambda: train_fake(given), most))) or place.goes_on()


def read_only(place):
    """/proc takes no file of anybody's."""
    from trizoo.commands.main import main as command

    where, picture = "/proc/trizoo-out", next(place.data.rglob("*.jpg"))
    lines = (
        ("synth", where, "--images", "2"),
        ("data", "convert", str(place.data), where, "--to", "coco"),
        ("data", "show", str(place.data), "--out", where),
        ("predict", str(picture), "--weights", str(place.reference / "best.h5"), "--out", where),
        ("weights", "export", str(place.reference / "best.h5"), "--out", f"{where}/a.safetensors"),
    )
    words = place.rng.choice(lines)

    def act():
        from trizoo.commands.cli import run_command

        run_command(lambda: command(list(words)))

    one = place.start(act)
    return ended_well(one, (2,)) or ended_well(place.train("--data", str(place.data), "--out", where, *TRAIN), (2,))


def full_disk_of_others(place):
    """The same where a picture, an export or a data set is written: what stands there is whole, or isn't there."""
    from trizoo.commands.cli import run_command
    from trizoo.commands.main import main as command

    out, best, picture = place.at / "to", str(place.reference / "best.h5"), next(place.data.rglob("*.jpg"))
    lines = (
        ("weights", "export", best, "--out", f"{out}/a.safetensors"),
        ("data", "convert", str(place.data), str(out), "--to", "coco"),
        ("data", "show", str(place.data), "--out", str(out)),
        ("data", "crop", str(place.data), str(out)),
        ("synth", str(out), "--images", "3", "--size", "64"),
    )
    words = list(place.rng.choice(lines))
    most = int(picture.stat().st_size * 40 * place.rng.random() ** 3)

    def act():
        run_command(lambda: command(words))

    wrong = ended_well(place.start(lambda: limited(act, most)))
    cut = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    shutil.rmtree(out, ignore_errors=True)
    wrong = wrong or ended_well(place.start(act), (0,))
    whole = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    grows = "index.html"  # a page, which is whole at each of its stages
    others = [str(path) for path, data in cut.items() if path.name != grows and whole.get(path) != data]
    return wrong or (f"{' '.join(words[:2])} left {others}" if others else None)


def killed_loader(place):
    """A loader process is killed, as the system does where memory is too small."""
    process = place.train("--data", str(place.data), "--out", str(place.run), *TRAIN, "--workers", "2")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    found = []

    def begun():
        with suppress(OSError):
            found[:] = [int(word) for word in children.read_text().split() if _is_worker(word)]
        return bool(found)

    process.until(begun, LONGEST)
    moment = time.monotonic() + place.rng.random()
    process.until(lambda: time.monotonic() > moment, LONGEST)
    with suppress(OSError):
        os.kill(found[0], signal.SIGKILL)
    return ended_well(process) or place.goes_on()


def _is_worker(process):
    return b"spawn_main" in Path(f"/proc/{process}/cmdline").read_bytes()


def vanishing(place):
    """Images and annotations go while it trains."""
    data = place.at / "set"
    shutil.copytree(place.data, data)
    process = place.train(data=data)
    moment = time.monotonic() + place.rng.random() * 2
    process.until(lambda: time.monotonic() > moment, LONGEST)
    files = sorted(path for path in data.rglob("*") if path.is_file())
    for path in place.rng.sample(files, len(files) // 2):
        path.unlink()
    return ended_well(process)


def lying_server(place):
    """A server is slow, sends something else, too little, too much, errors, or ends in the middle."""
    from trizoo.download import transfer
    from trizoo.download.fetch import fetch
    from trizoo.download.first_use import FirstUse
    from trizoo.download.remote import RemoteFile

    content = place.rng.randbytes(100_000)
    lie = place.rng.choice(list(LIES))
    home = place.at / "home"
    home.mkdir()
    sha256 = hashlib.sha256(content).hexdigest()

    def act():
        from trizoo.commands.cli import run_command

        settings = transfer.Settings(read_timeout=1, rounds=2, sleep=lambda seconds: None)
        file = RemoteFile("a.b", "a.bin", (f"{address}/a.bin",), size=len(content), checksums={"sha256": sha256})
        first_use = FirstUse(home / "first.json")
        run_command(lambda: fetch(file, home, first_use, settings=settings) and 0)

    with answering(LIES[lie](content)) as address:
        process = place.start(act)
        wrong = ended_well(process)
    there = home / "a.bin"
    if there.exists() != (process.code == 0) or (there.exists() and there.read_bytes() != content):
        wrong = wrong or "another file is there"
    return f"{lie}: {wrong}" if wrong else None


def two_train(place):
    """Two processes begin in one run folder."""
    first = place.train()
    moment = time.monotonic() + place.rng.random()
    first.until(lambda: time.monotonic() > moment, LONGEST)
    second = place.train()
    wrong = ended_well(first) or ended_well(second)
    if wrong or sorted((first.code, second.code)) == [0, 2]:
        return wrong or place.goes_on()
    return f"ended with {first.code} and {second.code}: {first.text()[-200:]} {second.text()[-200:]}"


def two_exports(place):
    """Two processes write one exported file; it is one of theirs."""
    from trizoo.commands.cli import run_command
    from trizoo.tests.campaigns.made_up_export import export

    out = place.at / "to" / "a.onnx"

    def write(text, seconds):
        return place.start(lambda: run_command(lambda: export(out, text, seconds) and 0))

    both = [write(text, place.rng.random() / 5) for text in ("first", "other")]
    wrong = next(filter(None, map(ended_well, both)), None)
    if wrong or 0 not in (both[0].code, both[1].code):
        return wrong or "neither wrote it"
    names = [path.name for path in out.parent.iterdir()]
    return None if names == ["a.onnx"] and out.read_text() in ("first", "other") else f"there are {names}"


def two_downloads(place):
    """Two processes bring one file."""
    from trizoo.download.fetch import fetch
    from trizoo.download.first_use import FirstUse
    from trizoo.download.remote import RemoteFile
    from trizoo.tests.campaigns.servers import dripping

    content = place.rng.randbytes(200_000)
    home = place.at / "home"
    home.mkdir()
    with dripping(content, 1 << 13) as (address, sent):
        checksums = {"sha256": hashlib.sha256(content).hexdigest()}
        file = RemoteFile("a.b", "a.bin", (f"{address}/a.bin",), size=len(content), checksums=checksums)
        first_use = FirstUse(home / "first.json")
        both = [place.start(lambda: fetch(file, home, first_use)) for _ in range(2)]
        wrong = next(filter(None, (ended_well(one, (0,)) for one in both)), None)
        if not wrong and ((home / "a.bin").read_bytes() != content or sent() > len(content) + (1 << 13)):
            wrong = "another file, or it came twice"
    return wrong


def two_indexes(place):
    """Two processes keep the index of one data set, and a third reads it."""

    def act():
        from trizoo.commands.cli import run_command
        from trizoo.commands.main import main as command

        run_command(lambda: command(["data", "check", str(place.data)]))

    both = [place.start(act, lambda: os.environ.update(TRIZOO_HOME=str(place.at / "home"))) for _ in range(2)]
    wrong = next(filter(None, (ended_well(one, (0, 1)) for one in both)), None)
    third = place.start(act, lambda: os.environ.update(TRIZOO_HOME=str(place.at / "home")))
    wrong = wrong or ended_well(third, (0, 1))
    return wrong or (None if both[0].text() == both[1].text() == third.text() else "they say different things")


FAULTS = (
    *(full_disk, full_disk_of_others, read_only, vanishing, killed_loader, lying_server),
    *(two_train, two_exports, two_downloads, two_indexes),
)


def main(given=None):
    """The command."""
    from trizoo.commands import data, predict, show, weights  # noqa: F401 (loaded before forks)
    from trizoo.data.synthetic import synthesize

    args = arguments(__doc__, rounds=20).parse_args(given)
    findings, rows = Findings(args.keep), [("fault", "rounds", "wrong", "seconds")]
    with tempfile.TemporaryDirectory(prefix="trizoo-faults-") as temporary, ExitStack() as held:
        folder = Path(temporary)
        held.callback(os.environ.update, {"TRIZOO_HOME": os.environ.get("TRIZOO_HOME", "")})
        os.environ["TRIZOO_HOME"] = str(folder / "home")
        synthesize(folder / "set", images=8, size=(64, 64))
        with redirect_stdout(StringIO()):
            from trizoo.commands.train import train
            from trizoo.tests.testing import FakeFramework

            train(FakeFramework(), ["--data", str(folder / "set"), "--out", str(folder / "reference"), *TRAIN])
        for fault in FAULTS:
            counts, started = Counter(), time.monotonic()
            for number in range(args.rounds):
                place = Place(folder, random.Random(f"{fault.__name__} {args.seed} {number}"))
                wrong = fault(place)
                if wrong:
                    counts["wrong"] += 1
                    findings.add(f"{fault.__name__} {number}", wrong, place.at)
                shutil.rmtree(place.at)
            seconds = f"{time.monotonic() - started:.0f}"
            rows.append((fault.__name__.replace("_", " "), args.rounds, counts["wrong"], seconds))
    table(*rows)
    return findings.end()


if __name__ == "__main__":
    sys.exit(main())
