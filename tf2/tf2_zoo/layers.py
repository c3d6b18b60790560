"""What tf.Module lacks: a convolution and a batch normalisation with parameters, and modules and variables by name."""

import tensorflow as tf


class Conv2d(tf.Module):
    """Convolution with symmetric zero padding: (B, H, W, in) -> (B, H / stride, W / stride, out).

    kernel_size: its side, or (height, width), at stride 1 alone
    padding: zeros on each side; None keeps the size but for the stride
    groups: 1, or as many as channels, of which each then has a kernel of its own
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

    def __call__(self, x):
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


class BatchNorm(tf.Module):
    """Batch normalisation by TensorFlow's fused operation: (B, H, W, C) -> (B, H, W, C).

    training: whether to use the batch's mean and variance and to move the stored ones by `momentum`, the share of the
    new batch. Like PyTorch it stores the unbiased variance and normalises with the biased one.
    """

    def __init__(self, channels, eps, momentum):
        super().__init__()
        self.eps = eps
        self.momentum = momentum
        self.training = False
        self.weight = tf.Variable(tf.ones(channels))
        self.bias = tf.Variable(tf.zeros(channels))
        self.running_mean = tf.Variable(tf.zeros(channels), trainable=False)
        self.running_var = tf.Variable(tf.ones(channels), trainable=False)

    def __call__(self, x):
        # the raw operation, since tf.nn's wrapper raises eps to 1.001e-5
        output, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=self.weight,
            offset=self.bias,
            mean=self.running_mean,
            variance=self.running_var,
            epsilon=self.eps,
            exponential_avg_factor=self.momentum if self.training else 1.0,
            is_training=self.training,
        )
        if self.training:
            self.running_mean.assign(mean)
            self.running_var.assign(variance)
        return output


class GroupNorm(tf.Module):
    """Normalisation of groups of channels, each image by itself: (B, H, W, C) -> (B, H, W, C), computed in float32."""

    def __init__(self, groups, channels, eps):
        super().__init__()
        self.groups = groups
        self.eps = eps
        self.weight = tf.Variable(tf.ones(channels))
        self.bias = tf.Variable(tf.zeros(channels))

    def __call__(self, x):
        batch, channels = tf.shape(x)[0], x.shape[-1]
        wide = tf.reshape(
            tf.cast(x, tf.float32), (batch, -1, self.groups, channels // self.groups)
        )  # (B, H * W, G, C / G)
        centred = wide - tf.reduce_mean(wide, axis=(1, 3), keepdims=True)
        variance = tf.reduce_mean(centred**2, axis=(1, 3), keepdims=True)
        normalised = tf.reshape(centred * tf.math.rsqrt(variance + self.eps), tf.shape(x))
        return tf.cast(normalised * self.weight + self.bias, x.dtype)


def named_modules(module, prefix=""):
    """Yields (dotted path, module) of a module and all below it, in the order in which attributes were assigned."""
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
