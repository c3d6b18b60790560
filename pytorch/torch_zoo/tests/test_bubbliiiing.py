"""bubbliiiing's YOLOs, built here from their description under their own names: ours give what they give.

Each module has the attributes that its repository's has, so that its state dict has the names of a file of a user's.
"""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812, its usual name

import trizoo
from torch_zoo import weights
from torch_zoo.families import make_network
from trizoo.families import model_spec
from trizoo.weights.convert import convert
from trizoo.weights.importers import import_weights
from trizoo.weights.importers.shapes import check_shapes
from trizoo.weights.readers import Weights

CLASSES = ["cat", "dog"]
OUTPUTS = 3 * (5 + len(CLASSES))


def block(inputs, outputs, kernel, stride=1, activation=None):
    """Convolution, batch norm, activation, with the names that all of the YOLOs there have."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, bn=nn.BatchNorm2d(outputs), activation=activation or nn.LeakyReLU(0.1)))


def convs(inputs, widths, *more):
    """Blocks of kernels 1, 3, 1, 3 ... one after the other, and what follows them."""
    blocks = [
        block(before, after, 3 if number % 2 else 1)
        for number, (before, after) in enumerate(zip((inputs, *widths[:-1]), widths, strict=True))
    ]
    return nn.Sequential(*blocks, *more)


def head(inputs, hidden):
    return nn.Sequential(block(inputs, hidden, 3), nn.Conv2d(hidden, OUTPUTS, 1))


def twice(x):
    return F.interpolate(x, scale_factor=2, mode="nearest")


class Upsampled(nn.Module):
    """A block whose name is upsample.0, and twice the size."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.upsample = nn.Sequential(block(inputs, outputs, 1))

    def forward(self, x):
        return twice(self.upsample(x))


class DarknetResidual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels // 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels // 2)
        self.conv2 = nn.Conv2d(channels // 2, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        hidden = F.leaky_relu(self.bn1(self.conv1(x)), 0.1)
        return x + F.leaky_relu(self.bn2(self.conv2(hidden)), 0.1)


class Darknet53(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        for number, count in enumerate((1, 2, 8, 8, 4), 1):
            channels = 32 * 2**number
            layers = OrderedDict(
                ds_conv=nn.Conv2d(channels // 2, channels, 3, 2, 1, bias=False),
                ds_bn=nn.BatchNorm2d(channels),
                ds_relu=nn.LeakyReLU(0.1),
            )
            layers |= {f"residual_{place}": DarknetResidual(channels) for place in range(count)}
            setattr(self, f"layer{number}", nn.Sequential(layers))

    def forward(self, x):
        x = self.layer2(self.layer1(F.leaky_relu(self.bn1(self.conv1(x)), 0.1)))
        c3 = self.layer3(x)
        c4 = self.layer4(c3)
        return c3, c4, self.layer5(c4)


class YOLOv3(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = Darknet53()
        for level, (inputs, width) in enumerate(((1024, 512), (768, 256), (384, 128))):
            if level:
                setattr(self, f"last_layer{level}_conv", block(2 * width, width, 1))
            layers = convs(inputs, (width, 2 * width) * 3, nn.Conv2d(2 * width, OUTPUTS, 1))
            setattr(self, f"last_layer{level}", layers)

    def forward(self, x):
        c3, c4, c5 = self.backbone(x)
        p5 = self.last_layer0[:5](c5)
        p4 = self.last_layer1[:5](torch.cat([twice(self.last_layer1_conv(p5)), c4], 1))
        p3 = self.last_layer2[:5](torch.cat([twice(self.last_layer2_conv(p4)), c3], 1))
        return self.last_layer0[5:](p5), self.last_layer1[5:](p4), self.last_layer2[5:](p3)


class CSPResidual(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.block = nn.Sequential(
            block(width, hidden, 1, activation=nn.Mish()), block(hidden, width, 3, activation=nn.Mish())
        )

    def forward(self, x):
        return x + self.block(x)


class CSPStage(nn.Module):
    def __init__(self, channels, count):
        super().__init__()
        width = channels if count == 1 else channels // 2
        self.downsample_conv = block(channels // 2, channels, 3, 2, nn.Mish())
        self.split_conv0 = block(channels, width, 1, activation=nn.Mish())
        self.split_conv1 = block(channels, width, 1, activation=nn.Mish())
        residuals = [CSPResidual(width, channels // 2) for _ in range(count)]
        self.blocks_conv = nn.Sequential(*residuals, block(width, width, 1, activation=nn.Mish()))
        self.concat_conv = block(2 * width, channels, 1, activation=nn.Mish())

    def forward(self, x):
        x = self.downsample_conv(x)
        return self.concat_conv(torch.cat([self.blocks_conv(self.split_conv1(x)), self.split_conv0(x)], 1))


class CSPDarknet53(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = block(3, 32, 3, activation=nn.Mish())
        self.stages = nn.ModuleList([CSPStage(64 * 2**n, count) for n, count in enumerate((1, 2, 8, 8, 4))])

    def forward(self, x):
        x = self.conv1(x)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features[2:]


class YOLOv4(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = CSPDarknet53()
        self.conv1 = convs(1024, (512, 1024, 512))
        self.conv2 = convs(2048, (512, 1024, 512))
        self.upsample1, self.conv_for_P4 = Upsampled(512, 256), block(512, 256, 1)
        self.make_five_conv1 = convs(512, (256, 512, 256, 512, 256))
        self.upsample2, self.conv_for_P3 = Upsampled(256, 128), block(256, 128, 1)
        self.make_five_conv2 = convs(256, (128, 256, 128, 256, 128))
        self.yolo_head3 = head(128, 256)
        self.down_sample1 = block(128, 256, 3, 2)
        self.make_five_conv3 = convs(512, (256, 512, 256, 512, 256))
        self.yolo_head2 = head(256, 512)
        self.down_sample2 = block(256, 512, 3, 2)
        self.make_five_conv4 = convs(1024, (512, 1024, 512, 1024, 512))
        self.yolo_head1 = head(512, 1024)

    def forward(self, x):
        c3, c4, c5 = self.backbone(x)
        x = self.conv1(c5)
        p5 = self.conv2(torch.cat([*(F.max_pool2d(x, side, 1, side // 2) for side in (13, 9, 5)), x], 1))
        p4 = self.make_five_conv1(torch.cat([self.conv_for_P4(c4), self.upsample1(p5)], 1))
        p3 = self.make_five_conv2(torch.cat([self.conv_for_P3(c3), self.upsample2(p4)], 1))
        p4 = self.make_five_conv3(torch.cat([self.down_sample1(p3), p4], 1))
        p5 = self.make_five_conv4(torch.cat([self.down_sample2(p4), p5], 1))
        return self.yolo_head1(p5), self.yolo_head2(p4), self.yolo_head3(p3)


class SE(nn.Module):
    def __init__(self, channels):
        super().__init__()
        hidden = channels // 16
        self.fc = nn.Sequential(
            nn.Linear(channels, hidden, bias=False), nn.ReLU(), nn.Linear(hidden, channels, bias=False), nn.Sigmoid()
        )

    def forward(self, x):
        return x * self.fc(x.mean((2, 3)))[..., None, None]


class CBAM(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.channelattention, self.spatialattention = nn.Module(), nn.Module()
        self.channelattention.fc1 = nn.Conv2d(channels, channels // 8, 1, bias=False)
        self.channelattention.fc2 = nn.Conv2d(channels // 8, channels, 1, bias=False)
        self.spatialattention.conv1 = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x):
        def weighed(values):
            return self.channelattention.fc2(F.relu(self.channelattention.fc1(values)))

        x = x * (weighed(x.mean((2, 3), keepdim=True)) + weighed(F.adaptive_max_pool2d(x, 1))).sigmoid()
        of_channels = torch.cat([x.mean(1, keepdim=True), x.max(1, keepdim=True)[0]], 1)
        return x * self.spatialattention.conv1(of_channels).sigmoid()


class ECA(nn.Module):
    def __init__(self, channels):
        super().__init__()
        side = {128: 5, 256: 5, 512: 5}[channels]  # (log2 + 1) / 2 is 4, 4.5 and 5: cut off, then made odd upwards
        self.conv = nn.Conv1d(1, 1, side, padding=side // 2, bias=False)

    def forward(self, x):
        return x * self.conv(x.mean((2, 3))[:, None]).sigmoid()[:, 0, :, None, None]


class TinyBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = block(channels, channels, 3)
        self.conv2 = block(channels // 2, channels // 2, 3)
        self.conv3 = block(channels // 2, channels // 2, 3)
        self.conv4 = block(channels, channels, 1)

    def forward(self, x):
        whole = self.conv1(x)
        first = self.conv2(whole[:, whole.shape[1] // 2 :])
        part = self.conv4(torch.cat([self.conv3(first), first], 1))
        return F.max_pool2d(torch.cat([whole, part], 1), 2), part


class TinyBackbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = block(3, 32, 3, 2), block(32, 64, 3, 2)
        for number, channels in enumerate((64, 128, 256), 1):
            setattr(self, f"resblock_body{number}", TinyBlock(channels))
        self.conv3 = block(512, 512, 3)

    def forward(self, x):
        x, _ = self.resblock_body1(self.conv2(self.conv1(x)))
        x, _ = self.resblock_body2(x)
        x, c4 = self.resblock_body3(x)
        return c4, self.conv3(x)


class YOLOv4Tiny(nn.Module):
    def __init__(self, attention=nn.Identity):
        super().__init__()
        self.backbone = TinyBackbone()
        self.conv_for_P5 = block(512, 256, 1)
        self.yolo_headP5 = head(256, 512)
        self.upsample = Upsampled(256, 128)
        self.yolo_headP4 = head(384, 256)
        self.feat1_att, self.feat2_att, self.upsample_att = (attention(channels) for channels in (256, 512, 128))

    def forward(self, x):
        c4, c5 = self.backbone(x)
        c4, p5 = self.feat1_att(c4), self.conv_for_P5(self.feat2_att(c5))
        p4 = torch.cat([self.upsample_att(self.upsample(p5)), c4], 1)
        return self.yolo_headP5(p5), self.yolo_headP4(p4)


def drawn(network):
    """A network whose biases and statistics are drawn too, in evaluation."""
    torch.manual_seed(3)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.3, 1.5)
        elif tensor.ndim == 1 and name.endswith(("bias", "running_mean")):
            tensor.uniform_(-0.2, 0.2)
        elif tensor.ndim == 1 and name.endswith("weight"):
            tensor.mul_(torch.empty_like(tensor).uniform_(0.8, 1.6))
    return network.eval()


def images_of(width, height):
    return np.random.default_rng(5).integers(0, 256, (1, height, width, 3), np.uint8)


def ours_of(network, model, options=None):
    """The zoo's model with a network's numbers, taken over as those of a file are, and what the import says.

    Args:
        options: of the zoo's model beside those that the import sets
    """
    arrays = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    imported = import_weights(Weights("pytorch", arrays, {}), model)
    check_shapes(imported, model, "theirs")
    ours = make_network(model_spec(model, len(CLASSES), **(imported.settings | (options or {})))).eval()
    weights.assign(ours, imported.arrays)
    return ours, imported


def assert_same(found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("network", "model", "settings"),
    [
        (YOLOv3, "yolov3", {}),
        (YOLOv4, "yolov4", {"scale_xy": 1.0}),
        (YOLOv4Tiny, "yolov4-tiny", {"scale_xy": 1.0}),
        (lambda: YOLOv4Tiny(SE), "yolov4-tiny", {"scale_xy": 1.0, "attention": "se"}),
        (lambda: YOLOv4Tiny(CBAM), "yolov4-tiny", {"scale_xy": 1.0, "attention": "cbam8"}),
        (lambda: YOLOv4Tiny(ECA), "yolov4-tiny", {"scale_xy": 1.0, "attention": "eca"}),
    ],
    ids=["yolov3", "yolov4", "yolov4-tiny", "yolov4-tiny with SE", "yolov4-tiny with CBAM", "yolov4-tiny with ECA"],
)
def test_a_yolo_gives_what_theirs_gives(network, model, settings):
    theirs, images = drawn(network()), images_of(96, 64)
    ours, imported = ours_of(theirs, model)
    with torch.no_grad():
        expected = theirs(torch.from_numpy(images).permute(0, 3, 1, 2) / 255)
        found = ours(torch.from_numpy(images))
    for level, whole in zip(found, expected, strict=True):
        batch, _, height, width = whole.shape
        # channels are anchors, then box, objectness and classes
        assert_same(level, whole.reshape(batch, 3, -1, height, width).permute(0, 3, 4, 1, 2))
    assert imported.settings == {"mean": (0, 0, 0), "std": (255, 255, 255), **settings}
    assert "anchors aren't in the file" in imported.notes[0]


def test_a_file_of_a_network_within_data_parallel_becomes_a_checkpoint(tmp_path):
    """As torch.save writes it from a training on several GPUs."""
    theirs, images = drawn(YOLOv4Tiny()), images_of(64, 64)
    torch.save(nn.DataParallel(theirs).state_dict(), tmp_path / "best_epoch_weights.pth")
    convert(tmp_path / "best_epoch_weights.pth", tmp_path / "ours.h5", classes=CLASSES)
    predictor = trizoo.load(tmp_path / "ours.h5", "pytorch", precision="fp32")
    with torch.no_grad():
        expected = theirs(torch.from_numpy(images).permute(0, 3, 1, 2) / 255)
        found = predictor.model.eval()(torch.from_numpy(images))
    for level, whole in zip(found, expected, strict=True):
        assert_same(level.flatten(3), whole.permute(0, 2, 3, 1))
    assert (predictor.spec.name, predictor.classes) == ("yolov4-tiny", tuple(CLASSES))
    assert set(predictor.spec.scale_xy) == {1.0}
