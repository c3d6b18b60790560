"""SGD, Adam and AdamW with PyTorch's arithmetic: weight decay on kernels, coupled but for AdamW's, unlike Keras's."""

import keras
from keras import ops

from keras_zoo.replicas import strategy, total
from trizoo.recipes.sections import Optimizer

EPSILON = 1e-8  # Adam's, added to the root of the corrected second moment


class _Coupled(keras.optimizers.Optimizer):
    """What all share; see `SGD`. The gradient is clipped first and then decayed."""

    def __init__(self, options):
        super().__init__(learning_rate=0.0, global_clipnorm=options.clip_norm)
        self.options = options
        self.waiting, self.last = None, True

    def get_config(self):
        """What `from_config` makes the optimizer of, as JSON; its learning rate is one of its variables."""
        return {"options": self.options.model_dump(mode="json")}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The inverse of `get_config`."""
        return cls(Optimizer(**config["options"]))

    def build(self, variables):
        """Makes the slots of these variables, {slot: [variable]}, once: the loss scale around this asks again."""
        if not self.built:
            super().build(variables)
            self.slots = self.make_slots(variables)

    def apply(self, grads, trainable_variables=None):
        """As Keras's, of the sums of all devices' gradients, so that what is clipped is the whole."""
        grads = total(grads)
        if self.waiting is None:
            return super().apply(grads, trainable_variables)
        kept = [variable.value + 0 for variable in self.waiting]
        if not self.last:
            return self._backend_increment_gradient_accumulators(grads, self.waiting)
        self._backend_increment_gradient_accumulators([-gradient for gradient in kept], self.waiting)
        parts = self.waiting_parts
        return super().apply([(a + b) / parts for a, b in zip(kept, grads, strict=True)], trainable_variables)

    def _all_reduce_sum_gradients(self, grads_and_vars):
        return grads_and_vars  # TensorFlow's would sum what `apply` has summed

    def zeros(self, variables, name):
        """A variable of zeros for each of these."""
        return [self.add_variable_from_reference(variable, name) for variable in variables]

    def slot(self, name, variable):
        """A variable's slot."""
        return self.slots[name][self._get_variable_index(variable)]

    def decayed(self, gradient, variable):
        """The gradient with the weight decay of a kernel."""
        if self.options.weight_decay and len(variable.shape) > 1:
            return gradient + self.options.weight_decay * variable
        return gradient

    def accumulate(self, parts):
        """From now on a step is taken at every `parts`-th gradient, with the mean of them all.

        On several devices of TensorFlow, which count in no condition of a graph, `last` has to say which that is.
        """
        if strategy() is not None:
            self.waiting, self.waiting_parts = self.zeros(self._trainable_variables, "gradient"), parts
            return
        self.gradient_accumulation_steps = parts
        self._accumulated_gradients = self.zeros(self._trainable_variables, "gradient")

    def drop_parts(self):
        """Forgets gradients that wait for the rest of their batch, which overflowed in another part."""
        calls = getattr(self, "_iterations", None)  # newer Keras's name
        calls = self.iterations if calls is None else calls
        waiting = int(calls.value) % self.gradient_accumulation_steps
        if waiting:
            for gradient in self._accumulated_gradients:
                gradient.assign(ops.zeros(gradient.shape))
            calls.assign(calls - waiting)


@keras.saving.register_keras_serializable(package="trizoo")
class SGD(_Coupled):
    """Momentum, perhaps Nesterov's.

    Args:
        options: a recipe's `optimizer` section
    """

    def make_slots(self, variables):
        """See `_Coupled.build`."""
        return {"momentum": self.zeros(variables, "momentum")}

    def update_step(self, gradient, variable, learning_rate):
        """One variable's step."""
        slot = self.slot("momentum", variable)
        gradient = self.decayed(gradient, variable)
        momentum = self.options.momentum * slot + gradient
        self.assign(slot, momentum)
        direction = gradient + self.options.momentum * momentum if self.options.nesterov else momentum
        self.assign_sub(variable, learning_rate * direction)


@keras.saving.register_keras_serializable(package="trizoo")
class Adam(_Coupled):
    """Adam with a step count of its own for each variable, since what is frozen doesn't count.

    Args:
        options: a recipe's `optimizer` section
    """

    def make_slots(self, variables):
        """See `_Coupled.build`."""
        m, v = self.zeros(variables, "m"), self.zeros(variables, "v")
        return {"m": m, "v": v, "step": [self.add_variable((), name="step") for _ in variables]}

    def update_step(self, gradient, variable, learning_rate):
        """One variable's step."""
        beta1, beta2 = self.options.momentum, self.options.beta2
        m, v, step = slots = [self.slot(name, variable) for name in self.slots]
        gradient = self.decayed(gradient, variable)
        now = (beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * ops.square(gradient), step + 1)
        for slot, value in zip(slots, now, strict=True):
            self.assign(slot, value)
        m, v, step = now
        root = ops.sqrt(v / (1 - beta2**step)) + EPSILON
        self.assign_sub(variable, learning_rate / (1 - beta1**step) * m / root)


@keras.saving.register_keras_serializable(package="trizoo")
class AdamW(Adam):
    """Adam whose weight decay is apart from the gradient: kernels shrink by lr times it (Loshchilov, Hutter 2019).

    Args:
        options: a recipe's `optimizer` section
    """

    def decayed(self, gradient, variable):
        """The gradient as it is."""
        return gradient

    def update_step(self, gradient, variable, learning_rate):
        """One variable's step."""
        if self.options.weight_decay and len(variable.shape) > 1:
            self.assign_sub(variable, learning_rate * self.options.weight_decay * variable)
        super().update_step(gradient, variable, learning_rate)


OPTIMIZERS = {"sgd": SGD, "adam": Adam, "adamw": AdamW}
