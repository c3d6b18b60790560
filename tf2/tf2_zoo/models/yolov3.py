"""YOLOv3 and YOLOv3-SPP (Redmon & Farhadi 2018), the graphs of Darknet's yolov3.cfg and yolov3-spp.cfg.

Attributes stand in the order of those files, so a weight file fills them one after the other. The five-convolution
necks, the lateral connections and the order of concatenation (upsampled features first) follow them too.
"""

from tf2_zoo.backbones.darknet53 import Darknet53
from tf2_zoo.blocks import ConvBlock, Normalize, YOLOHead, concat, upsample
from tf2_zoo.necks import FiveConvs, SPPConvs
from tf2_zoo.network import Network


class YOLOv3(Network):
    """uint8 (B, H, W, 3), sides multiples of 32 -> outputs (B, h, w, A, 5 + C) at strides 32, 16, 8."""

    coarsest_neck = FiveConvs

    def __init__(self, spec):
        super().__init__(spec)
        anchors_p5, anchors_p4, anchors_p3 = spec.anchors_per_cell
        norm = spec.norm
        self.normalize = Normalize(spec.mean, spec.std)
        self.backbone = Darknet53(norm)
        self.neck_p5 = self.coarsest_neck(1024, 512, norm)
        self.head_p5 = YOLOHead(512, 1024, anchors_p5, spec.num_classes, norm)
        self.lateral_p4 = ConvBlock(512, 256, 1, norm=norm)
        self.neck_p4 = FiveConvs(256 + 512, 256, norm)
        self.head_p4 = YOLOHead(256, 512, anchors_p4, spec.num_classes, norm)
        self.lateral_p3 = ConvBlock(256, 128, 1, norm=norm)
        self.neck_p3 = FiveConvs(128 + 256, 128, norm)
        self.head_p3 = YOLOHead(128, 256, anchors_p3, spec.num_classes, norm)

    def from_features(self, features, images):
        c3, c4, c5 = features[8], features[16], features[32]
        p5 = self.neck_p5(c5)
        p4 = self.neck_p4(concat(upsample(self.lateral_p4(p5)), c4))
        p3 = self.neck_p3(concat(upsample(self.lateral_p3(p4)), c3))
        return self.head_p5(p5), self.head_p4(p4), self.head_p3(p3)


class YOLOv3SPP(YOLOv3):
    """YOLOv3 whose coarsest neck sees larger surroundings."""

    coarsest_neck = SPPConvs
