"""What Keras has in another form: batch normalisation as PyTorch stores it; and layers and variables by name."""

import keras
from keras import ops

from keras_zoo.layout import CHANNELS, CHANNELS_FIRST, DATA_FORMAT, HEIGHT, WIDTH, pad, per_channel, shape
from keras_zoo.native import batch_norm
from keras_zoo.replicas import kept_by_each, total

_BACKEND = keras.backend.backend()
_LEAVES = {"kernel": "weight"}  # Keras's name of a variable -> the canonical one, where they differ
LITTLE_DILATION = 8  # up to which TensorFlow's own way is faster, see `Conv`


class BatchNorm(keras.layers.Layer):
    """Batch normalisation: (B, H, W, C) -> (B, H, W, C), computed in float32.

    In training it uses the batch's mean and variance and moves the stored ones; like PyTorch, and unlike Keras, it
    stores the unbiased variance and normalises with the biased one.

    Args:
        eps: added to the variance
        momentum: what the stored statistics keep of themselves

    Attributes:
        held: training uses the stored statistics too and leaves them as they are; scale and shift may still be trained
        synchronized: training goes by the pixels of all devices, not by each device's own; on JAX it always does
        folded: statistics and scale are in the convolution's kernel already, so only the shift is added
    """

    def __init__(self, channels, eps, momentum):
        super().__init__()
        self.eps = eps
        self.momentum = momentum
        self.held = False
        self.synchronized = False
        self.folded = False
        self.weight = self._vector(channels, "weight", "ones")
        self.bias = self._vector(channels, "bias", "zeros")
        self.running_mean = self._vector(channels, "running_mean", "zeros", trainable=False)
        self.running_var = self._vector(channels, "running_var", "ones", trainable=False)

    def call(self, x, training=None):
        if self.folded:
            return x + ops.cast(per_channel(self.bias), x.dtype)
        x = ops.cast(x, "float32")
        if training and not self.held:
            x, *found = self._of_batch(x)
            for stored, new in zip((self.running_mean, self.running_var), found, strict=True):
                stored.assign(self.momentum * stored + (1 - self.momentum) * ops.stop_gradient(new))
        else:
            x = self._scaled(x - per_channel(self.running_mean), self.running_var)
        return ops.cast(x, self.compute_dtype)

    def _of_batch(self, x):
        """Normalised by the batch's statistics, and its mean and unbiased variance: if possible in one operation."""
        if self.synchronized or _BACKEND == "jax":
            axes = (0, HEIGHT, WIDTH)
            sides = ops.shape(x)
            count = ops.cast(sides[0] * sides[HEIGHT] * sides[WIDTH], "float32")
            sums, count = total([ops.sum(x, axis=axes), count])
            mean = sums / count
            centred = x - per_channel(mean)
            variance = total([ops.sum(ops.square(centred), axis=axes)])[0] / count
            return self._scaled(centred, variance), mean, variance * (count / (count - 1))
        return batch_norm(x, self.weight, self.bias, self.eps)

    def _scaled(self, centred, variance):
        return centred * per_channel(self.weight * ops.rsqrt(variance + self.eps)) + per_channel(self.bias)

    def _vector(self, channels, name, initializer, trainable=True):
        options = {} if trainable else kept_by_each()
        return self.add_weight((channels,), initializer, trainable=trainable, autocast=False, name=name, **options)


class GroupNorm(keras.layers.Layer):
    """Normalisation of groups of channels, each image by itself: (B, H, W, C) -> (B, H, W, C), computed in float32.

    Args:
        groups: how many
        eps: added to the variance
    """

    def __init__(self, groups, channels, eps):
        super().__init__()
        self.groups = groups
        self.eps = eps
        self.weight = self.add_weight((channels,), "ones", autocast=False, name="weight")
        self.bias = self.add_weight((channels,), "zeros", autocast=False, name="bias")

    def call(self, x):
        sides = ops.shape(x)
        grouped = (self.groups, sides[CHANNELS] // self.groups)
        # (B, G, C / G, H * W) or (B, H * W, G, C / G)
        split, axes = ((*grouped, -1), (2, 3)) if CHANNELS_FIRST else ((-1, *grouped), (1, 3))
        wide = ops.reshape(ops.cast(x, "float32"), (sides[0], *split))
        centred = wide - ops.mean(wide, axis=axes, keepdims=True)
        variance = ops.mean(ops.square(centred), axis=axes, keepdims=True)
        normalised = ops.reshape(centred * ops.rsqrt(variance + self.eps), sides)
        return ops.cast(normalised * per_channel(self.weight) + per_channel(self.bias), self.compute_dtype)


class DepthwiseConv(keras.layers.Layer):
    """A convolution with a kernel for each channel: (B, H, W, C) -> (B, H / stride, W / stride, C).

    Its kernels are (h, w, 1, C), as those of a convolution in groups, where Keras's own layer has (h, w, C, 1).

    Args:
        padding: "same" or "valid"
        use_bias: whether it has a bias
    """

    def __init__(self, channels, kernel_size, stride, padding, use_bias, dilation):
        super().__init__()
        self.strides = (stride, stride)
        self.padding = padding
        self.dilation = dilation
        self.kernel = self.add_weight((kernel_size, kernel_size, 1, channels), "zeros", name="kernel")
        self.bias = self.add_weight((channels,), "zeros", name="bias") if use_bias else None

    def call(self, x):
        kernel = ops.transpose(self.kernel, (0, 1, 3, 2))
        x = ops.depthwise_conv(x, kernel, self.strides, self.padding, DATA_FORMAT, self.dilation)
        return x if self.bias is None else x + per_channel(self.bias)


class Conv(keras.layers.Conv2D):
    """Keras's own, but on JAX `keras_zoo.jax_conv`, and of a great dilation on TensorFlow a sum of small ones.

    There Keras has TensorFlow rearrange the map into as many as the dilation's square, each padded: a map of 12x12 with
    a dilation of 36 takes thirteen times as long as the sum of convolutions of 1x1, one for each of the kernel's
    places. Kernels that aren't square, and padding at another stride than 1, are left to Keras on both.
    """

    def convolution_op(self, inputs, kernel):
        (side, width), rate, stride = kernel.shape[:2], self.dilation_rate[0], self.strides[0]
        own = _BACKEND == "jax" or (_BACKEND == "tensorflow" and rate > LITTLE_DILATION)
        if not own or side != width or (self.padding == "same" and stride > 1):
            return super().convolution_op(inputs, kernel)
        reach = (side - 1) * rate
        if self.padding == "same":
            inputs = pad(inputs, reach // 2, reach // 2)
        if _BACKEND == "jax":
            from keras_zoo.jax_conv import conv

            return conv(inputs, ops.convert_to_tensor(kernel), stride, rate)
        height, width = ops.shape(inputs)[HEIGHT] - reach, ops.shape(inputs)[WIDTH] - reach
        terms = []
        for row in range(side):
            for column in range(side):
                top, left = row * rate, column * rate
                seen = inputs[:, top : top + height, left : left + width]
                place = kernel[row : row + 1, column : column + 1]
                terms.append(ops.conv(seen, place, data_format="channels_last"))
        return sum(terms)


def make_conv(in_channels, out_channels, kernel_size, stride=1, padding="same", use_bias=True, dilation=1, groups=1):
    """A convolution that has its variables: (B, H, W, in) -> (B, H / stride, W / stride, out).

    Args:
        padding: "same" or "valid"
        use_bias: whether it has a bias
        groups: 1, or as many as channels
    """
    if groups > 1:
        return DepthwiseConv(in_channels, kernel_size, stride, padding, use_bias, dilation)
    layer = Conv(
        out_channels,
        kernel_size,
        stride,
        padding,
        dilation_rate=dilation,
        data_format=DATA_FORMAT,
        use_bias=use_bias,
        kernel_initializer="zeros",  # values come by name (trizoo.weights.initial), and drawing others takes time
    )
    layer.build(shape(in_channels))
    return layer


def named_layers(layer, prefix=""):
    """Yields (dotted path, layer) of every layer below this one.

    Args:
        prefix: what the paths begin with, its dot included
    """
    # Keras's PyTorch backend keeps sub-layers, but not lists of them, apart from other attributes
    attributes = {**vars(layer), **vars(layer).get("_modules", {})}
    for name, value in attributes.items():
        if name.startswith("_"):
            continue
        several = isinstance(value, list)
        for number, part in enumerate(value if several else [value]):
            if isinstance(part, keras.layers.Layer):
                path = f"{prefix}{name}.{number}" if several else f"{prefix}{name}"
                yield path, part
                yield from named_layers(part, f"{path}.")


def named_variables(model):
    """Canonical name -> keras.Variable of every parameter and statistic, in the order in which layers were made."""
    names = {}
    for path, layer in named_layers(model):
        for variable in layer.variables:  # those of its sub-layers too, which name them again below
            names[id(variable)] = f"{path}.{_LEAVES.get(variable.name, variable.name)}"
    return {names[id(variable)]: variable for variable in model.variables}


def named_parameters(model):
    """`named_variables` without statistics: what is trained, unless it is frozen."""
    return {name: v for name, v in named_variables(model).items() if ".running_" not in name}


def get_array(variable):
    """A variable's value as a NumPy array of its own."""
    return ops.convert_to_numpy(variable)


def set_dtype(model, policy):
    """Sets the dtype policy of a model and all layers below it. Their variables keep their type.

    Args:
        policy: Keras's name of it
    """
    for layer in (model, *(layer for _, layer in named_layers(model))):
        layer.dtype_policy = keras.dtype_policies.get(policy)


def finish(model):
    """Names all layers below a model of images by their paths, and tells Keras that all have their variables.

    They do from the start. Otherwise Keras finds shapes out by calling the model, on PyTorch with batches that take a
    minute.
    """
    for path, layer in named_layers(model):
        layer.name = path
        layer.built = True
    model.build((None, None, None, 3))  # the shape that `export` takes where it is given none
