"""SGD, Adam and AdamW with PyTorch's arithmetic, on variables by canonical name."""

import tensorflow as tf

EPSILON = 1e-8  # Adam's, added to the root of the corrected second moment


class SGD:
    """Momentum, perhaps Nesterov's, on gradients with coupled weight decay.

    Args:
        variables: {name: tf.Variable}
        options: a recipe's `optimizer` section

    Attributes:
        slots: {slot: {name: tf.Variable}}
    """

    def __init__(self, variables, options):
        self.options = options
        self.slots = {"momentum": _zeros(variables)}

    def apply(self, name, variable, gradient, lr):
        """One variable's step.

        Args:
            name: the variable's canonical one
            gradient: with its decay already
        """
        tf.raw_ops.ResourceApplyMomentum(
            var=variable.handle,
            accum=self.slots["momentum"][name].handle,
            lr=lr,
            grad=gradient,
            momentum=self.options.momentum,
            use_nesterov=self.options.nesterov,
        )


class Adam:
    """Adam with a step count of its own for each variable, since what is frozen doesn't count. Otherwise as `SGD`."""

    def __init__(self, variables, options):
        self.options = options
        steps = {name: tf.Variable(0.0) for name in variables}
        self.slots = {"m": _zeros(variables), "v": _zeros(variables), "step": steps}

    def apply(self, name, variable, gradient, lr):
        """One variable's step.

        Args:
            name: the variable's canonical one
            gradient: with its decay already
        """
        beta1, beta2 = self.options.momentum, self.options.beta2
        m, v, step = (self.slots[slot][name] for slot in ("m", "v", "step"))
        count = step.assign_add(1.0)
        m_now = m.assign(beta1 * m + (1 - beta1) * gradient)
        v_now = v.assign(beta2 * v + (1 - beta2) * gradient**2)
        root = tf.sqrt(v_now / (1 - beta2**count)) + EPSILON
        variable.assign_sub(lr / (1 - beta1**count) * m_now / root)


class AdamW(Adam):
    """Adam whose weight decay is apart from the gradient: kernels shrink by lr times it (Loshchilov, Hutter 2019)."""

    def apply(self, name, variable, gradient, lr):
        """One variable's step.

        Args:
            name: the variable's canonical one
            gradient: without decay
        """
        if self.options.weight_decay and len(variable.shape) > 1:  # kernels only
            variable.assign_sub(lr * self.options.weight_decay * variable)
        super().apply(name, variable, gradient, lr)


OPTIMIZERS = {"sgd": SGD, "adam": Adam, "adamw": AdamW}


def _zeros(variables):
    return {name: tf.Variable(tf.zeros_like(variable)) for name, variable in variables.items()}
