"""A model in training: gradients, mixed precision, accumulation, clipping, freezing, the optimiser."""

import keras
import numpy as np

from keras_zoo.layer_stats import layer_stats
from keras_zoo.layers import BatchNorm, get_array, named_layers, named_parameters
from keras_zoo.memory import is_out_of_memory
from keras_zoo.optimizers import OPTIMIZERS
from keras_zoo.precision import set_precision, with_loss_scale
from keras_zoo.processes import heard, world
from keras_zoo.replicas import Devices, compiled_step, is_shared, scope_of, shares, strategy, total, whole
from keras_zoo.weights import Average
from trizoo.ground.memory import explain_out_of_memory
from trizoo.recipes.sections import Optimizer
from trizoo.training.spread import check_compiles, check_fp16, check_own_statistics
from trizoo.weights.layout import from_canonical, to_canonical


class Learner:
    """See `trizoo.framework.Learner`. The model computes in the recipe's precision from now on.

    Args:
        loss: (outputs, targets, size) -> terms, see `keras_zoo.families.Family`
    """

    def __init__(self, model, loss, recipe, device):
        self.model = model
        self.average = Average(model)
        self.loss = loss
        self.device = device
        self.accumulate = recipe.schedule.accumulate
        self.options = recipe.optimizer
        self.hold_batch_norms = recipe.freeze.batch_norm
        self.sync_batch_norms = recipe.sync_batch_norm
        self.fp16 = recipe.precision == "fp16"
        self.compile = recipe.compile or keras.backend.backend() == "jax"  # which crawls uncompiled
        self.resting = {}  # slots of what is frozen: {slot: {name: array}}
        with scope_of(device):
            if strategy() is not None:
                check_compiles(recipe)
                check_fp16(recipe)
            elif isinstance(device, Devices):
                check_own_statistics(recipe)
        set_precision(model, recipe.precision)
        self._hold(())
        self._prepare()

    def step(self, batch, lr):
        """One optimiser step; see `trizoo.framework.Learner.step`.

        The batch's loss is divided by the positives of the whole batch, so its gradient is the same however many parts
        and processes it is computed in. Waits for the device once for each part.
        Raises TooLittleMemoryError where memory is.
        """
        with (
            explain_out_of_memory(batch.images, is_out_of_memory, training=True),
            heard(),
            scope_of(self.device),
            keras.device(self.device),
        ):
            return self._step(batch, lr)

    def _step(self, batch, lr):
        self.optimizer.learning_rate = lr
        targets = {name: np.asarray(array) for name, array in batch.targets.items()}
        terms, size = dict.fromkeys(self.loss.terms, 0.0), batch.images.shape[1:3]
        for number, part in enumerate(np.split(np.arange(len(batch.images)), self.accumulate), 1):
            last = number == self.accumulate
            part = slice(part[0], part[-1] + 1)
            of_part = {name: array[part] if array.ndim else array for name, array in targets.items()}
            self.model.reset_metrics()  # as newer Keras does itself
            # a compiled step for each input size: TensorFlow would make one for all of them at the second, and a run
            # resumed there would round otherwise
            values = self._step_part(size, batch.images[part], of_part, last)
            terms = {name: value + values[name] for name, value in terms.items()}
        if self.fp16 and self.accumulate > 1:
            self.optimizer.drop_parts()
        return {"loss": sum(terms.values()), **terms}

    def _step_part(self, size, images, targets, last):
        """One part of a step: the terms of its loss by name."""
        around = strategy()
        if around is None:
            self.model.train_function = self.compiled.get(size)
            values = self.model.train_on_batch(images, targets, return_dict=True)
            self.compiled[size] = self.model.train_function
            return values if world().size == 1 else self._whole_terms(values)
        self.optimizer.last = last
        if (size, last) not in self.compiled:
            self.compiled[size, last] = compiled_step(self.model, self.compile)
        means = self.compiled[size, last](*shares(images, targets))  # over the devices, of what adds up to the whole
        return {name: float(value) * around.num_replicas_in_sync for name, value in means.items()}

    def _whole_terms(self, terms):
        """The sums of all processes' terms."""
        sums = total([keras.ops.convert_to_tensor([float(value) for value in terms.values()])])[0]
        return dict(zip(terms, map(float, sums), strict=True))

    def layer_stats(self, images):
        """See `trizoo.framework.Learner.layer_stats`."""
        with (
            explain_out_of_memory(images, is_out_of_memory, training=True),
            scope_of(self.device),
            keras.device(self.device),
        ):
            return layer_stats(self.model)(images)

    def freeze(self, prefixes):
        """See `trizoo.framework.Learner.freeze`.

        What is trained is part of a compiled step and of a Keras optimizer, so both are made anew.
        """
        slots, state = self.optimizer_arrays(), self.state()
        self._hold(tuple(prefixes))
        self._prepare()
        self.assign_optimizer(slots)
        self.assign_state(state)

    def _hold(self, prefixes):
        """Stops the gradient of what these names start, and its batch norms' statistics."""
        for name, layer in named_layers(self.model):
            if isinstance(layer, BatchNorm):
                layer.held = self.hold_batch_norms or f"{name}.".startswith(prefixes)
                layer.synchronized = self.sync_batch_norms and is_shared(self.device)
        self.parameters = named_parameters(self.model)
        for name, variable in self.parameters.items():
            variable.trainable = not name.startswith(prefixes)

    def _prepare(self):
        """The optimiser of what is trained, and the step that Keras will compile."""
        with scope_of(self.device), keras.device(self.device):
            self.optimizer = make_optimizer(self.model, self.options)
            if self.accumulate > 1:
                self.optimizer.accumulate(self.accumulate)
            self.scaler = with_loss_scale(self.optimizer) if self.fp16 else None
            if self.scaler:
                self.scaler.build(self.model.trainable_variables)
            loss = _Shared(self.loss) if world().size > 1 else self.loss
            loss = _Part(loss, self.accumulate) if self.accumulate > 1 else loss
            self.model.compile(self.scaler or self.optimizer, loss, jit_compile=self.compile)
        self.compiled = {}  # input size -> step

    def optimizer_arrays(self):
        """See `trizoo.framework.Learner.optimizer_arrays`; what hasn't been stepped yet is zero."""
        return {slot: {name: self._slot(slot, name) for name in self.parameters} for slot in self.optimizer.slots}

    def assign_optimizer(self, slots):
        """The inverse of `optimizer_arrays`. Raises ValueError where slots or names aren't this optimiser's."""
        wanted = self.optimizer.slots
        if slots.keys() != wanted.keys() or any(slots[slot].keys() != self.parameters.keys() for slot in wanted):
            raise ValueError(f"optimiser slots {sorted(slots)} don't fit this optimiser's: {sorted(wanted)}")
        self.resting = slots
        for slot, arrays in slots.items():
            for name, parameter in self.parameters.items():
                if parameter.trainable:
                    self.optimizer.slot(slot, parameter).assign(from_canonical(arrays[name]))

    def _slot(self, slot, name):
        parameter = self.parameters[name]
        if not parameter.trainable:
            return self.resting[slot][name]
        return to_canonical(get_array(self.optimizer.slot(slot, parameter)))

    def state(self):
        """The loss scale of fp16, and for how many steps it has held."""
        if self.scaler is None:
            return {}
        scale, steps = get_array(self.scaler.dynamic_scale), get_array(self.scaler.step_counter)
        return {"loss_scale": float(scale), "loss_scale_steps": int(steps)}

    def assign_state(self, state):
        """The inverse of `state`."""
        if self.scaler and state:
            self.scaler.dynamic_scale.assign(state["loss_scale"])
            self.scaler.step_counter.assign(state["loss_scale_steps"])


class _Part:
    """A loss of parts of a batch, of which the optimizer takes the mean: made to add up."""

    def __init__(self, loss, parts):
        self.terms = loss.terms
        self.terms_of = loss
        self.parts = parts

    def __call__(self, heads, targets, size):
        terms = self.terms_of(heads, targets, size)
        return {**terms, "loss": terms["loss"] * self.parts}


class _Shared:
    """A loss of a process's share of a batch, divided by what counts in the whole batch."""

    def __init__(self, loss):
        self.terms = loss.terms
        self.terms_of = loss

    def __call__(self, heads, targets, size):
        return self.terms_of(heads, whole(targets), size)


def make_optimizer(model, options: Optimizer):
    """SGD or Adam with coupled weight decay, or AdamW, on kernels only: not on biases, not on batch norms.

    Args:
        options: the recipe's `optimizer` section
    """
    optimizer = OPTIMIZERS[options.name](options)
    optimizer.build(model.trainable_variables)
    return optimizer
