"""bubbliiiing's SSD300 and RetinaNet, built here under their own names: ours give what they give.

See test_bubbliiiing.py, which is about the YOLOs.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812, its usual name

from torch_zoo.tests.test_bubbliiiing import assert_same, drawn, images_of, ours_of
from torch_zoo.tests.test_bubbliiiing_masks import MOBILE


class L2Norm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 20.0))

    def forward(self, x):
        return self.weight[:, None, None] * x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10)


class SSD300(nn.Module):
    """Of two classes and a background."""

    def __init__(self):
        super().__init__()
        layers, inputs = [], 3
        for width in (64, 64, "M", 128, 128, "M", 256, 256, 256, "C", 512, 512, 512, "M", 512, 512, 512):
            if isinstance(width, str):
                layers.append(nn.MaxPool2d(2, 2, ceil_mode=width == "C"))
            else:
                layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
                inputs = width
        fc6, fc7 = nn.Conv2d(512, 1024, 3, padding=6, dilation=6), nn.Conv2d(1024, 1024, 1)
        self.vgg = nn.ModuleList([*layers, nn.MaxPool2d(3, 1, 1), fc6, nn.ReLU(), fc7, nn.ReLU()])
        extras = ((1024, 256, 512, 2, 1), (512, 128, 256, 2, 1), (256, 128, 256, 1, 0), (256, 128, 256, 1, 0))
        self.extras = nn.ModuleList()
        for before, hidden, after, stride, padding in extras:
            self.extras.append(nn.Conv2d(before, hidden, 1))
            self.extras.append(nn.Conv2d(hidden, after, 3, stride, padding))
        self.L2Norm = L2Norm(512)
        levels = ((512, 4), (1024, 6), (512, 6), (256, 6), (256, 4), (256, 4))
        self.loc = nn.ModuleList([nn.Conv2d(channels, 4 * anchors, 3, padding=1) for channels, anchors in levels])
        self.conf = nn.ModuleList([nn.Conv2d(channels, 3 * anchors, 3, padding=1) for channels, anchors in levels])

    def forward(self, x):
        levels = []
        for number, layer in enumerate(self.vgg):
            x = layer(x)
            if number == 22:  # behind the fourth stage
                levels.append(self.L2Norm(x))
        levels.append(x)
        for number, layer in enumerate(self.extras):
            x = F.relu(layer(x))
            if number % 2:
                levels.append(x)
        return tuple(
            torch.cat([layer(level).permute(0, 2, 3, 1).reshape(len(x), -1, length) for layer, level in pairs], 1)
            for length, pairs in ((4, zip(self.loc, levels, strict=True)), (3, zip(self.conf, levels, strict=True)))
        )


class SSDOnMobileNetV2(nn.Module):
    """Of two classes and a background: the first level is what block 13 gives, divided by its length."""

    def __init__(self):
        super().__init__()
        blocks, inputs = [paired(3, 32, 3, 2)], 32
        for expansion, outputs, stride in MOBILE:
            blocks.append(Inverted(inputs, inputs * expansion, outputs, stride))
            inputs = outputs
        self.mobilenet = nn.Sequential(*blocks, paired(320, 1280, 1))
        extras = ((1280, 256, 512), (512, 128, 256), (256, 128, 256), (256, 64, 64))
        self.extras = nn.ModuleList([Inverted(*numbers, 2) for numbers in extras])
        self.L2Norm = L2Norm(96)
        levels = (96, 1280, 512, 256, 256, 64)
        self.loc = nn.ModuleList([nn.Conv2d(channels, 6 * 4, 3, padding=1) for channels in levels])
        self.conf = nn.ModuleList([nn.Conv2d(channels, 6 * 3, 3, padding=1) for channels in levels])

    def forward(self, x):
        x = self.mobilenet[:14](x)
        levels = [self.L2Norm(x), self.mobilenet[14:](x)]
        for block in self.extras:
            levels.append(F.relu(block(levels[-1])))
        return tuple(
            torch.cat([layer(level).permute(0, 2, 3, 1).reshape(len(x), -1, length) for layer, level in pairs], 1)
            for length, pairs in ((4, zip(self.loc, levels, strict=True)), (3, zip(self.conf, levels, strict=True)))
        )


def paired(inputs, outputs, kernel, stride=1, groups=1):
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU6())


class Inverted(nn.Module):
    """An inverted residual with torchvision's names."""

    def __init__(self, inputs, hidden, outputs, stride):
        super().__init__()
        layers = [paired(inputs, hidden, 1)] if hidden != inputs else []
        layers += [paired(hidden, hidden, 3, stride, hidden), nn.Conv2d(hidden, outputs, 1, bias=False)]
        self.conv = nn.Sequential(*layers, nn.BatchNorm2d(outputs))
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


class Basic(nn.Module):
    """ResNet-18's block."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride == 2:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, 2, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        hidden = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(hidden + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    """With retinanet-pytorch's pool, of which nothing lies left of the features or above.

    Args:
        blank: whether the features' first row and column are 0
    """

    blank = False

    def __init__(self):
        super().__init__()
        self.model = nn.Module()
        self.model.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.model.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for number, outputs in enumerate((64, 128, 256, 512), 1):
            blocks = nn.Sequential(Basic(inputs, outputs, min(number, 2)), Basic(outputs, outputs, 1))
            setattr(self.model, f"layer{number}", blocks)
            inputs = outputs

    def forward(self, x):
        x = F.relu(self.model.bn1(self.model.conv1(x)))
        if self.blank:
            x[:, :, 0], x[..., 0] = 0, 0
        x = self.model.layer1(F.max_pool2d(x, 3, 2, ceil_mode=True))
        c3 = self.model.layer2(x)
        c4 = self.model.layer3(c3)
        return c3, c4, self.model.layer4(c4)


class Pyramid(nn.Module):
    def __init__(self):
        super().__init__()
        for level, channels in ((3, 128), (4, 256), (5, 512)):
            setattr(self, f"P{level}_1", nn.Conv2d(channels, 256, 1))
            setattr(self, f"P{level}_2", nn.Conv2d(256, 256, 3, padding=1))
        self.P6 = nn.Conv2d(512, 256, 3, 2, 1)
        self.P7_2 = nn.Conv2d(256, 256, 3, 2, 1)

    def forward(self, c3, c4, c5):
        x5 = self.P5_1(c5)
        x4 = self.P4_1(c4)
        x4 = x4 + F.interpolate(x5, x4.shape[2:])
        x3 = self.P3_1(c3)
        x3 = x3 + F.interpolate(x4, x3.shape[2:])
        p6 = self.P6(c5)
        return self.P3_2(x3), self.P4_2(x4), self.P5_2(x5), p6, self.P7_2(F.relu(p6))


class Tower(nn.Module):
    def __init__(self, length):
        super().__init__()
        self.length = length
        for number in range(1, 5):
            setattr(self, f"conv{number}", nn.Conv2d(256, 256, 3, padding=1))
        self.output = nn.Conv2d(256, 9 * length, 3, padding=1)

    def forward(self, x):
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = F.relu(conv(x))
        return self.output(x).permute(0, 2, 3, 1).reshape(len(x), -1, self.length)


class RetinaNet(nn.Module):
    """On ResNet-18, of two classes."""

    def __init__(self):
        super().__init__()
        self.backbone_net, self.fpn = ResNet18(), Pyramid()
        self.regressionModel, self.classificationModel = Tower(4), Tower(2)

    def forward(self, x):
        levels = self.fpn(*self.backbone_net(x))
        return tuple(
            torch.cat([tower(level) for level in levels], 1)
            for tower in (self.regressionModel, self.classificationModel)
        )


def normalised(images, mean, std):
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    return (x - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


def same_as(theirs, model):
    """Our network of a model with the weights of theirs, its outputs, which equal theirs, and what was imported."""
    theirs, images = drawn(theirs), images_of(300, 300)
    ours, imported = ours_of(theirs, model)
    with torch.no_grad():
        expected = theirs(normalised(images, (104.0, 117.0, 123.0), (1.0, 1.0, 1.0)))
        found = ours(torch.from_numpy(images))
    for output, whole in zip(found, expected, strict=True):
        assert_same(output, whole)
    return ours, found, imported


def test_ssd300_gives_what_theirs_gives():
    _, _, imported = same_as(SSD300(), "ssd300-vgg16")
    assert imported.settings["anchor_preset"] == "ssd300-bubbliiiing"


def test_ssd300_on_mobilenetv2_gives_what_theirs_gives():
    ours, found, imported = same_as(SSDOnMobileNetV2(), "ssd300-mobilenetv2")
    # 19, 10, 5, 3, 2 and 1 cells a side of six anchors
    assert len(ours.spec.grid((300, 300)).boxes) == found[0].shape[1] == 6 * (361 + 100 + 25 + 9 + 4 + 1)
    assert imported.settings["anchor_preset"] == "ssd300-mobilenetv2-bubbliiiing"


def boxes_of_retinanet(deltas, size):
    """Boxes of its deltas y, x, height, width from anchors as it lays them: sizes, then shapes, about each cell."""
    boxes, position = [], 0
    for stride in (8, 16, 32, 64, 128):
        rows, columns = (-(-side // stride) for side in size[::-1])
        for row in range(rows):
            for column in range(columns):
                for scale in (1, 2 ** (1 / 3), 2 ** (2 / 3)):
                    for wide, high in ((1, 1), (1.4, 0.7), (0.7, 1.4)):
                        y, x, log_height, log_width = deltas[position]
                        width, height = (4 * stride * scale * side for side in (wide, high))
                        x, y = (column + 0.5) * stride + x * width, (row + 0.5) * stride + y * height
                        width, height = width * np.exp(log_width), height * np.exp(log_height)
                        boxes.append((x - width / 2, y - height / 2, x + width / 2, y + height / 2))
                        position += 1
    return np.array(boxes)


def test_retinanet_gives_the_boxes_and_scores_that_theirs_gives():
    """Theirs sees the image two pixels further right and down, with nothing before its features' first row and column.

    That is what our pool makes of the same image: what lies within the borders is the same.
    """
    theirs, images = drawn(RetinaNet()), images_of(128, 96)
    ours, imported = ours_of(theirs, "retinanet-resnet18")
    theirs.backbone_net.blank = True
    shifted = F.pad(normalised(images, (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)), (2, 0, 2, 0))
    with torch.no_grad():
        deltas, scores = theirs(shifted)
        found_deltas, found_scores = (output.numpy() for output in ours(torch.from_numpy(images)))
    expected = boxes_of_retinanet(deltas[0].double().numpy(), (128, 96)) - 2
    found = ours.spec.coding.decode(found_deltas[0], ours.spec.grid((128, 96)).boxes)
    # of each cell ours are shapes, then sizes
    order = np.arange(len(expected)).reshape(-1, 3, 3).swapaxes(1, 2).ravel()
    assert_same(found, expected[order])
    assert_same(found_scores[0], scores[0].numpy()[order])
    assert "pool begins a pixel further" in imported.notes[0]
