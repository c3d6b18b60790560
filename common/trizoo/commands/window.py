"""A window that shows pictures as they come."""

import contextlib
import sys

from trizoo.commands.cli import say

TITLE = "trizoo predict: space pauses, q ends"
ROOM = 0.9  # of the screen's sides, for a picture
TICK = 100  # milliseconds after which Ctrl-C is seen


class WindowClosedError(Exception):
    """Whoever looks wants no more."""


def open_window():
    """A Window; None, and a line that says so, where there is no display or no library to draw on it."""
    try:
        return Window()
    except (ImportError, OSError) as error:
        say(f"--show: no window can be opened here ({error}); the rest is done")
        return None


class Window:
    """Tk's, which comes with Python.

    Space pauses, and goes on; q, Escape and closing it end the command.

    Raises ImportError where Python has no Tk, OSError where there is no display.
    """

    def __init__(self):
        import tkinter  # here, since Python may have none

        from PIL import ImageTk

        self._error, self._photo_image = tkinter.TclError, ImageTk.PhotoImage
        try:
            self._root = tkinter.Tk(className="trizoo")
        except tkinter.TclError as error:
            raise OSError(str(error)) from None
        self._root.title(TITLE)
        self._label = tkinter.Label(self._root, borderwidth=0)
        self._label.pack()
        self._pressed, self._closed, self._paused = tkinter.StringVar(self._root), False, False
        self._root.bind("<Key>", lambda event: self.press(event.keysym))
        self._root.protocol("WM_DELETE_WINDOW", lambda: self.press("q"))

    def press(self, key):
        """What a key does, by Tk's name of it."""
        if key in ("q", "Q", "Escape"):
            self._closed = True
        elif key == "space":
            self._paused = not self._paused
        self._pressed.set(key)

    def show(self, picture, *, wait=False):
        """Shows uint8 (H, W, 3) or (H, W, 4), smaller where the screen is. Raises WindowClosedError.

        Args:
            wait: whether until a key is pressed
        """
        from PIL import Image

        try:
            image = Image.fromarray(picture)
            image.thumbnail(
                [int(side() * ROOM) for side in (self._root.winfo_screenwidth, self._root.winfo_screenheight)]
            )
            self._shown = self._photo_image(image, master=self._root)  # Tk keeps none itself
            self._label.configure(image=self._shown)
            self._root.update()
            while not self._closed and (wait or self._paused):
                self._wait()
                if wait:  # any key goes on, the space bar too
                    wait = self._paused = False
        except self._error:  # the display has gone
            self._closed = True
        if self._closed:
            raise WindowClosedError

    def _wait(self):
        """Until a key is pressed or the window is closed."""

        def tick():  # lets Python look for Ctrl-C
            nonlocal waiting
            waiting = self._root.after(TICK, tick)

        waiting = self._root.after(TICK, tick)
        try:
            self._root.wait_variable(self._pressed)
        finally:
            self._root.after_cancel(waiting)

    def close(self):
        """Takes the window away."""
        with contextlib.suppress(self._error):  # it may be away already
            self._root.destroy()


def is_watched():
    """Whether somebody sits at the terminal, who can press a key."""
    return sys.stdin is not None and sys.stdin.isatty()
