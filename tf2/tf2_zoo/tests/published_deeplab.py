"""DeepLab as TensorFlow's model zoo published it, forward alone, of its checkpoint's own arrays: an oracle.

It shares nothing with the importers and networks that it is held against. Graph: research/deeplab/model.py and
core/xception.py, research/slim/nets/mobilenet/mobilenet_v2.py of github.com/tensorflow/models, in float64.
"""

import tensorflow as tf

BACKBONE_EPS, EPS = 1e-3, 1e-5
MOBILE_STRIDES = {1: 2, 3: 2, 6: 2, 13: 2}  # of the expanded_conv of that number; the others stride by 1


class Published:
    """The graph at an output stride, on "xception" or "mobilenetv2"; calls: uint8 (B, H, W, 3) -> float64 (B, H, W, C).

    Args:
        arrays: by their names in a checkpoint
    """

    def __init__(self, arrays, backbone, output_stride):
        self.arrays = {name: tf.constant(array, tf.float64) for name, array in arrays.items()}
        self.backbone, self.output_stride = backbone, output_stride

    def __call__(self, images):
        x = tf.cast(images, tf.float64) / 127.5 - 1
        size = x.shape[1:3]
        if self.backbone == "mobilenetv2":
            return corners_meet(self.logits(self.pyramid(self.mobilenet(x), ())), size)
        x, low = self.xception(x)
        x = self.pyramid(x, [rate * 16 // self.output_stride for rate in (6, 12, 18)])
        low = self.conv("decoder/feature_projection0", low, tf.nn.relu, EPS)
        x = tf.concat([corners_meet(x, low.shape[1:3]), low], -1)
        for name in ("decoder/decoder_conv0", "decoder/decoder_conv1"):
            x = self.separable(name, x, tf.nn.relu, EPS)
        return corners_meet(self.logits(x), size)

    def mobilenet(self, x):
        x = self.conv("MobilenetV2/Conv", x, tf.nn.relu6, stride=2)
        total, rate = 2, 1
        for number in range(17):
            scope, before = f"MobilenetV2/expanded_conv{f'_{number}' if number else ''}", x
            stride, dilation = MOBILE_STRIDES.get(number, 1), 1
            if total == self.output_stride:
                stride, dilation, rate = 1, rate, rate * stride
            total *= stride
            if number:
                x = self.conv(f"{scope}/expand", x, tf.nn.relu6)
            x = self.depthwise(f"{scope}/depthwise", x, tf.nn.relu6, stride=stride, rate=dilation)
            x = self.conv(f"{scope}/project", x, tf.identity)
            x = x + before if before.shape == x.shape else x
        return x

    def xception(self, x):
        x = self.conv("xception_65/entry_flow/conv1_1", x, tf.nn.relu, stride=2, fixed=True)
        x = self.conv("xception_65/entry_flow/conv1_2", x, tf.nn.relu)
        units = [(f"entry_flow/block{number}/unit_1", 2, "conv") for number in (1, 2, 3)]
        units += [(f"middle_flow/block1/unit_{number}", 1, "sum") for number in range(1, 17)]
        units += [("exit_flow/block1/unit_1", 2, "conv"), ("exit_flow/block2/unit_1", 1, "none")]
        total, rate, low = 2, 1, None
        for unit, stride, kind in units:
            scope, before, dilation = f"xception_65/{unit}/xception_module", x, 1
            if total == self.output_stride:
                stride, dilation, rate = 1, rate, rate * stride
            total *= stride
            for number in (1, 2, 3):
                last = {"stride": stride if number == 3 else 1, "rate": dilation}
                if kind == "none":
                    x = self.separable(f"{scope}/separable_conv{number}", x, tf.nn.relu, BACKBONE_EPS, **last)
                else:
                    x = self.separable(
                        f"{scope}/separable_conv{number}", tf.nn.relu(x), tf.identity, BACKBONE_EPS, **last
                    )
                if unit == "entry_flow/block2/unit_1" and number == 2:
                    low = x
            if kind == "conv":
                x += self.conv(f"{scope}/shortcut", before, tf.identity, stride=stride)
            elif kind == "sum":
                x += before
        return x, low

    def pyramid(self, x, rates):
        pooled = self.conv("image_pooling", tf.reduce_mean(x, (1, 2), keepdims=True), tf.nn.relu, EPS)
        branches = [corners_meet(pooled, x.shape[1:3]), self.conv("aspp0", x, tf.nn.relu, EPS)]
        for number, rate in enumerate(rates, 1):
            branches.append(self.separable(f"aspp{number}", x, tf.nn.relu, EPS, rate=rate))
        return self.conv("concat_projection", tf.concat(branches, -1), tf.nn.relu, EPS)

    def logits(self, x):
        x = tf.nn.conv2d(x, self.arrays["logits/semantic/weights"], 1, "SAME")
        return x + self.arrays["logits/semantic/biases"]

    def conv(self, scope, x, activation, eps=BACKBONE_EPS, stride=1, fixed=False):
        """Convolution, batch norm, activation.

        Args:
            fixed: whether it pads on all sides alike whatever the size
        """
        x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]) if fixed else x
        x = tf.nn.conv2d(x, self.arrays[f"{scope}/weights"], stride, "VALID" if fixed else "SAME")
        return activation(self.norm(scope, x, eps))

    def depthwise(self, scope, x, activation, eps=BACKBONE_EPS, stride=1, rate=1, fixed=False):
        x = tf.pad(x, [[0, 0], [rate, rate], [rate, rate], [0, 0]]) if fixed else x
        padding, kernel = "VALID" if fixed else "SAME", self.arrays[f"{scope}/depthwise_weights"]
        x = tf.nn.depthwise_conv2d(x, kernel, (1, stride, stride, 1), padding, dilations=(rate, rate))
        return activation(self.norm(scope, x, eps))

    def separable(self, scope, x, activation, eps, stride=1, rate=1):
        x = self.depthwise(f"{scope}_depthwise", x, activation, eps, stride, rate, fixed=stride > 1)
        return self.conv(f"{scope}_pointwise", x, activation, eps)

    def norm(self, scope, x, eps):
        leaves = ("moving_mean", "moving_variance", "gamma", "beta")
        mean, variance, gamma, beta = (self.arrays[f"{scope}/BatchNorm/{leaf}"] for leaf in leaves)
        return (x - mean) / tf.sqrt(variance + eps) * gamma + beta


def corners_meet(x, size):
    """Bilinear, the centres of the outermost pixels on one another: float64 (B, h, w, C) -> (B, *size, C).

    By matrices, since TensorFlow's own gives float32.
    """
    for axis, new in zip("hw", size, strict=True):
        old = x.shape["bhwc".index(axis)]
        places = tf.range(new, dtype=tf.float64) * ((old - 1) / max(new - 1, 1))
        weights = tf.nn.relu(1 - tf.abs(places[:, None] - tf.range(old, dtype=tf.float64)))
        x = tf.einsum(f"n{axis},bhwc->{'bnwc' if axis == 'h' else 'bhnc'}", weights, x)
    return x
