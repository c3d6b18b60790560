"""Progress of a run: a bar on a terminal, plain lines in a log file."""

import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tqdm import tqdm


class Progress:
    """Shows how far a run is: on a terminal one bar for the run, elsewhere a line every `interval` seconds at most.

    Use it in a `with` statement, which removes the bar whatever happens:

        with Progress() as progress:
            progress.start(total_steps=1000)
            progress.update(1, {"loss": 4.2, "lr": 1e-3}, images=8)
            progress.epoch_end("epoch 1/100  loss 3.1  mAP50 0.42")

    Args:
        total_steps: of the whole run, None where it isn't known yet
        first_step: steps done before, of a resumed run
        stream: stderr by default
        quiet: nothing but what `print_line` says
    """

    def __init__(
        self, total_steps=None, first_step=0, *, stream=None, quiet=False, interval=10.0, clock=time.monotonic
    ):
        self._stream = sys.stderr if stream is None else stream
        self._quiet = quiet
        self._interval = interval
        self._clock = clock
        self._bar = None
        self._terms = ""
        self.start(total_steps, first_step)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._close_bar()

    def start(self, total_steps, first_step=0):
        """The run begins, or is resumed, now: what is said of speed and time left counts from here.

        Args:
            total_steps: of the whole run
            first_step: from 0, what is trained first from here on
        """
        self._close_bar()
        self._total, self._first, self._step, self._images = total_steps, first_step, first_step, 0
        self._begin = self._epoch_begin = self._line_time = self._clock()

    def update(self, step, terms=None, images=0):
        """`step` steps of the run are done, with `images` more images than at the last call.

        Args:
            terms: {name: number}, such as the loss terms and lr, to show from now on; None leaves what was shown before
        """
        if terms is not None:
            self._terms = " ".join(f"{name} {value:.4g}" for name, value in terms.items())
        done, self._step = step - self._step, step
        self._images += images
        if self._quiet:
            return
        if self._stream.isatty():
            if self._bar is None:
                self._bar = self._open_bar()
            else:
                self._bar.set_postfix_str(self._text(), refresh=False)
                self._bar.update(done)
        elif self._clock() - self._line_time >= self._interval:
            self._line_time = self._clock()
            self.print_line(f"step {step}{self._of_total()}  {self._text()}  {self._time_left()}".rstrip())

    def epoch_end(self, text):
        """An epoch, with its evaluation, is over: prints the line that sums it up."""
        self._epoch_begin = self._line_time = self._clock()
        self._images = 0
        if not self._quiet:
            self.print_line(text)

    def note(self, text):
        """Print a line on what goes on, unless all is to be quiet."""
        if not self._quiet:
            self.print_line(text)

    def evaluation(self, pipeline, total):
        """A pipeline of images that shows on a terminal how many of `total` it has looked at; see `Watched`."""
        return Watched(pipeline, total, self._stream, self._quiet)

    def print_line(self, text):
        """Print a line, above the bar if there is one."""
        if self._bar is not None:
            self._bar.write(text, file=self._stream)
        else:
            print(text, file=self._stream, flush=True)

    def _text(self):
        """The terms, and the speed in this epoch."""
        seconds = self._clock() - self._epoch_begin
        speed = f"{self._images / seconds:.1f} images/s" if self._images and seconds > 0 else ""
        return "  ".join(filter(None, (self._terms, speed)))

    def _of_total(self):
        return "" if self._total is None else f"/{self._total}"

    def _time_left(self):
        """What the rest of the run takes at the speed so far, evaluations included."""
        if self._total is None or self._step <= self._first:
            return ""
        seconds = (self._clock() - self._begin) / (self._step - self._first) * (self._total - self._step)
        return f"{timedelta(seconds=round(seconds))} left"

    def _open_bar(self):
        return tqdm(
            total=self._total,
            initial=self._step,
            postfix=self._text(),
            file=self._stream,
            leave=False,
            dynamic_ncols=True,
            smoothing=0,  # the mean speed so far, so that the time left includes evaluations
            unit=" steps",
        )

    def _close_bar(self):
        if self._bar is not None:
            self._bar.close()
            self._bar = None


@dataclass(frozen=True)
class Watched:
    """A pipeline that gives what another one gives, while a bar on a terminal counts its results.

    Args:
        pipeline: called with images, and perhaps a batch size, it gives an iterator of a result an image
        total: images
        stream: None for stderr
        quiet: without a bar
    """

    pipeline: Any
    total: int
    stream: Any = None
    quiet: bool = False

    def __call__(self, *arguments):
        """Yields the results."""
        stream = sys.stderr if self.stream is None else self.stream
        looks = {"desc": "evaluation", "unit": " images", "leave": False, "dynamic_ncols": True, "file": stream}
        with tqdm(total=self.total, disable=self.quiet or not stream.isatty(), **looks) as bar:
            for result in self.pipeline(*arguments):
                bar.update()
                yield result
