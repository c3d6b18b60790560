"""Embeddings: a backbone, the mean of its last features, and a linear layer to a vector of length 1.

Beside the vector stand its cosines with a centre of each class, by which some losses teach (Deng et al. 2019).
"""

from torch import Tensor, nn

from torch_zoo.angles import cosines, unit_length
from torch_zoo.backbones import make_backbone
from torch_zoo.blocks import ConvBlock, Normalize, global_average_pool, per_image
from torch_zoo.network import Features, Network
from trizoo.families.embedding.spec import EmbeddingSpec


class EmbeddingHead(nn.Module):
    """The mean of all pixels as a vector of length 1, and its cosines with each class's centre.

    (B, in, H, W) -> float32 (B, D), (B, C).

    Args:
        last_channels: of a 1x1 block before the mean, None for none
        embedding: D
        num_classes: C
        norm: see `ConvBlock`
    """

    def __init__(
        self,
        in_channels: int,
        last_channels: int | None,
        embedding: int,
        num_classes: int,
        norm: str | None = "batch",
    ) -> None:
        super().__init__()
        self.last = None
        if last_channels is not None:
            self.last = ConvBlock(in_channels, last_channels, 1, activation="relu6", norm=norm)
            in_channels = last_channels
        self.embed = nn.Conv2d(in_channels, embedding, 1)
        self.predict = nn.Conv2d(embedding, num_classes, 1, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if self.last is not None:
            x = self.last(x)
        vectors = unit_length(per_image(self.embed(global_average_pool(x))))
        return vectors, cosines(vectors, self.predict)


class EmbeddingNet(Network):
    """uint8 (B, H, W, 3) -> vectors of length 1 (B, D), cosines with the classes' centres (B, C)."""

    def __init__(self, spec: EmbeddingSpec) -> None:
        super().__init__(spec)
        self.normalize = Normalize(spec.mean, spec.std)
        self.backbone = make_backbone(spec.backbone, spec.norm, stride_on_1x1=spec.stride_on_1x1)
        self.stride = max(self.backbone.channels)
        channels = self.backbone.channels[self.stride]
        self.head = EmbeddingHead(channels, spec.last_channels, spec.embedding, spec.num_classes, spec.norm)

    def from_features(self, features: Features, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.head(features[self.stride])
