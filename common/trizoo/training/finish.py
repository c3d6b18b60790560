"""The end of a run: metrics of the best weights, curves, pictures."""

import time
from typing import Any

from trizoo.metrics.plain import shown
from trizoo.pictures.draw import contact_sheet
from trizoo.tasks import best_metric
from trizoo.tasks.writers import save_picture
from trizoo.training.shared import measure
from trizoo.weights.checkpoint import load as load_checkpoint

SAMPLE_PICTURES = 8  # validation images drawn into the run folder


SAMPLE_CELL = (640, 480)  # pixels of each


def finish(trainer, test, say):
    """The final metrics of the best weights, on the test split: RUN/metrics.json, curves and sample pictures.

    In another process than the first it is None.
    """
    started, task, world = time.monotonic(), trainer.task, trainer.world
    if world.is_first:
        best = load_checkpoint(trainer.run.best, optimizer=False)
        model = trainer.learner.model
        trainer.framework.assign(model, {**trainer.framework.arrays(model), **best.model})
    metrics, found = measure(test, trainer.progress.evaluation(trainer.evaluator(), len(test.records)), world)
    if not world.is_first:
        return None
    chosen_by = f"validation_{best_metric(trainer.recipe)}"
    about = {"split": test.split, "epoch": best.epoch, "step": best.step, chosen_by: best.best}
    trainer.run.write_metrics({**metrics, **about, "versions": trainer.framework.versions()})
    trainer.run.draw_curves()
    draw_samples(trainer.run.samples, test, found)
    say(
        f"best weights (epoch {best.epoch}) on {test.split}: "
        + ", ".join(f"{name} {shown(metrics[name])}" for name in task.metrics)
        + f" ({time.monotonic() - started:.0f} s); everything is in {trainer.run.path}"
    )
    return metrics


def draw_samples(folder, evaluation, found):
    """Pictures of the first images, ground truth on the left and prediction on the right, and one sheet of them all.

    Args:
        evaluation: the task's evaluation set
        found: what was predicted, in the order of its records
    """
    folder.mkdir(exist_ok=True)
    sheet: list[Any] = []
    for number, record in enumerate(evaluation.records[:SAMPLE_PICTURES]):
        pair = list(evaluation.draw(found, number))
        sheet += pair
        save_picture(folder / f"{record.image.stem}.jpg", contact_sheet(pair, 2, SAMPLE_CELL))
    if sheet:
        save_picture(folder / "sheet.jpg", contact_sheet(sheet, 4, (320, 240)))
