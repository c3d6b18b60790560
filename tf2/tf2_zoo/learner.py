"""A model in training: gradients, mixed precision, accumulation, clipping, freezing, the optimiser."""

import functools

import tensorflow as tf

from tf2_zoo.layer_stats import layer_stats
from tf2_zoo.layers import BatchNorm, named_modules, named_variables
from tf2_zoo.memory import is_out_of_memory
from tf2_zoo.optimizers import OPTIMIZERS
from tf2_zoo.precision import LossScale, set_precision
from tf2_zoo.processes import heard
from tf2_zoo.replicas import first, is_spread, on_each, set_value, shares, strategy_of, total, update, whole
from tf2_zoo.weights import Average
from trizoo.ground.memory import explain_out_of_memory
from trizoo.recipes.sections import Optimizer
from trizoo.training.spread import check_compiles
from trizoo.weights.layout import from_canonical, to_canonical


class Learner:
    """See `trizoo.framework.Learner`. The model computes in the recipe's precision from now on.

    Args:
        loss: (outputs, targets, size) -> terms, see `tf2_zoo.families.Family`
    """

    def __init__(self, model, loss, recipe, device):
        self.model = model
        self.strategy = strategy_of(model)
        self.average = Average(model)
        self.loss = loss
        self.device = device
        self.accumulate = recipe.schedule.accumulate
        self.clip_norm = recipe.optimizer.clip_norm
        self.hold_batch_norms = recipe.freeze.batch_norm
        self.sync_batch_norms = recipe.sync_batch_norm
        self.compile = recipe.compile
        if is_spread(self.strategy):
            check_compiles(recipe)
        # AdamW's own is apart from the gradient
        self.weight_decay = 0.0 if recipe.optimizer.name == "adamw" else recipe.optimizer.weight_decay
        set_precision(model, recipe.precision)
        with self.strategy.scope(), tf.device(device):
            self.optimizer = make_optimizer(model, recipe.optimizer)
            self.scaler = LossScale() if recipe.precision == "fp16" else None
        self.freeze(())

    def step(self, batch, lr):
        """One optimiser step; see `trizoo.framework.Learner.step`.

        The batch's loss is divided by the positives of the whole batch, so its gradient is the same however many parts
        and processes it is computed in. Raises TooLittleMemoryError where memory is.
        """
        with explain_out_of_memory(batch.images, is_out_of_memory, training=True), heard(), tf.device(self.device):
            return self._step(batch, lr)

    def _step(self, batch, lr):
        size = len(batch.images) // min(self.accumulate, len(batch.images))
        terms, gradients = [], None
        for start in range(0, len(batch.images), size):
            part = slice(start, start + size)
            targets = {name: array[part] if array.ndim else array for name, array in batch.targets.items()}
            images, targets = shares(self.strategy, batch.images[part], targets)
            values, new = self.differentiate(images, targets, tuple(batch.images.shape[1:3]))
            terms.append(first(self.strategy, values))
            gradients = new if gradients is None else self.add(gradients, new)
        self.apply(gradients, tf.constant(lr, tf.float32))
        return {name: sum(part[name] for part in terms) for name in terms[0]}

    def layer_stats(self, images):
        """See `trizoo.framework.Learner.layer_stats`."""
        with explain_out_of_memory(images, is_out_of_memory, training=True), tf.device(self.device):
            return self.look(images)

    def freeze(self, prefixes):
        """See `trizoo.framework.Learner.freeze`."""
        for name, module in named_modules(self.model):
            if isinstance(module, BatchNorm):
                module.held = self.hold_batch_norms or name.startswith(tuple(prefixes))
                module.total = total if self.sync_batch_norms and is_spread(self.strategy) else None
        trained = _trainable(self.model)
        self.trained = {name: v for name, v in trained.items() if not name.startswith(tuple(prefixes))}
        # traced anew, since which variables and which batch norms move is part of the graph
        differentiate = on_each(self.strategy, self._differentiate)
        self.differentiate = tf.function(differentiate, jit_compile=self.compile, reduce_retracing=True)
        self.add = tf.function(on_each(self.strategy, _add))
        self.apply = tf.function(self._apply, jit_compile=self.compile)
        self.look = layer_stats(self.model)

    def _differentiate(self, images, targets, size):
        """The loss terms of images, and the gradients of `trained`, scaled in fp16.

        Args:
            size: the images' height and width. As plain numbers they make a graph for each input size, where tensors of
                several sizes would share one that knows no size
        """
        images = tf.ensure_shape(images, (None, *size, 3))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(self.trained.values()))
            terms = self.loss(self.model(images, training=True), whole(targets), size[::-1])
            scaled = self.scaler.scale(terms["loss"]) if self.scaler else terms["loss"]
        return total(terms), tape.gradient(scaled, list(self.trained.values()))

    def _apply(self, gradients, lr):
        """Clipping, decay and the optimiser's step; in fp16 only where all gradients are finite."""
        gradients, finite = on_each(self.strategy, self._whole)(gradients)
        if self.scaler is None:
            self._move(gradients, lr)
            return
        finite = first(self.strategy, finite)
        if finite:
            self._move(gradients, lr)
        self.scaler.update(finite)

    def _whole(self, gradients):
        """The sum of the devices' gradients, clipped, in fp16 unscaled, and whether all of it is finite."""
        gradients, finite = total(gradients), True
        if self.scaler is not None:
            gradients, finite = self.scaler.unscale(gradients)
        if self.clip_norm is not None:
            gradients, _ = tf.clip_by_global_norm(gradients, self.clip_norm)
        return gradients, finite

    def _move(self, gradients, lr):
        for (name, variable), gradient in zip(self.trained.items(), gradients, strict=True):
            update(self.strategy, variable, functools.partial(self._move_one, name), gradient, lr)

    def _move_one(self, name, variable, gradient, lr):
        if self.weight_decay and len(variable.shape) > 1:  # kernels only
            gradient = gradient + self.weight_decay * variable
        self.optimizer.apply(name, variable, gradient, lr)

    def optimizer_arrays(self):
        """See `trizoo.framework.Learner.optimizer_arrays`; what hasn't been stepped yet is zero."""
        return {
            slot: {name: to_canonical(variable.numpy()) for name, variable in variables.items()}
            for slot, variables in self.optimizer.slots.items()
        }

    def assign_optimizer(self, slots):
        """The inverse of `optimizer_arrays`. Raises ValueError where slots or names aren't this optimiser's."""
        wanted = self.optimizer.slots
        if slots.keys() != wanted.keys() or any(slots[slot].keys() != wanted[slot].keys() for slot in wanted):
            raise ValueError(f"optimiser slots {sorted(slots)} don't fit this optimiser's: {sorted(wanted)}")
        for slot, variables in wanted.items():
            for name, variable in variables.items():
                set_value(variable, from_canonical(slots[slot][name]))

    def state(self):
        """The loss scale of fp16, and for how many steps it has held."""
        return self.scaler.state() if self.scaler else {}

    def assign_state(self, state):
        """The inverse of `state`."""
        if self.scaler and state:
            self.scaler.assign_state(state)


def make_optimizer(model, options: Optimizer):
    """SGD or Adam with coupled weight decay, or AdamW, on kernels only: not on biases, not on batch norms.

    Args:
        options: the recipe's `optimizer` section
    """
    return OPTIMIZERS[options.name](_trainable(model), options)


def _add(gradients, more):
    return [one + other for one, other in zip(gradients, more, strict=True)]


def _trainable(model):
    return {name: variable for name, variable in named_variables(model).items() if variable.trainable}
