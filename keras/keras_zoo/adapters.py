"""What compares a student's features with its teacher's: 1x1 convolutions to as many channels."""

import keras

from keras_zoo.layers import make_conv


class Adapters(keras.layers.Layer):
    """{stride: (B, H, W, C)} -> in training a tuple of (B, H, W, a teacher's C), otherwise an empty one.

    The regressors of Romero et al. 2015, section 2.2; they go when training ends.

    Args:
        own, wanted: stride -> channels of the student's features, and of the teacher's at the strides to learn
    """

    def __init__(self, own, wanted):
        super().__init__()
        self.strides = tuple(wanted)
        self.convs = [make_conv(own[stride], channels, 1) for stride, channels in wanted.items()]

    def call(self, features, training=None):
        if not training:
            return ()
        return tuple(conv(features[stride]) for conv, stride in zip(self.convs, self.strides, strict=True))
