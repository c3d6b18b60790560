"""Dilated convolutions as sums of products give what the convolution gives."""

import pytest
import torch
from torch import nn

from torch_zoo.dilated import ShiftedConv, shift_wide
from torch_zoo.predictor import make_predictor


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("size", [(9, 7), (6, 20), (3, 5)])  # wider than the dilation, and not
def test_a_sum_of_nine_products_is_the_convolution(size, bias):
    torch.manual_seed(0)
    conv = nn.Conv2d(5, 4, 3, padding=6, dilation=6, bias=bias)
    x = torch.randn(2, 5, *size)
    with torch.no_grad():
        torch.testing.assert_close(ShiftedConv(conv)(x), conv(x))


def test_those_that_gain_are_replaced_and_no_others():
    def conv(channels, dilation, **options):
        return nn.Conv2d(channels, 2, 3, padding=dilation, dilation=dilation, **options)

    model = nn.Sequential(conv(1024, 6), conv(1023, 6), conv(1024, 5), conv(1024, 6, groups=2), conv(1024, 6, stride=2))
    kinds = [type(module) for module in shift_wide(model)]
    assert kinds == [ShiftedConv, *[nn.Conv2d] * 4]


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_a_predictor_in_bf16_on_a_cpu_has_them(precision, monkeypatch):
    seen = []
    monkeypatch.setattr("torch_zoo.predictor.shift_wide", seen.append)
    make_predictor(nn.Conv2d(1, 1, 1), precision, torch.device("cpu"))
    assert len(seen) == (precision == "bf16")
