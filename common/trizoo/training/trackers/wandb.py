"""Weights & Biases. WANDB_MODE=offline writes RUN/wandb/ alone, which `wandb sync` sends later."""

import os
import secrets

from trizoo.recipes.load import to_dict
from trizoo.training.trackers.base import Tracker

PROJECT = "trizoo"  # unless WANDB_PROJECT says another
SENDING = 120  # seconds that a run waits at its end for what is not sent yet


class WandB(Tracker):
    """A run of Weights & Biases: the recipe as its config, the sheet of pictures as an image."""

    name = "wandb"
    title = "Weights & Biases"

    def begin(self, trainer, known):
        import wandb

        known = known or secrets.token_hex(8)
        self.run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            id=known,
            name=trainer.run.path.name,
            dir=str(trainer.run.path),
            config=to_dict(trainer.recipe),
            resume="allow",
            settings=wandb.Settings(silent=True, console="off", finish_timeout=SENDING),
        )
        # its own count of steps refuses those that a run which was killed does again
        self.run.define_metric("*", step_metric="step")
        return known

    def write(self, values, step):
        self.run.log({"step": step, **values})

    def picture(self, path, step):
        import wandb

        self.run.log({"step": step, "samples": wandb.Image(str(path))})

    def end(self, finished):
        self.run.finish(exit_code=0 if finished else 1)
