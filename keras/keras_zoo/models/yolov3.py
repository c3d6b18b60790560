"""YOLOv3 (Redmon & Farhadi 2018), the graph of Darknet's yolov3.cfg.

Attributes stand in the order of that file, so its weight file fills them one after the other. The five-convolution
necks, the lateral connections and the order of concatenation (upsampled features first) follow it too.
"""

import keras

from keras_zoo.backbones.darknet53 import Darknet53
from keras_zoo.blocks import ConvBlock, Normalize, YOLOHead, concat, upsample


class FiveConvs(keras.layers.Layer):
    """1x1, 3x3, 1x1, 3x3, 1x1: (B, H, W, in) -> (B, H, W, out), the 3x3 ones with twice as many channels."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.conv1 = ConvBlock(in_channels, out_channels, 1)
        self.conv2 = ConvBlock(out_channels, out_channels * 2, 3)
        self.conv3 = ConvBlock(out_channels * 2, out_channels, 1)
        self.conv4 = ConvBlock(out_channels, out_channels * 2, 3)
        self.conv5 = ConvBlock(out_channels * 2, out_channels, 1)

    def call(self, x):
        return self.conv5(self.conv4(self.conv3(self.conv2(self.conv1(x)))))


class YOLOv3(keras.Model):
    """uint8 (B, H, W, 3), sides multiples of 32 -> raw heads (B, h, w, A, 5 + C) at strides 32, 16, 8."""

    def __init__(self, spec):
        super().__init__()
        self.spec = spec
        anchors_p5, anchors_p4, anchors_p3 = spec.anchors_per_cell
        self.normalize = Normalize(spec.mean, spec.std)
        self.backbone = Darknet53()
        self.neck_p5 = FiveConvs(1024, 512)
        self.head_p5 = YOLOHead(512, 1024, anchors_p5, spec.num_classes)
        self.lateral_p4 = ConvBlock(512, 256, 1)
        self.neck_p4 = FiveConvs(256 + 512, 256)
        self.head_p4 = YOLOHead(256, 512, anchors_p4, spec.num_classes)
        self.lateral_p3 = ConvBlock(256, 128, 1)
        self.neck_p3 = FiveConvs(128 + 256, 128)
        self.head_p3 = YOLOHead(128, 256, anchors_p3, spec.num_classes)

    def call(self, images):
        c3, c4, c5 = self.backbone(self.normalize(images))
        p5 = self.neck_p5(c5)
        p4 = self.neck_p4(concat(upsample(self.lateral_p4(p5)), c4))
        p3 = self.neck_p3(concat(upsample(self.lateral_p3(p4)), c3))
        return self.head_p5(p5), self.head_p4(p4), self.head_p3(p3)
