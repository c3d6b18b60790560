"""SSD's graphs, as in every framework."""

import pytest
import torch

from common.parity.pseudo import pseudo_arrays
from common.tests.contract.ssd import *  # noqa: F403
from torch_zoo import weights
from torch_zoo.backbones.mobilenet_v2 import MobileNetV2
from torch_zoo.blocks import L2Norm, per_anchor


@pytest.fixture
def rows():
    """(B, H, W, A * K) and K -> what `per_anchor` makes of it."""

    def of(heads, values):
        return per_anchor(torch.from_numpy(heads).permute(0, 3, 1, 2), values).numpy()

    return of


@pytest.fixture
def features():
    """An output stride and float32 (B, H, W, 3) -> features of a MobileNetV2 with pseudo-weights, (B, h, w, C) each."""

    @torch.inference_mode()
    def of(output_stride, images):
        backbone = MobileNetV2(output_stride, last=False).eval()
        weights.assign(backbone, pseudo_arrays(weights.shapes(backbone)))
        return [each.permute(0, 2, 3, 1).numpy() for each in backbone(torch.from_numpy(images).permute(0, 3, 1, 2))]

    return of


def test_each_pixels_features_get_the_length_of_their_scale():
    norm = L2Norm(2)
    x = torch.tensor([[3.0, 4.0], [0.0, 0.0]]).view(2, 2, 1, 1)
    with torch.no_grad():
        norm.scale.copy_(torch.tensor([10.0, 20.0]))
    # 3 / 5 * 10, 4 / 5 * 20; no features stay none
    assert norm(x).flatten().tolist() == pytest.approx([6, 16, 0, 0])
