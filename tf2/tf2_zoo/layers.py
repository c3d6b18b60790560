"""What tf.Module lacks: a call that may be of training, layers with parameters, and modules and variables by name."""

from contextvars import ContextVar

import tensorflow as tf

_training = ContextVar("training", default=False)  # what the call in progress is of; each thread has its own


def is_training():
    """Whether the call in progress is of training."""
    return _training.get()


class Module(tf.Module):
    """A tf.Module whose call is of training or not; a subclass says in `call` what it makes of its inputs.

    A `call` is plain Python, which AutoGraph doesn't rewrite (tracing takes half the time): what depends on a tensor's
    value is `tf.where` or `tf.cond` there.
    """

    @tf.autograph.experimental.do_not_convert
    def __call__(self, *inputs, training: bool | None = None):
        """What `call` makes of the inputs.

        Args:
            training: of this call and of all that it calls in turn. None is what the call around it is, and False where
                there is none. Batch norms alone look at it. Inside a tf.function it is that of the call that is traced
        """
        if training is None:
            return self.call(*inputs)
        before = _training.set(training)
        try:
            return self.call(*inputs)
        finally:
            _training.reset(before)


class Conv2d(Module):
    """Convolution with symmetric zero padding: (B, H, W, in) -> (B, H / stride, W / stride, out).

    Args:
        kernel_size: its side, or (height, width), at stride 1 alone
        bias: whether it has one
        padding: zeros on each side; None keeps the size but for the stride
        groups: 1, or as many as channels, of which each then has a kernel of its own

    Attributes:
        dtype: what it computes in; parameters are float32 always
    """

    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, bias=True, *, padding=None, dilation=1, groups=1
    ):
        super().__init__()
        sides = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
        self.stride = stride
        self.dilation = dilation
        self.padding = dilation * (sides[0] // 2) if padding is None else padding
        # "SAME" pads as symmetrically at stride 1, but at stride 2 only below and on the right
        self.same = stride == 1 and 2 * self.padding == dilation * (sides[0] - 1)
        self.depthwise = groups > 1
        self.dtype = tf.float32
        # of a depthwise kernel TensorFlow has the last two axes the other way around, which is the same in memory
        self.weight = tf.Variable(tf.zeros((*sides, in_channels // groups, out_channels)))
        self.bias = tf.Variable(tf.zeros(out_channels)) if bias else None

    def call(self, x):
        x, kernel = tf.cast(x, self.dtype), tf.cast(self.weight, self.dtype)
        around = [self.padding, self.padding]
        padding = [[0, 0], around, around, [0, 0]]
        if self.depthwise:
            if not self.same:  # given paddings, it can end the process where TensorFlow optimises a graph
                x = tf.pad(x, padding)
            height, width, _, channels = kernel.shape
            kernel, strides = tf.reshape(kernel, (height, width, channels, 1)), (1, self.stride, self.stride, 1)
            padding, rates = "SAME" if self.same else "VALID", (self.dilation, self.dilation)
            x = tf.nn.depthwise_conv2d(x, kernel, strides, padding, dilations=rates)
        else:
            x = tf.nn.conv2d(x, kernel, self.stride, "SAME" if self.same else padding, dilations=self.dilation)
        return x if self.bias is None else tf.nn.bias_add(x, tf.cast(self.bias, self.dtype))


class BatchNorm(Module):
    """Batch normalisation by TensorFlow's fused operation: (B, H, W, C) -> (B, H, W, C).

    In training it uses the batch's mean and variance and moves the stored ones; like PyTorch it stores the unbiased
    variance and normalises with the biased one.

    Args:
        eps: added to the variance
        momentum: the share of the new batch in the stored statistics

    Attributes:
        held: training uses the stored statistics too and leaves them as they are; scale and shift may still be trained
        total: sums a structure of tensors over several devices, all of whose pixels training then goes by; None: each
            device goes by its own
    """

    def __init__(self, channels, eps, momentum):
        super().__init__()
        self.eps = eps
        self.momentum = momentum
        self.held = False
        self.total = None
        self.weight = tf.Variable(tf.ones(channels))
        self.bias = tf.Variable(tf.zeros(channels))
        # of several devices each keeps its own, and what is read is their mean
        of_all = {"synchronization": tf.VariableSynchronization.ON_READ, "aggregation": tf.VariableAggregation.MEAN}
        self.running_mean = tf.Variable(tf.zeros(channels), trainable=False, **of_all)
        self.running_var = tf.Variable(tf.ones(channels), trainable=False, **of_all)

    def call(self, x):
        training = _training.get() and not self.held
        if training and self.total is not None:
            return self._over_devices(x)
        # the raw operation, since tf.nn's wrapper raises eps to 1.001e-5
        output, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=self.weight,
            offset=self.bias,
            mean=self.running_mean,
            variance=self.running_var,
            epsilon=self.eps,
            exponential_avg_factor=self.momentum if training else 1.0,
            is_training=training,
        )
        if training:
            self.running_mean.assign(mean)
            self.running_var.assign(variance)
        return output

    def _over_devices(self, x):
        """`call` in training by the statistics of all devices' pixels, computed in float32."""
        wide = tf.cast(x, tf.float32)
        sums, count = self.total((tf.reduce_sum(wide, (0, 1, 2)), tf.cast(tf.size(x) / x.shape[-1], tf.float32)))
        centred = wide - sums / count
        variance = self.total(tf.reduce_sum(centred**2, (0, 1, 2))) / count
        for stored, new in ((self.running_mean, sums / count), (self.running_var, variance * count / (count - 1))):
            stored.assign((1 - self.momentum) * stored + self.momentum * new)
        return tf.cast(centred * (self.weight * tf.math.rsqrt(variance + self.eps)) + self.bias, x.dtype)


class GroupNorm(Module):
    """Normalisation of groups of channels, each image by itself: (B, H, W, C) -> (B, H, W, C), computed in float32.

    Args:
        groups: how many
        eps: added to the variance
    """

    def __init__(self, groups, channels, eps):
        super().__init__()
        self.groups = groups
        self.eps = eps
        self.weight = tf.Variable(tf.ones(channels))
        self.bias = tf.Variable(tf.zeros(channels))

    def call(self, x):
        batch, channels = tf.shape(x)[0], x.shape[-1]
        wide = tf.reshape(
            tf.cast(x, tf.float32), (batch, -1, self.groups, channels // self.groups)
        )  # (B, H * W, G, C / G)
        centred = wide - tf.reduce_mean(wide, axis=(1, 3), keepdims=True)
        variance = tf.reduce_mean(centred**2, axis=(1, 3), keepdims=True)
        normalised = tf.reshape(centred * tf.math.rsqrt(variance + self.eps), tf.shape(x))
        return tf.cast(normalised * self.weight + self.bias, x.dtype)


def named_modules(module, prefix=""):
    """Yields (dotted path, module) of a module and all below it, in the order in which attributes were assigned.

    Args:
        prefix: the path of the module itself
    """
    yield prefix, module
    for name, value in _attributes(module, prefix):
        if isinstance(value, tf.Module):
            yield from named_modules(value, name)


def named_variables(module):
    """Dotted path -> tf.Variable of a module and all below it, parameters and statistics, in order."""
    return {
        name: value
        for prefix, part in named_modules(module)
        for name, value in _attributes(part, prefix)
        if isinstance(value, tf.Variable)
    }


def _attributes(module, prefix):
    """Yields (dotted path, value) of a module's own attributes, each item of a list by its number."""
    for name, value in vars(module).items():
        path = f"{prefix}.{name}" if prefix else name
        if name.startswith("_"):  # TensorFlow's
            continue
        if isinstance(value, list):
            yield from ((f"{path}.{number}", item) for number, item in enumerate(value))
        else:
            yield path, value
