"""Every command in a code block of README.md and docs/ is run, in a page's order, in a folder of the page.

It needs all three frameworks and minutes: `tox -e docs`. What is the reader's own stands in belongings.py, how commands
are shortened in typed.py, what isn't run here below, with the reason. What would be the same once more is run once: a
command of a table that a code block has, and one of ALONE.
"""

import contextlib
import itertools
import os
import re
import subprocess
import sys
import traceback

import pytest

from trizoo.commands.main import run
from trizoo.data.synthetic import SHAPES_TO_TRAIN_ON
from trizoo.download import manifest
from trizoo.ground.errors import UserError
from trizoo.tests.docs.belongings import Belongings
from trizoo.tests.docs.typed import PAGES, draws, lines_of, lines_of_tables, shortened
from trizoo.training.run import RunFolder

NOT_RUN = {  # reason: how the command lines begin
    "installs what tox has installed": ("pip install", "!git clone"),
    "needs the network": ("git clone", "trizoo data download"),
    "needs a data set, and weights, that only the network has": (
        "trizoo weights reproduce",
        "trizoo evaluate --weights ssd300-vgg16.coco",
        "evaluate.py --weights ssd300-vgg16.coco",
        "trizoo weights verify --deep",
        "python pytorch/predict.py photos/ --weights resnet",
        "trizoo weights convert resnet18.imagenet",
    ),
    "needs a file of another program; the tests of weights/importers make such files": (
        "trizoo weights convert logs/best_epoch_weights.h5",
        "trizoo weights convert fasterless.pth",
        "trizoo weights convert theirs.pth",
        "trizoo weights convert darknet53.weights",
    ),
    "needs a GPU": ("train.py --data ROOT --device cuda", "train.py --device cuda:1"),
    "is a program of TensorBoard's": ("tensorboard",),
    "needs Docker": ("docker",),
    "needs FFmpeg's program": ("ffmpeg",),
    "is what tox -e parity runs": ("trizoo parity",),
    "measures this machine, for minutes": ("python benchmarks/", "taskset -c 0 python benchmarks/"),
    "is what tox -e fuzz runs": ("python common/trizoo/tests/campaigns/",),
}
RECORDS = ("docs/results.md", "docs/ablations.md")  # what was measured; each part is a test with a folder of its own
# lines that hang on nothing that a page made, and make nothing that isn't brought
ALONE = ("trizoo doctor", "trizoo summary", "trizoo sidebyside", "trizoo export best.h5", "trizoo data show ROOT")
DRAWN = 24  # images of a training without data
TABLES = ("README.md", "docs/commands.md")  # whose tables are run too, each command in a folder of its own
EXPECTED = {"data check": (0, 1)}  # the exit codes of what answers by them; of all others 0
WANTED = pytest.mark.skipif(not os.environ.get("TRIZOO_DOCS"), reason="minutes, and three frameworks: tox -e docs")
FIND = "find /data -name '*.jpg' | trizoo "  # by the reader's shell, which has files there


def why_not(line):
    """Why a line isn't run, or None."""
    return next((reason for reason, starts in NOT_RUN.items() if line.text.startswith(starts)), None)


def english(page):
    """The page that a Chinese one has most of its commands from, or None."""
    return page.replace("/zh/", "/") if "/zh/" in page else None


def new_lines(page):
    """The lines of a page that are run, of a Chinese one those that its English page hasn't."""
    known = {line.text for line in lines_of(english(page))} if english(page) else set()
    others = [line for other in PAGES[: PAGES.index(page)] for line in lines_of(other) if line.text.startswith(ALONE)]
    alone = {(line.text, line.kind) for line in others}
    new = [line for line in lines_of(page) if line.text not in known and (line.text, line.kind) not in alone]
    return [line for line in new if not why_not(line)]


def new_lines_of_tables(page):
    """The lines of a page's tables that are run: those that no code block has."""
    known = [(line.zoo, line.kind) for other in PAGES for line in new_lines(other) if line.zoo]
    return [line for line in lines_of_tables(page) if not why_not(line) and (line.zoo, line.kind) not in known]


def parts():
    """(page, lines) of each test, the longest first, so that two processes end together; `pytest.param`s."""
    found = []
    for page in PAGES:
        lines = new_lines(page)
        for heading in dict.fromkeys(line.part for line in lines) if page in RECORDS else [""] if lines else []:
            of_part = [line for line in lines if heading in ("", line.part)]
            name = f"{page} {heading.strip('# ')}".strip()
            found.append((sum(line.seconds for line in of_part), pytest.param(page, of_part, id=name)))
    return [part for _, part in sorted(found, key=lambda pair: -pair[0])]


def run_here(line):
    """The exit code of one of the zoo's commands, shortened, in this process."""
    framework, command, arguments = line.zoo
    try:
        return run(command, shortened(command, arguments), prog=command, framework=framework)
    except UserError as error:
        print(f"error: {error}")
        return 2
    except SystemExit as end:
        return end.code
    except Exception:
        print(traceback.format_exc())
        return "a traceback"


def run_beside(text):
    """The exit code of a line for a shell, in which `trizoo` is this one."""
    text = text.replace("trizoo ", f"{sys.executable} -m trizoo ")
    done = subprocess.run(text, shell=True, capture_output=True, encoding="utf-8", timeout=120, check=False)
    print(done.stdout, done.stderr, sep="\n")
    return done.returncode


class Server:
    """`trizoo serve` of a page, one at a time, on a free port: `curl` asks it there."""

    def __init__(self, stack):
        self.stack, self.place = stack, None

    def start(self, words):
        """0 when it is ready."""
        self.stack.close()
        command = [sys.executable, "-m", *words, "--port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.stack.callback(process.communicate)
        self.stack.callback(process.kill)
        for line in process.stdout:
            print(line)
            if ready := re.match(r"ready at http://(\S+)", line):
                self.place = ready[1].rstrip("/")
                return 0
        return process.wait()

    def ask(self, text):
        """curl's exit code; 22 where the server refuses."""
        return run_beside(text.replace("curl ", "curl --fail --silent ").replace("127.0.0.1:8000", self.place))


@pytest.fixture(scope="module")
def belongings(tmp_path_factory):
    """What pages take for granted, made once."""
    return Belongings(tmp_path_factory.mktemp("belongings"))


@pytest.fixture
def tags(belongings, monkeypatch):
    """Public weights without a network: the zoo's manifest with files of this disk."""
    monkeypatch.setattr(manifest, "PLACES", (belongings.manifest(),))
    manifest.read_manifest.cache_clear()
    yield
    manifest.read_manifest.cache_clear()


@pytest.fixture
def plain(monkeypatch):
    """Trainings without curves.png, whose drawing takes half of the time of one that is so short, on few images."""
    monkeypatch.setattr(RunFolder, "draw_curves", lambda run: None)
    monkeypatch.setitem(SHAPES_TO_TRAIN_ON, "images", DRAWN)


@contextlib.contextmanager
def untraced(page, lines):
    """Trainings of RECORDS in TensorFlow without graphs, whose making is most of their time: README.md's are made."""
    if page not in RECORDS or not any(line.zoo and line.zoo[0] in ("tf2", "keras") for line in lines):
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def answer(line, folder, belongings, server):
    """The exit code of a line, typed in a folder."""
    also = ["data/synthetic-256x256"] if draws(line) else ["photos"] if line.text.startswith(FIND) else []
    belongings.bring(folder, line, also)
    if line.text.startswith("curl"):
        return server.ask(line.text)
    if line.text.startswith("trizoo serve"):
        return server.start(line.words)
    if line.text.startswith(FIND):
        return run_beside(line.text.replace("/data", "photos"))
    return run_here(line)


def typed(lines, folder_of, belongings, monkeypatch, capfd):
    """What went wrong with these lines, a text each.

    Args:
        folder_of: gives the folder of a Line
    """
    wrong = []
    with contextlib.ExitStack() as stack:
        server = Server(stack)
        for line in lines:
            folder = folder_of(line)
            folder.mkdir(exist_ok=True)
            monkeypatch.chdir(folder)
            capfd.readouterr()
            code = answer(line, folder, belongings, server)
            told = capfd.readouterr()
            if code not in EXPECTED.get(" ".join(line.words[1:3]), (0,)):
                wrong.append(f"{line.text}\nended with {code}:\n{told.out[-2000:]}{told.err[-1000:]}")
    return wrong


def slow(test):
    """A test that runs commands; warnings are no errors here, since no reader sees them."""
    return WANTED(pytest.mark.filterwarnings("default")(pytest.mark.usefixtures("tags", "plain")(test)))


@slow
@pytest.mark.parametrize(("page", "lines"), parts())
def test_the_commands_of_a_page_work(page, lines, belongings, tmp_path, monkeypatch, capfd):
    with untraced(page, lines):
        assert not typed(lines, lambda line: tmp_path / "page", belongings, monkeypatch, capfd)


@slow
@pytest.mark.parametrize("page", TABLES)
def test_the_commands_of_a_pages_tables_work(page, belongings, tmp_path, monkeypatch, capfd):
    lines = new_lines_of_tables(page)
    assert not typed(lines, lambda line: tmp_path / str(lines.index(line)), belongings, monkeypatch, capfd)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_one_to_run_or_is_left_out_for_a_reason(page):
    for line in (*lines_of(page), *(lines_of_tables(page) if page in TABLES else ())):
        shell = line.text.startswith(("curl", FIND))
        assert why_not(line) or shell or line.zoo, f"{page}: {line.text}"


def top(path):
    """The first folder of a path."""
    return path.split("/")[0]


def in_one_folder():
    """The lines that are run after one another in a folder, a list each."""
    yield from (part.values[1] for part in parts())
    yield from ([line] for page in TABLES for line in new_lines_of_tables(page))


def test_what_a_command_trains_on_is_brought_or_made_before(tmp_path):
    belongings = Belongings(tmp_path)
    for lines in in_one_folder():
        made = set()
        for line in lines:
            named = [data for flag, data in itertools.pairwise(line.words) if flag == "--data"]
            missing = [data for data in named if data not in belongings.makers(line) and top(data) not in made]
            assert missing == [], line.text
            made |= {top(word) for word in line.words}


def test_what_is_left_out_is_in_the_docs():
    texts = [line.text for page in PAGES for line in (*lines_of(page), *lines_of_tables(page))]
    starts = [start for starts in NOT_RUN.values() for start in starts]
    assert [start for start in starts if not any(text.startswith(start) for text in texts)] == []
