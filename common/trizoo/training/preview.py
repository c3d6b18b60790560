"""What a run would train on, before there is one: its first batches as samples, or one image in its first epochs."""

from itertools import islice

from trizoo.families import architecture
from trizoo.training.dataset import TrainingSet
from trizoo.training.schedule import RunPlan
from trizoo.training.specs import input_sizes, spec_of


class Preview:
    """The training set and the plan of a run that begins without pretrained weights.

    Args:
        source: a data set, as `trizoo.tasks.base.Task.open` gives it
        recipe: of the run, its classes the source's
    """

    def __init__(self, source, recipe):
        spec = spec_of(recipe)
        members = list(range(min(recipe.data.overfit or len(source), len(source))))
        self.training_set = TrainingSet(source, members, recipe, spec)
        prefix = architecture(spec.name).prefix
        self.plan = RunPlan(
            recipe.schedule, recipe.freeze, len(members), recipe.seed, False, prefix, input_sizes(recipe)
        )

    def batches(self, images):
        """Yields the first steps' (BatchPlan, list of their samples), of so many images in all; the last may be cut."""
        for plan in self.plan.batch_plans():
            count = min(images, len(plan.indices))
            yield plan, [self._sample(plan, place) for place in range(count)]
            images -= count
            if not images:
                return

    def epochs(self, index, most):
        """Yields (BatchPlan, Sample) of member `index` each time that it is trained on, at most so many times."""
        if index >= self.plan.count:  # beyond `data.overfit`
            return
        held = (plan for plan in self.plan.batch_plans() if index in plan.indices)
        for plan in islice(held, most):
            yield plan, self._sample(plan, plan.indices.index(index))

    def _sample(self, plan, place):
        """The sample at a place of a batch, as `TrainingSet` makes it."""
        return self.training_set.sample(
            plan.indices[place], plan.epoch, plan.positions[place], plan.size, plan.progress
        )
