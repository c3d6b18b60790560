"""What a run prints, with and without a terminal. Time is a number that the test sets."""

import io

import pytest

from trizoo.training.progress import Progress, Watched


class Stream(io.StringIO):
    """A stream that says whether it is a terminal."""

    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


class Clock:
    """Seconds, as the test wants them."""

    now = 0.0

    def __call__(self):
        return self.now


def test_without_a_terminal_there_are_plain_lines_no_oftener_than_the_interval():
    stream, clock = Stream(False), Clock()
    with Progress(100, stream=stream, interval=10, clock=clock) as progress:
        for step in range(1, 13):
            clock.now += 2
            progress.update(step, {"loss": 12.3456, "lr": 0.001}, images=8)
    # lines at 10 s and 20 s: 5 steps of 8 images in 10 s = 4 images/s; 95 more steps of 2 s = 190 s, 90 of them = 180 s
    assert stream.getvalue().splitlines() == [
        "step 5/100  loss 12.35 lr 0.001  4.0 images/s  0:03:10 left",
        "step 10/100  loss 12.35 lr 0.001  4.0 images/s  0:03:00 left",
    ]
    assert "\r" not in stream.getvalue()


def test_a_resumed_run_counts_its_own_steps_only():
    stream, clock = Stream(False), Clock()
    progress = Progress(stream=stream, interval=1, clock=clock)
    clock.now = 500  # building the model
    progress.start(100, first_step=90)
    clock.now = 510
    progress.update(95, images=50)
    # 5 steps in 10 s, 5 to go; 50 images in 10 s
    assert stream.getvalue() == "step 95/100  5.0 images/s  0:00:10 left\n"


def test_speed_leaves_out_the_evaluation_between_epochs():
    stream, clock = Stream(False), Clock()
    progress = Progress(10, stream=stream, interval=1, clock=clock)
    progress.update(5, images=1000)
    clock.now = 100
    progress.epoch_end("epoch 1/2  mAP50 0.5")
    clock.now = 102
    progress.update(6, images=8)
    # 8 images in the 2 s since the evaluation; the run as a whole: 6 steps in 102 s, so 4 more in 68 s
    assert stream.getvalue().splitlines() == ["epoch 1/2  mAP50 0.5", "step 6/10  4.0 images/s  0:01:08 left"]


def test_terms_stay_until_there_are_new_ones():
    stream, clock = Stream(False), Clock()
    progress = Progress(stream=stream, interval=1, clock=clock)
    progress.update(1, {"loss": float("nan")})
    clock.now = 1
    progress.update(2)
    assert stream.getvalue() == "step 2  loss nan\n"


def test_on_a_terminal_a_bar_is_drawn_over_itself_and_epoch_lines_stay():
    stream = Stream(True)
    with Progress(4, stream=stream) as progress:
        progress.update(1, {"loss": 2.5}, images=8)
        progress.epoch_end("epoch 1/2  loss 2.5")
        progress.update(2, {"loss": 2.0}, images=8)
        progress.print_line("wrote best.h5")
    text = stream.getvalue()
    assert "1/4" in text
    assert "2/4" in text
    assert "loss 2.5" in text
    assert text.count("\n") == 2
    for line in ("epoch 1/2  loss 2.5\n", "wrote best.h5\n"):
        assert text[: text.index(line)].endswith("\r")  # the bar was cleared first
    assert text.endswith("\r")  # and leaves nothing behind


def test_the_bar_goes_when_training_fails():
    stream = Stream(True)

    def fail():
        with Progress(4, stream=stream) as progress:
            progress.update(1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert stream.getvalue().endswith("\r")


@pytest.mark.parametrize("terminal", [True, False])
def test_quiet_prints_only_what_it_is_told_to(terminal):
    stream = Stream(terminal)
    with Progress(2, stream=stream, quiet=True, interval=0) as progress:
        progress.update(1, {"loss": 1.0}, images=1)
        progress.epoch_end("epoch 1/1")
        progress.print_line("warning")
    assert stream.getvalue() == "warning\n"


def doubled(images, batch_size=8):
    return (batch_size * image for image in images)


def test_a_pipeline_that_is_watched_gives_the_same_and_counts_on_a_terminal_alone():
    terminal, file = Stream(True), Stream(False)
    assert list(Watched(doubled, 3, stream=terminal)([1, 2, 3])) == [8, 16, 24]
    assert "evaluation" in terminal.getvalue()
    assert list(Progress(stream=file).evaluation(doubled, 2)([5, 6], 2)) == [10, 12]
    assert list(Watched(doubled, 1, stream=terminal, quiet=True)([1])) == [8]
    assert file.getvalue() == ""


def test_a_note_is_a_line_unless_all_is_quiet():
    stream = Stream(False)
    for quiet in (True, False):
        Progress(stream=stream, quiet=quiet).note("compiles")
    assert stream.getvalue() == "compiles\n"
