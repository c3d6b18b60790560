"""What a program of one's own may do during a run: see steps and epochs, add metrics, stop it."""

from collections.abc import Iterable


class Callback:
    """Base of callbacks; each method does nothing unless it is overridden.

    `trainer` is the run's `trizoo.training.loop.Trainer`: `trainer.learner.model` is the framework's own model,
    `trainer.run` the run folder, `trainer.stop()` ends the run after this step as Ctrl-C would.
    """

    def on_begin(self, trainer):
        """Before the first step."""

    def on_step(self, trainer, record):
        """At each line of the log.

        Args:
            record: {"step", "epoch", "lr", loss terms}
        """

    def on_evaluation(self, trainer, metrics, found):
        """After each evaluation. Returns {name: number} to be logged beside the metrics, or None.

        Args:
            metrics: the task's, as in metrics.json
            found: what was predicted, in the order of `trainer.evaluation.records`: a list of Detections, or the
                segmentation's measurement
        """

    def on_epoch(self, trainer, record):
        """At each epoch's end.

        Args:
            record: means of the loss terms, "seconds", and where it was evaluated the metrics
        """

    def on_end(self, trainer, metrics):
        """After the run.

        Args:
            metrics: those of the best weights on the test split, None where it was stopped
        """


class EveryEpoch(Callback):
    """A plain function (trainer, record) as a callback: it is called at each epoch's end."""

    def __init__(self, function):
        self.function = function

    def on_epoch(self, trainer, record):
        self.function(trainer, record)


def as_callbacks(callbacks):
    """Callbacks and plain functions as a tuple of callbacks. Raises TypeError for anything else."""
    if isinstance(callbacks, Callback | str) or not isinstance(callbacks, Iterable):
        raise TypeError(f"callbacks is {callbacks!r}; a list of trizoo.Callback objects or functions is needed")
    made = []
    for given in callbacks:
        if not isinstance(given, Callback) and not callable(given):
            raise TypeError(f"callbacks holds {given!r}; a trizoo.Callback or a function (trainer, record) is needed")
        made.append(given if isinstance(given, Callback) else EveryEpoch(given))
    return tuple(made)
