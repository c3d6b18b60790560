"""bubbliiiing's DeepLabv3+ and PSPNet, built here under their own names: ours give what they give.

See test_bubbliiiing.py, which is about the YOLOs. ReLUs in place are theirs, too: in Xception's middle flow they change
what is added behind them.
"""

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812, its usual name

from torch_zoo.tests.test_bubbliiiing import CLASSES, assert_same, drawn, images_of, ours_of

# MobileNetV2's blocks: expansion, width, stride
MOBILE = (
    *((1, 16, 1), (6, 24, 2), (6, 24, 1), (6, 32, 2), (6, 32, 1), (6, 32, 1), (6, 64, 2), (6, 64, 1), (6, 64, 1)),
    *((6, 64, 1), (6, 96, 1), (6, 96, 1), (6, 96, 1), (6, 160, 2), (6, 160, 1), (6, 160, 1), (6, 320, 1)),
)
CORNERS = {"mode": "bilinear", "align_corners": True}


def conv(inputs, outputs, kernel, stride=1, rate=1, groups=1, bias=False):
    return nn.Conv2d(inputs, outputs, kernel, stride, rate * (kernel // 2), rate, groups, bias)


class Inverted(nn.Module):
    def __init__(self, inputs, expansion, outputs, stride, rate):
        super().__init__()
        hidden = inputs * expansion
        layers = [conv(inputs, hidden, 1), nn.BatchNorm2d(hidden), nn.ReLU6()] if expansion > 1 else []
        layers += [conv(hidden, hidden, 3, stride, rate, hidden), nn.BatchNorm2d(hidden), nn.ReLU6()]
        self.conv = nn.Sequential(*layers, conv(hidden, outputs, 1), nn.BatchNorm2d(outputs))
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNetV2(nn.Module):
    """At an output stride of 8 or 16, beyond which what strode is dilated half as much as what follows."""

    def __init__(self, output_stride):
        super().__init__()
        blocks, inputs, now, rate = [nn.Sequential(conv(3, 32, 3, 2), nn.BatchNorm2d(32), nn.ReLU6())], 32, 2, 1
        for expansion, outputs, stride in MOBILE:
            strides = stride == 2 and now < output_stride
            now = 2 * now if strides else now
            blocks.append(Inverted(inputs, expansion, outputs, 2 if strides else 1, rate))
            rate = 2 * rate if stride == 2 and not strides else rate
            inputs = outputs
        self.features = nn.Sequential(*blocks)

    def forward(self, x):
        low = self.features[:4](x)
        return low, self.features[4:](low)


class Separable(nn.Module):
    def __init__(self, inputs, outputs, stride=1, rate=1, *, first, in_place=True):
        super().__init__()
        self.relu0 = nn.ReLU(inplace=in_place) if first else nn.Identity()
        self.depthwise, self.bn1 = conv(inputs, inputs, 3, stride, rate, inputs), nn.BatchNorm2d(inputs)
        self.pointwise, self.bn2 = conv(inputs, outputs, 1), nn.BatchNorm2d(outputs)
        self.relu = nn.Identity() if first else nn.ReLU()

    def forward(self, x):
        x = self.relu(self.bn1(self.depthwise(self.relu0(x))))
        return self.relu(self.bn2(self.pointwise(x)))


class Module(nn.Module):
    def __init__(self, inputs, widths, stride=1, rate=1, *, last_in_place=True):
        super().__init__()
        self.skip = None
        if inputs != widths[2] or stride != 1:
            self.skip, self.skipbn = conv(inputs, widths[2], 1, stride), nn.BatchNorm2d(widths[2])
        self.sepconv1 = Separable(inputs, widths[0], 1, rate, first=True, in_place=self.skip is None)
        self.sepconv2 = Separable(widths[0], widths[1], 1, rate, first=True)
        self.sepconv3 = Separable(widths[1], widths[2], stride, rate, first=True, in_place=last_in_place)

    def forward(self, x):
        skip = x if self.skip is None else self.skipbn(self.skip(x))
        self.second = self.sepconv2(self.sepconv1(x))
        return self.sepconv3(self.second) + skip


class Xception(nn.Module):
    def __init__(self, output_stride):
        super().__init__()
        rate = 16 // output_stride
        self.conv1, self.bn1 = conv(3, 32, 3, 2), nn.BatchNorm2d(32)
        self.conv2, self.bn2 = conv(32, 64, 3), nn.BatchNorm2d(64)
        self.block1 = Module(64, (128,) * 3, 2)
        self.block2 = Module(128, (256,) * 3, 2, last_in_place=False)
        self.block3 = Module(256, (728,) * 3, 2 if output_stride == 16 else 1)
        for number in range(4, 20):
            setattr(self, f"block{number}", Module(728, (728,) * 3, rate=rate))
        self.block20 = Module(728, (728, 1024, 1024), rate=rate)
        for number, inputs, outputs in ((3, 1024, 1536), (4, 1536, 1536), (5, 1536, 2048)):
            setattr(self, f"conv{number}", Separable(inputs, outputs, rate=rate, first=False))

    def forward(self, x):
        x = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        x = self.block2(self.block1(x))
        low = self.block2.second
        for number in range(3, 21):
            x = getattr(self, f"block{number}")(x)
        return low, self.conv5(self.conv4(self.conv3(x)))


def branch(inputs, outputs, kernel, rate=1):
    return nn.Sequential(conv(inputs, outputs, kernel, rate=rate, bias=True), nn.BatchNorm2d(outputs), nn.ReLU())


class Pyramid(nn.Module):
    def __init__(self, inputs, rate):
        super().__init__()
        self.branch1 = branch(inputs, 256, 1)
        for number in (2, 3, 4):
            setattr(self, f"branch{number}", branch(inputs, 256, 3, 6 * (number - 1) * rate))
        self.branch5_conv, self.branch5_bn = nn.Conv2d(inputs, 256, 1), nn.BatchNorm2d(256)
        self.conv_cat = branch(5 * 256, 256, 1)

    def forward(self, x):
        pooled = F.relu(self.branch5_bn(self.branch5_conv(x.mean((2, 3), keepdim=True))))
        branches = [self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)]
        return self.conv_cat(torch.cat([*branches, pooled.expand(-1, -1, *x.shape[2:])], 1))


class DeepLab(nn.Module):
    def __init__(self, backbone, low, channels, output_stride):
        super().__init__()
        self.backbone, self.aspp = backbone(output_stride), Pyramid(channels, 16 // output_stride)
        self.shortcut_conv = branch(low, 48, 1)
        self.cat_conv = nn.Sequential(*branch(304, 256, 3), nn.Dropout(), *branch(256, 256, 3), nn.Dropout())
        self.cls_conv = nn.Conv2d(256, len(CLASSES), 1)

    def forward(self, images):
        low, x = self.backbone(images)
        low = self.shortcut_conv(low)
        x = F.interpolate(self.aspp(x), low.shape[2:], **CORNERS)
        return F.interpolate(self.cls_conv(self.cat_conv(torch.cat([x, low], 1))), images.shape[2:], **CORNERS)


class Bottleneck(nn.Module):
    def __init__(self, inputs, width, stride, rate):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3, stride, rate), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = conv(width, 4 * width, 1), nn.BatchNorm2d(4 * width)
        self.downsample = None
        if inputs != 4 * width:
            self.downsample = nn.Sequential(conv(inputs, 4 * width, 1, stride), nn.BatchNorm2d(4 * width))

    def forward(self, x):
        inner = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(self.bn3(self.conv3(inner)) + (x if self.downsample is None else self.downsample(x)))


class ResNet50(nn.Module):
    """Args: nested: whether the first three convolutions are one list, as in resnet50s."""

    def __init__(self, output_stride, nested=False):
        super().__init__()
        self.nested = nested
        if nested:
            first = [conv(3, 64, 3, 2), nn.BatchNorm2d(64), nn.ReLU(), conv(64, 64, 3), nn.BatchNorm2d(64), nn.ReLU()]
            self.conv1, self.bn1 = nn.Sequential(*first, conv(64, 128, 3)), nn.BatchNorm2d(128)
        else:
            for number, inputs, outputs in ((1, 3, 64), (2, 64, 64), (3, 64, 128)):
                setattr(self, f"conv{number}", conv(inputs, outputs, 3, 2 if number == 1 else 1))
                setattr(self, f"bn{number}", nn.BatchNorm2d(outputs))
        inputs, now, rate = 128, 4, 1
        for number, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), 1):
            strides = number > 1 and now < output_stride
            now = 2 * now if strides else now
            stage = [Bottleneck(inputs, width, 2 if strides else 1, rate)]
            rate = 2 * rate if number > 1 and not strides else rate
            stage += [Bottleneck(4 * width, width, 1, rate) for _ in range(blocks - 1)]
            setattr(self, f"layer{number}", nn.Sequential(*stage))
            inputs = 4 * width

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        if not self.nested:
            x = F.relu(self.bn3(self.conv3(F.relu(self.bn2(self.conv2(x))))))
        x = self.layer1(F.max_pool2d(x, 3, 2, 1))
        x = self.layer3(self.layer2(x))
        return x, self.layer4(x)


class Bins(nn.Module):
    def __init__(self, channels):
        super().__init__()
        width = channels // 4
        self.stages = nn.ModuleList(
            [
                nn.Sequential(nn.AdaptiveAvgPool2d(bins), conv(channels, width, 1), nn.BatchNorm2d(width), nn.ReLU())
                for bins in (1, 2, 3, 6)
            ]
        )
        self.bottleneck = nn.Sequential(conv(2 * channels, width, 3), nn.BatchNorm2d(width), nn.ReLU(), nn.Dropout2d())

    def forward(self, x):
        means = [F.interpolate(stage(x), x.shape[2:], **CORNERS) for stage in self.stages]
        return self.bottleneck(torch.cat([x, *means], 1))


class PSPNet(nn.Module):
    def __init__(self, backbone, channels, auxiliary):
        super().__init__()
        self.backbone = backbone
        self.master_branch = nn.Sequential(Bins(channels), nn.Conv2d(channels // 4, len(CLASSES), 1))
        if auxiliary:
            width = channels // 8
            layers = conv(auxiliary, width, 3), nn.BatchNorm2d(width), nn.ReLU(), nn.Dropout2d()
            self.auxiliary_branch = nn.Sequential(*layers, nn.Conv2d(width, len(CLASSES), 1))

    def forward(self, images):
        return F.interpolate(self.master_branch(self.backbone(images)[1]), images.shape[2:], **CORNERS)


@pytest.mark.parametrize(
    ("network", "model", "options", "note"),
    [
        (lambda: DeepLab(MobileNetV2, 24, 320, 16), "deeplabv3plus-mobilenetv2", {}, "16 is taken"),
        (lambda: DeepLab(MobileNetV2, 24, 320, 8), "deeplabv3plus-mobilenetv2", {"output_stride": 8}, "output_stride"),
        (lambda: DeepLab(Xception, 256, 2048, 16), "deeplabv3plus-xception65", {}, "16 is taken"),
        (lambda: DeepLab(Xception, 256, 2048, 8), "deeplabv3plus-xception65", {"output_stride": 8}, "output_stride"),
        (lambda: PSPNet(MobileNetV2(16), 320, 96), "pspnet-mobilenetv2", {}, "auxiliary branch"),
        (lambda: PSPNet(ResNet50(16), 2048, 1024), "pspnet-resnet50", {}, "auxiliary branch"),
        (lambda: PSPNet(ResNet50(8, nested=True), 2048, None), "pspnet-resnet50", {"output_stride": 8}, "16 is taken"),
    ],
    ids=[
        *("deeplab-mobilenetv2", "deeplab-mobilenetv2-8", "deeplab-xception", "deeplab-xception-8"),
        *("pspnet-mobilenetv2", "pspnet-resnet50", "pspnet-resnet50s-8"),
    ],
)
def test_an_older_segmentation_model_gives_what_theirs_gives(network, model, options, note):
    theirs, images = drawn(network()), images_of(100, 84)
    ours, imported = ours_of(theirs, model, options)
    with torch.no_grad():
        expected = theirs(torch.from_numpy(images).permute(0, 3, 1, 2) / 255)
        (found,) = ours(torch.from_numpy(images))
    assert_same(found, expected.permute(0, 2, 3, 1))
    assert note in imported.notes[-1]
    assert imported.settings["align_corners"]
