"""MLflow, wherever MLFLOW_TRACKING_URI says, else where MLflow keeps runs by itself."""

import os
import time

from trizoo.recipes.load import to_dict
from trizoo.training.trackers.base import Tracker

EXPERIMENT = "trizoo"  # unless MLFLOW_EXPERIMENT_NAME says another
PARAMETERS = 100  # at once, and characters of one: the service's limits
CHARACTERS = 500


class MLflow(Tracker):
    """A run of MLflow: the recipe's values as parameters, recipe.yaml and the sheet of pictures as artifacts."""

    name = "mlflow"
    title = "MLflow"

    def begin(self, trainer, known):
        # a server that is gone would otherwise hold up every line of the log for minutes
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
        from mlflow import MlflowClient
        from mlflow.entities import Param

        self.client = MlflowClient()
        if known:
            self.run = known
            self.client.update_run(known, status="RUNNING")
            return known
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        experiment = self.client.get_experiment_by_name(name)
        number = experiment.experiment_id if experiment else self.client.create_experiment(name)
        self.run = self.client.create_run(number, run_name=trainer.run.path.name).info.run_id
        values = [Param(key, value[:CHARACTERS]) for key, value in _flat(to_dict(trainer.recipe))]
        for first in range(0, len(values), PARAMETERS):
            self.client.log_batch(self.run, params=values[first : first + PARAMETERS])
        self.client.log_artifact(self.run, str(trainer.run.recipe_path))
        return self.run

    def write(self, values, step):
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self.client.log_batch(self.run, metrics=[Metric(name, value, now, step) for name, value in values.items()])

    def picture(self, path, step):
        self.client.log_artifact(self.run, str(path))

    def end(self, finished):
        self.client.set_terminated(self.run, "FINISHED" if finished else "KILLED")


def _flat(values, prefix=""):
    """Yields (dotted key, text) of nested dicts."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)
