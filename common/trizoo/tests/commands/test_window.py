"""The window of predict --show: what a display that isn't there, its keys and its end do."""

import builtins
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from trizoo.commands import predict as command
from trizoo.commands import predicting
from trizoo.commands.predict import predict
from trizoo.commands.window import WindowClosedError, open_window
from trizoo.data.video import open_video
from trizoo.tests.testing import FakeFramework
from trizoo.tests.video_files import write_video

ImageTk = pytest.importorskip("PIL.ImageTk", reason="Python has no tkinter")
PICTURE = np.zeros((30, 40, 3), np.uint8)


class TclError(Exception):
    pass


class FakeRoot:
    """A Tk whose user presses these keys, one each time that it is waited for or brought up to date."""

    keys = ()

    def __init__(self, className):  # noqa: N803 - Tk's own name
        self.bound, self.keys, self.updates, self.closing = {}, iter(self.keys), 0, None
        FakeRoot.last = self

    def bind(self, event, call):
        self.bound[event] = call

    def protocol(self, name, call):
        self.closing = call

    def update(self):
        self.updates += 1
        self.wait_variable(None)

    def wait_variable(self, variable):
        key = next(self.keys, None)
        if key == "closed":
            self.closing()
        elif key == "gone":
            raise TclError("can't invoke command: application has been destroyed")
        elif key:
            self.bound["<Key>"](SimpleNamespace(keysym=key))

    def title(self, text):
        pass

    def after(self, milliseconds, call):
        return call

    after_cancel = title

    def destroy(self):
        pass

    def winfo_screenwidth(self):
        return 20

    winfo_screenheight = winfo_screenwidth


class FakeLabel:
    shown = ()

    def __init__(self, root, borderwidth):
        FakeLabel.shown = []

    def pack(self):
        pass

    def configure(self, image):
        self.shown.append(image.size)


@pytest.fixture
def tk(monkeypatch):
    """Stands in for tkinter."""
    variable = SimpleNamespace(set=lambda value: None)
    fake = SimpleNamespace(Tk=FakeRoot, Label=FakeLabel, StringVar=lambda root: variable, TclError=TclError)
    monkeypatch.setitem(sys.modules, "tkinter", fake)
    monkeypatch.setattr(ImageTk, "PhotoImage", lambda image, master: image)
    return fake


def opened(keys):
    FakeRoot.keys = keys
    return open_window()


def test_a_picture_larger_than_the_screen_is_shown_smaller(tk):
    opened([]).show(PICTURE)
    assert FakeLabel.shown == [(18, 14)]  # 0.9 of 20 is 18, and 18 / 40 of 30 is 13.5


@pytest.mark.parametrize("key", ["q", "Escape", "closed", "gone"])
def test_keys_and_closing_end_it(tk, key):
    window = opened([None, key])
    window.show(PICTURE)
    with pytest.raises(WindowClosedError):
        window.show(PICTURE)
    window.close()


def test_space_pauses_until_it_is_pressed_again(tk):
    keys = iter(["space", "a", None, "space", "x"])
    window = opened(keys)
    window.show(PICTURE)
    assert list(keys) == ["x"]


@pytest.mark.parametrize("key", ["a", "space"])
def test_a_picture_waits_for_one_key_where_that_is_wanted(tk, key):
    keys = iter([None, key, "b"])
    opened(keys).show(PICTURE, wait=True)
    assert list(keys) == ["b"]


def no_display(className):  # noqa: N803 - Tk's own name
    raise TclError("no display name and no $DISPLAY environment variable")


def no_tkinter(name, *more, usual=builtins.__import__, **others):
    if name == "tkinter":
        raise ImportError("No module named '_tkinter'")
    return usual(name, *more, **others)


@pytest.mark.parametrize("missing", ["display", "tkinter"])
def test_without_a_display_or_tk_a_line_says_so(tk, monkeypatch, capsys, missing):
    if missing == "display":
        tk.Tk = no_display
    else:
        monkeypatch.setattr(builtins, "__import__", no_tkinter)
    assert open_window() is None
    assert "--show: no window can be opened here (no " in capsys.readouterr().out.replace("No", "no")


class Shown:
    """A window that is closed at the picture of this number."""

    def __init__(self, last):
        self.last, self.pictures, self.waits, self.closed = last, [], [], False

    def show(self, picture, *, wait=False):
        self.pictures.append(picture.shape)
        self.waits.append(wait)
        if len(self.pictures) == self.last:
            raise WindowClosedError

    def close(self):
        self.closed = True


@pytest.fixture
def show(weights, tmp_path, monkeypatch):
    """predict.py --show with these arguments, in a folder of its own, with a window that is closed at this picture."""
    monkeypatch.chdir(tmp_path)
    for number in range(3):
        Image.new("RGB", (40, 30)).save(f"{number}.png")

    def run(last, *more):
        window = None if last is None else Shown(last)
        monkeypatch.setattr(command, "open_window", lambda: window)
        assert predict(FakeFramework(), [*more, "--show", "--weights", weights, "--out", "out", "--json"]) == 0
        return window

    return run


def results():
    return len(Path("out/detections.jsonl").read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("watched", [False, True])
def test_images_are_shown_and_wait_where_someone_watches(show, monkeypatch, watched):
    monkeypatch.setattr(predicting, "is_watched", lambda: watched)
    window = show(9, "0.png", "1.png", "--no-pictures")
    assert (window.pictures, window.waits, window.closed) == ([(30, 40, 3)] * 2, [watched] * 2, True)
    assert sorted(path.name for path in Path("out").iterdir()) == [".trizoo", "detections.json", "detections.jsonl"]


def test_closing_ends_the_command_with_what_was_seen_whole(show, capsys):
    show(2, "0.png", "1.png", "2.png")
    assert results() == 2
    assert sorted(path.name for path in Path("out").glob("*.png")) == ["0.png", "1.png"]
    assert "the window was closed, so the rest is left out" in capsys.readouterr().out


def test_closing_ends_a_video_that_can_be_played(show, tmp_path):
    window = show(4, str(write_video(tmp_path / "a.mp4")), str(write_video(tmp_path / "b.mp4")))
    assert not any(window.waits)
    with open_video("out/a.mp4", "a") as video:
        assert len(list(video.frames(1))) == 4
    assert not Path("out/b.mp4").exists()
    assert results() == 4


def test_without_a_window_all_is_done(show):
    show(None, "0.png", "1.png")
    assert results() == 2
