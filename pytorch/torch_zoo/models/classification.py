"""Classifiers: a backbone, the mean of its last features, and a linear layer.

Heads are torchvision's of ResNet and MobileNetV2, without dropout unless the spec says so: MobileNetV2 has a last
1x1 block before the mean (Sandler et al. 2018, table 2). VGG16 is the one whose fully connected layers are
convolutions (Liu et al. 2016).
"""

from torch import Tensor, nn

from torch_zoo.backbones import make_backbone
from torch_zoo.blocks import ConvBlock, Normalize, global_average_pool, per_image
from torch_zoo.dropout import Dropout
from torch_zoo.network import Features, Network
from trizoo.families.classification.spec import ClassificationSpec


class ClassHead(nn.Module):
    """The mean of all pixels and the predicting linear layer, a 1x1 convolution: (B, in, H, W) -> float32 (B, C).

    Args:
        last_channels: of a 1x1 block before it, None for none
        num_classes: C
        norm: see `ConvBlock`
        dropout: share of what the linear layer takes that training sets to 0
    """

    def __init__(
        self,
        in_channels: int,
        last_channels: int | None,
        num_classes: int,
        norm: str | None = "batch",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.last = None
        if last_channels is not None:
            self.last = ConvBlock(in_channels, last_channels, 1, activation="relu6", norm=norm)
            in_channels = last_channels
        self.dropout = Dropout(dropout)
        self.predict = nn.Conv2d(in_channels, num_classes, 1)

    def forward(self, x: Tensor, images: Tensor) -> Tensor:
        if self.last is not None:
            x = self.last(x)
        return per_image(self.predict(self.dropout(global_average_pool(x), images)))


class Classifier(Network):
    """uint8 (B, H, W, 3) -> logits (B, C)."""

    def __init__(self, spec: ClassificationSpec) -> None:
        super().__init__(spec)
        self.normalize = Normalize(spec.mean, spec.std)
        self.backbone = make_backbone(spec.backbone, spec.norm, stride_on_1x1=spec.stride_on_1x1)
        self.stride = max(self.backbone.channels)
        channels = self.backbone.channels[self.stride]
        self.head = ClassHead(channels, spec.last_channels, spec.num_classes, spec.norm, spec.dropout)

    def from_features(self, features: Features, images: Tensor) -> tuple[Tensor]:
        return (self.head(features[self.stride], images),)
