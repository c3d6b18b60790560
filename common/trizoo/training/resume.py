"""A run that goes on: what last.h5 has to hold, and what a person should know of the rest."""

from trizoo.ground.errors import UserError
from trizoo.ground.text import counted, quoted
from trizoo.recipes.load import from_dict
from trizoo.recipes.schema import Recipe
from trizoo.weights.checkpoint import load, load_recipe

JUMP = 1.05  # a learning rate that is more than so many times another is told


def recipe_of(run):
    """The recipe of a run to resume. Raises UserError as `load_last`."""
    return from_dict(Recipe, _read(run, load_recipe), f"checkpoint {run.last}")


def load_last(run):
    """The Checkpoint to go on from.

    Raises UserError for a last.h5 that is damaged, or that holds weights alone, as best.h5 and converted files do.
    """
    checkpoint = _read(run, load)
    if not checkpoint.optimizer or not {"learner", "epoch", "notes"} <= checkpoint.state.keys():
        raise UserError(
            f"{run.last} holds weights alone, as best.h5 does, and nothing to resume from; "
            f"--weights {quoted(run.last)} --out OTHER begins a new run with them"
        )
    return checkpoint


def _read(run, read):
    try:
        return read(run.last)
    except UserError as error:
        best = ""
        if run.best.is_file():
            best = f"--weights {quoted(run.best)} --out OTHER begins a new run with the best weights"
        raise UserError(f"{error}; {best or 'another --out begins a new run'}") from None


def tell_jump(plan, checkpoint, say):
    """Says where a run that was made longer or shorter goes on at another learning rate than it would have had."""
    step, before = checkpoint.step, plan.by(from_dict(Recipe, checkpoint.recipe, "the checkpoint").schedule)
    if not 0 < step < plan.total_steps:
        return
    was, now = before.lr(min(step, before.total_steps - 1)), plan.lr(step)
    if max(was, now) > JUMP * min(was, now):
        say(
            f"warning: the run is of {counted(plan.total_steps, 'step')} now instead of {before.total_steps}, so the "
            f"learning rate jumps from {was:.3g} to {now:.3g} at step {step + 1}"
        )
