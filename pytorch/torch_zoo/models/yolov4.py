"""YOLOv4 (Bochkovskiy et al. 2020), the graph of Darknet's yolov4.cfg.

Attributes stand in the order of that file, so its weight file fills them one after the other. PANet's way back down
(Liu et al. 2018) makes the file name the finest head first; the model gives the coarsest first, as all do.
"""

from torch import Tensor

from torch_zoo.backbones.csp_darknet53 import CSPDarknet53
from torch_zoo.blocks import ConvBlock, Normalize, YOLOHead, concat, upsample
from torch_zoo.necks import FiveConvs, SPPConvs
from torch_zoo.network import Features, Network
from trizoo.families.yolo.spec import YOLOSpec


class YOLOv4(Network):
    """uint8 (B, H, W, 3), sides multiples of 32 -> outputs (B, h, w, A, 5 + C) at strides 32, 16, 8."""

    def __init__(self, spec: YOLOSpec) -> None:
        super().__init__(spec)
        anchors_p5, anchors_p4, anchors_p3 = spec.anchors_per_cell
        norm = spec.norm
        self.normalize = Normalize(spec.mean, spec.std)
        self.backbone = CSPDarknet53(norm)
        self.spp = SPPConvs(1024, 512, norm)
        self.lateral_p4 = ConvBlock(512, 256, 1, norm=norm)
        self.lateral_c4 = ConvBlock(512, 256, 1, norm=norm)
        self.up_p4 = FiveConvs(256 + 256, 256, norm)
        self.lateral_p3 = ConvBlock(256, 128, 1, norm=norm)
        self.lateral_c3 = ConvBlock(256, 128, 1, norm=norm)
        self.up_p3 = FiveConvs(128 + 128, 128, norm)
        self.head_p3 = YOLOHead(128, 256, anchors_p3, spec.num_classes, norm)
        self.down_p4 = ConvBlock(128, 256, 3, stride=2, norm=norm)
        self.neck_p4 = FiveConvs(256 + 256, 256, norm)
        self.head_p4 = YOLOHead(256, 512, anchors_p4, spec.num_classes, norm)
        self.down_p5 = ConvBlock(256, 512, 3, stride=2, norm=norm)
        self.neck_p5 = FiveConvs(512 + 512, 512, norm)
        self.head_p5 = YOLOHead(512, 1024, anchors_p5, spec.num_classes, norm)

    def from_features(self, features: Features, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        c3, c4, c5 = features[8], features[16], features[32]
        p5 = self.spp(c5)
        p4 = self.up_p4(concat(self.lateral_c4(c4), upsample(self.lateral_p4(p5))))
        p3 = self.up_p3(concat(self.lateral_c3(c3), upsample(self.lateral_p3(p4))))
        p4 = self.neck_p4(concat(self.down_p4(p3), p4))
        p5 = self.neck_p5(concat(self.down_p5(p4), p5))
        return self.head_p5(p5), self.head_p4(p4), self.head_p3(p3)
