"""YOLOv3-tiny, the graph of Darknet's yolov3-tiny.cfg.

Seven 3x3 convolutions with max pools between them, the last pool of stride 1; two heads. The second head's anchors
are the cfg's masks 0,1,2 (see trizoo.families).
"""

from tf2_zoo.blocks import ConvBlock, Normalize, YOLOHead, concat, max_pool, upsample
from tf2_zoo.layers import Module
from tf2_zoo.network import Network

CHANNELS = (16, 32, 64, 128, 256, 512, 1024)


class TinyBackbone(Module):
    """(B, H, W, 3) -> {stride: features}: 256 channels at stride 16 and 1024 at stride 32.

    Args:
        norm: see `ConvBlock`
    """

    def __init__(self, norm="batch"):
        super().__init__()
        in_channels = (3, *CHANNELS[:-1])
        self.convs = [ConvBlock(*pair, 3, norm=norm) for pair in zip(in_channels, CHANNELS, strict=True)]
        self.channels = {16: CHANNELS[4], 32: CHANNELS[6]}

    def call(self, x):
        for conv in self.convs[:4]:
            x = max_pool(conv(x), 2, stride=2)
        c4 = self.convs[4](x)
        x = max_pool(c4, 2, stride=2)
        x = max_pool(self.convs[5](x), 2, stride=1)
        return {16: c4, 32: self.convs[6](x)}


class YOLOv3Tiny(Network):
    """uint8 (B, H, W, 3), sides multiples of 32 -> outputs (B, h, w, A, 5 + C) at strides 32, 16."""

    def __init__(self, spec):
        super().__init__(spec)
        anchors_p5, anchors_p4 = spec.anchors_per_cell
        norm = spec.norm
        self.normalize = Normalize(spec.mean, spec.std)
        self.backbone = TinyBackbone(norm)
        self.neck_p5 = ConvBlock(1024, 256, 1, norm=norm)
        self.head_p5 = YOLOHead(256, 512, anchors_p5, spec.num_classes, norm)
        self.lateral_p4 = ConvBlock(256, 128, 1, norm=norm)
        self.head_p4 = YOLOHead(128 + 256, 256, anchors_p4, spec.num_classes, norm)

    def from_features(self, features, images):
        c4, c5 = features[16], features[32]
        p5 = self.neck_p5(c5)
        p4 = concat(upsample(self.lateral_p4(p5)), c4)
        return self.head_p5(p5), self.head_p4(p4)
