"""A run from its recipe to its metrics; `trizoo train` and `trizoo.train` both end here."""

import pickle
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from trizoo.augment.pipeline import own_operations
from trizoo.ground.cores import available_cores
from trizoo.ground.errors import UnwrittenError, UserError
from trizoo.ground.memory import TooLittleMemoryError
from trizoo.ground.text import counted, quoted
from trizoo.recipes.describe import dump, is_dump
from trizoo.tasks import task_of
from trizoo.training.agreeing import check_agree, of_arrays, of_settings, of_sources
from trizoo.training.anchors import begin_with
from trizoo.training.batch_size import explain, fit_batch_size, undecided
from trizoo.training.build import build_model, build_trainer
from trizoo.training.data import open_data
from trizoo.training.distill import absolute, check_there, open_teacher
from trizoo.training.finish import finish
from trizoo.training.layer_stats import LayerStats, check_alone
from trizoo.training.precision import with_precision
from trizoo.training.progress import Progress
from trizoo.training.resume import load_last, tell_jump
from trizoo.training.run import RunFolder, next_run
from trizoo.training.schedule import decided
from trizoo.training.sizes import check_augmented_sizes, unresized
from trizoo.training.specs import check_model, spec_of
from trizoo.training.spread import share_each_batch, spread
from trizoo.training.trackers import open_trackers
from trizoo.training.world import check_shares

MOST_WORKERS = 1024  # each is a process with a framework's libraries


@dataclass(frozen=True)
class Run:
    """A run that has ended.

    Args:
        folder: its RunFolder, None in another process than the first of a new run's
        metrics: of the best weights on the test split, as in metrics.json; None where it was stopped
        step: steps done
    """

    folder: RunFolder
    metrics: dict | None
    step: int

    @property
    def path(self):
        """The run folder."""
        return self.folder.path

    @property
    def best(self):
        """The checkpoint with the best validation metric."""
        return self.folder.best


def train(
    framework,
    recipe,
    device,
    say,
    *,
    run=None,
    weights=None,
    out=None,
    workers=None,
    quiet=False,
    callbacks=(),
    track=(),
    fit_batch=False,
    layer_stats=False,
):
    """Trains as a recipe says -> Run.

    Args:
        framework: see `trizoo.framework.Framework`
        recipe: `trizoo.recipes.schema.Recipe`
        device: the framework's own
        say: gets lines for a person
        run: the RunFolder to resume, None for a new run
        weights: checkpoint file to fine-tune from
        out: the folder of a new run; None: the next runs/MODEL-NNN
        workers: loader processes; None: half the cores, shared with the run's other processes
        quiet: no progress
        callbacks: `trizoo.training.callbacks.Callback` objects
        track: names of `trizoo.training.trackers` that follow the run beside its own log
        fit_batch: whether the batch size of a new run is the largest that memory has room for, not the recipe's
        layer_stats: whether each step's layers are looked at, on one device; see `trizoo.training.layer_stats`

    Raises:
        UserError: for data, weights, sizes or folders that don't fit, for a folder that another process trains in, for
            a disk that is full, for memory that is too small, for a loss that is no longer finite, and for processes
            that were given different things
    """
    check_workers(workers)
    world = framework.world()
    if not world.is_first:
        say, quiet, callbacks = _nothing, True, ()
    given = {"--resume": run is not None, "--weights": weights is not None, "--batch-size auto": fit_batch}
    check_agree(world, of_settings, framework, recipe, given)
    recipe, reasons = with_precision(framework, recipe, device, say, world)
    workers = choose_workers(workers, world.local_size, say)
    if fit_batch:
        recipe = undecided(recipe, world.size)
    check_model(recipe)
    check_there(recipe)
    check_shares(world, recipe)
    check_own_operations(recipe, workers)
    trackers = open_trackers(track, run, say) if world.is_first else ()
    if layer_stats:
        check_alone(world)
    devices = 1
    if not layer_stats:
        device, devices = spread(framework, device, recipe, _nothing if fit_batch else say)
    if world.size > 1:
        check_model(recipe, world.size)
        if not fit_batch:
            say(f"processes: {world.size} processes {share_each_batch(recipe)}")
    with ExitStack() as held:
        if world.is_first and run is not None:
            held.enter_context(run.held())
        elif world.is_first and out is not None:
            RunFolder.check_new(out)
        with world.first_goes_first():
            recipe, sources = open_data(absolute(recipe), say, pretrained=weights is not None, resumed=run is not None)
        check_agree(world, of_sources, recipe, sources)
        recipe = unresized(recipe, sources, say)
        for remark in task_of(recipe.model.name).remarks(recipe, sources):
            say(f"data: {remark}")
        if run is None:
            recipe = begin_with(recipe, sources, say, weights=weights, world=world)
        if run is None and weights is None and recipe.freeze.epochs:  # of the zoo's own; the run's recipe says what is
            say("freeze: no epoch is frozen, since nothing is pretrained (--weights TAG)")
            recipe = recipe.model_copy(update={"freeze": recipe.freeze.model_copy(update={"epochs": 0})})
        check_augmented_sizes(recipe, sources, spec_of(recipe))
        checkpoint = load_last(run) if run else None
        if checkpoint and checkpoint.framework != framework.name:
            say(f"run: begun with {checkpoint.framework}, resumed with {framework.name} after step {checkpoint.step}")
        teacher = open_teacher(framework, recipe, device, say)
        options = {"weights": weights, "checkpoint": checkpoint, "teacher": teacher}
        model = build_model(framework, recipe, device, say, **options)
        check_agree(world, of_arrays, framework, model, checkpoint, teacher)
        if fit_batch:
            options = {"sizes": sources.sizes, "workers": workers, "world": world, "teacher": teacher}
            recipe = fit_batch_size(framework, recipe, framework.shapes(model), device, say, devices=devices, **options)
        recipe, of_schedule = decided(recipe, len(sources.members), say)
        if world.is_first:
            if run is None:
                run = RunFolder.create(next_run(Path("runs"), recipe.model.name) if out is None else out)
                held.enter_context(run.held())
                run.check_empty()
            say(f"run: {run.path}")
            if not run.lock.works:
                say(f"warning: the file system of {run.path} has no locks; nothing keeps another process out of it")
        for tracker in trackers:
            held.callback(tracker.close)
        try:
            return _run(
                framework,
                model,
                recipe,
                sources,
                say,
                quiet,
                run=run,
                device=device,
                workers=workers,
                pretrained=checkpoint.state["notes"]["pretrained"] if checkpoint else weights is not None,
                checkpoint=checkpoint,
                callbacks=(*callbacks, *trackers),
                world=world,
                teacher=teacher,
                layers=LayerStats(run.layers_csv, recipe.schedule.accumulate) if layer_stats else None,
                reasons=reasons | of_schedule,
            )
        except UnwrittenError as error:
            raise run.explain(error) from error


def _run(framework, model, recipe, sources, say, quiet, *, reasons, **options):
    """All of `train` that writes into the run folder, which this process holds.

    Args:
        reasons: {dotted key: text} of values that were found, for recipe.yaml
        options: of `build_trainer`
    """
    run, checkpoint, world = options["run"], options["checkpoint"], options["world"]
    with Progress(quiet=quiet) as progress:
        trainer = build_trainer(framework, model, recipe, sources, progress=progress, **options)
        say(f"plan: {trainer.plan}")
        if trainer.plan.never_thaws:
            say(
                f"warning: the backbone is frozen for the whole run, freeze.epochs being {recipe.freeze.epochs}; --set "
                f"freeze.epochs=N with fewer, or more epochs, would train it too"
            )
        if checkpoint:
            tell_jump(trainer.plan, checkpoint, say)
        if world.is_first:
            trainer.save_last()  # first of all, so that a folder with anything in it is a run that can be resumed
            _write_recipe(run, recipe, reasons)
            run.truncate(trainer.step, trainer.unfinished_epoch)
            if trainer.step < trainer.plan.total_steps and not trainer.is_out_of_patience:
                run.metrics_json.unlink(missing_ok=True)  # of an earlier end, which this start goes beyond
            if trainer.layers or run.layers_csv.is_file():
                LayerStats(run.layers_csv).begin(trainer.step)
        try:
            trainer.fit()
        except TooLittleMemoryError as error:
            options = {"sizes": sources.sizes, "workers": trainer.workers, "world": world, "teacher": trainer.teacher}
            raise explain(error, framework, recipe, framework.shapes(model), trainer.device, **options) from error
    metrics = world.of_first(_end(trainer, sources, say))
    world.end()
    return Run(run, metrics, trainer.step)


def _write_recipe(run, recipe, reasons):
    """Writes recipe.yaml, unless it is there with reasons of an earlier start."""
    path = run.recipe_path
    if not reasons and path.is_file() and is_dump(path.read_text(encoding="utf-8", errors="replace"), recipe):
        return
    run.write_text(path, dump(recipe, reasons))


def _end(trainer, sources, say):
    """What comes after the last step -> the final metrics in the first process, None where the run was stopped."""
    run, recipe, metrics = trainer.run, trainer.recipe, None
    if trainer.world.any(trainer.stopped):
        if trainer.world.is_first:
            say(f"stopped after step {trainer.step}; resume with: --resume {quoted(run.path)}")
    else:
        if trainer.is_out_of_patience and trainer.step < trainer.plan.total_steps:
            say(
                f"ended early after step {trainer.step}: no epoch was better than epoch {trainer.best_epoch} for "
                f"{counted(recipe.schedule.patience, 'epoch')} or more (schedule.patience)"
            )
        metrics = finish(trainer, sources.test, say)
    for callback in trainer.callbacks:
        callback.on_end(trainer, metrics)
    return metrics


def _nothing(line):
    """What a process other than the first says."""


def check_workers(workers):
    """UserError for a number of loader processes that is none. None: as many as fit the machine."""
    if workers is not None and (not isinstance(workers, int) or not 0 <= workers <= MOST_WORKERS):
        raise UserError(f"--workers is {workers!r}; 0 (no processes) to {MOST_WORKERS:,} is needed")


def check_own_operations(recipe, workers):
    """UserError for an augmentation of one's own that loader processes couldn't find, in any framework."""
    own = own_operations([operation.model_dump() for operation in recipe.augment]) if workers else {}
    for name, operation in own.items():
        function = operation.function
        # what was typed in at a prompt or in a notebook's cell is in no file that another process could read
        found = getattr(function, "__module__", None) != "__main__" or hasattr(sys.modules["__main__"], "__file__")
        try:
            pickle.dumps(function)
        except (pickle.PicklingError, AttributeError, TypeError):
            found = False
        if not found:
            raise UserError(
                f"the augmentation {name!r} is {function}, which loader processes can't find; a function of a module, "
                f"not a lambda or one within another, is needed, or workers=0"
            )


def choose_workers(asked, processes, say):
    """How many loader processes each process of a run has; more than the cores that we may use only where asked for.

    Args:
        asked: --workers; None: the default, shared
        processes: how many of the run are on this machine
        say: is told of more than the cores
    """
    if asked is None:
        return max(1, default_workers() // processes)
    together, cores = asked * processes, available_cores()
    if together > cores:
        shared = f"{cores} core{'s' * (cores > 1)}"
        say(f"warning: {together} loader processes share {shared}; fewer --workers may be faster")
    return asked


def default_workers():
    """Loader processes for this machine: half the cores that we may use, at most 8."""
    return max(1, min(8, available_cores() // 2))
