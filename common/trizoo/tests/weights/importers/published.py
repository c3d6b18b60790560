"""Names and shapes of public weight files, written down from the published structures and not from the importers.

Each function gives {name: shape} in the file's order. Sums of sizes are those that torchvision publishes as num_params.
"""

import math

import numpy as np

BN = ("weight", "bias", "running_mean", "running_var")
RESNET_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
VGG16_CONVS = (  # place in torchvision's `features`, inputs, outputs
    (0, 3, 64),
    (2, 64, 64),
    (5, 64, 128),
    (7, 128, 128),
    (10, 128, 256),
    (12, 256, 256),
    (14, 256, 256),
    (17, 256, 512),
    (19, 512, 512),
    (21, 512, 512),
    (24, 512, 512),
    (26, 512, 512),
    (28, 512, 512),
)
SSD_LEVELS = ((512, 4), (1024, 6), (512, 6), (256, 6), (256, 4), (256, 4))  # channels, anchors
SSD_EXTRAS = (  # inputs, outputs, kernel
    ((1024, 256, 1), (256, 512, 3)),
    ((512, 128, 1), (128, 256, 3)),
    ((256, 128, 1), (128, 256, 3)),
    ((256, 128, 1), (128, 256, 3)),
)


def parameters(shapes):
    """How many numbers are learned."""
    return sum(math.prod(shape) for name, shape in shapes.items() if "running_" not in name and "tracked" not in name)


def filled(shapes):
    """{name: array}, each full of a number of its own, which takes no memory; variances are 1 and more."""
    return {name: np.broadcast_to(np.float32(number + 1), shape) for number, (name, shape) in enumerate(shapes.items())}


def conv(name, inputs, outputs, kernel, bias=True):
    return {f"{name}.weight": (outputs, inputs, kernel, kernel)} | ({f"{name}.bias": (outputs,)} if bias else {})


def batch_norm(name, channels, counted=True):
    return {f"{name}.{leaf}": (channels,) for leaf in BN} | ({f"{name}.num_batches_tracked": ()} if counted else {})


def resnet(depth, prefix="", counted=True, classifier=True):
    """torchvision's resnet18 to resnet152."""
    shapes = conv(f"{prefix}conv1", 3, 64, 7, False) | batch_norm(f"{prefix}bn1", 64, counted)
    inputs = 64
    for stage, blocks in enumerate(RESNET_BLOCKS[depth]):
        width = 64 * 2**stage
        for block in range(blocks):
            at = f"{prefix}layer{stage + 1}.{block}"
            if depth < 50:
                kernels, outputs = ((inputs, width, 3), (width, width, 3)), width
            else:
                kernels, outputs = ((inputs, width, 1), (width, width, 3), (width, 4 * width, 1)), 4 * width
            for number, (before, after, kernel) in enumerate(kernels, 1):
                shapes |= conv(f"{at}.conv{number}", before, after, kernel, False)
                shapes |= batch_norm(f"{at}.bn{number}", after, counted)
            if block == 0 and (stage > 0 or depth >= 50):
                shapes |= conv(f"{at}.downsample.0", inputs, outputs, 1, False)
                shapes |= batch_norm(f"{at}.downsample.1", outputs, counted)
            inputs = outputs
    return shapes | ({"fc.weight": (1000, inputs), "fc.bias": (1000,)} if classifier else {})


def vgg16():
    """torchvision's vgg16."""
    shapes = {}
    for place, inputs, outputs in VGG16_CONVS:
        shapes |= conv(f"features.{place}", inputs, outputs, 3)
    for place, inputs, outputs in ((0, 25088, 4096), (3, 4096, 4096), (6, 4096, 1000)):
        shapes |= {f"classifier.{place}.weight": (outputs, inputs), f"classifier.{place}.bias": (outputs,)}
    return shapes


def mobilenet_v2():
    """torchvision's mobilenet_v2."""

    def part(name, inputs, outputs, kernel):
        return conv(f"{name}.0", inputs, outputs, kernel, False) | batch_norm(f"{name}.1", outputs)

    shapes, inputs, place = part("features.0", 3, 32, 3), 32, 1
    table = ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1))
    for expansion, outputs, blocks in table:
        for _ in range(blocks):
            hidden, at, next_part = inputs * expansion, f"features.{place}.conv", 0
            if expansion > 1:
                shapes |= part(f"{at}.0", inputs, hidden, 1)
                next_part = 1
            shapes |= part(f"{at}.{next_part}", 1, hidden, 3)
            shapes |= conv(f"{at}.{next_part + 1}", hidden, outputs, 1, False)
            shapes |= batch_norm(f"{at}.{next_part + 2}", outputs)
            inputs, place = outputs, place + 1
    shapes |= part("features.18", 320, 1280, 1)
    return shapes | {"classifier.1.weight": (1000, 1280), "classifier.1.bias": (1000,)}


def ssd300_vgg16(outputs=91):
    """torchvision's ssd300_vgg16."""
    shapes = {"backbone.scale_weight": (512,)}
    for place, inputs, after in VGG16_CONVS[:10]:
        shapes |= conv(f"backbone.features.{place}", inputs, after, 3)
    for place in (1, 3, 5):
        shapes |= conv(f"backbone.extra.0.{place}", 512, 512, 3)
    shapes |= conv("backbone.extra.0.7.1", 512, 1024, 3) | conv("backbone.extra.0.7.3", 1024, 1024, 1)
    for block, (first, second) in enumerate(SSD_EXTRAS, 1):
        shapes |= conv(f"backbone.extra.{block}.0", *first) | conv(f"backbone.extra.{block}.2", *second)
    for kind, length in (("classification", outputs), ("regression", 4)):
        for level, (channels, anchors) in enumerate(SSD_LEVELS):
            shapes |= conv(f"head.{kind}_head.module_list.{level}", channels, anchors * length, 3)
    return shapes


def retinanet(outputs=91, *, old=False, v2=False, counted=True, depth=50):
    """torchvision's retinanet_resnet50_fpn, with its names before 0.13 where old, and retinanet_resnet50_fpn_v2."""
    shapes = resnet(depth, "backbone.body.", counted, classifier=False)
    within = "" if old else ".0"
    for kind, kernel in (("inner", 1), ("layer", 3)):
        for level, channels in enumerate((128, 256, 512) if depth < 50 else (512, 1024, 2048)):
            shapes |= conv(f"backbone.fpn.{kind}_blocks.{level}{within}", channels if kernel == 1 else 256, 256, kernel)
    shapes |= conv("backbone.fpn.extra_blocks.p6", 2048 if v2 else 256, 256, 3)
    shapes |= conv("backbone.fpn.extra_blocks.p7", 256, 256, 3)
    for kind, predicting, length in (("classification", "cls_logits", outputs), ("regression", "bbox_reg", 4)):
        at = f"head.{kind}_head"
        for number in range(4):
            shapes |= conv(f"{at}.conv.{2 * number}" if old else f"{at}.conv.{number}.0", 256, 256, 3, bias=not v2)
            if v2:
                shapes |= {f"{at}.conv.{number}.1.{leaf}": (256,) for leaf in ("weight", "bias")}
        shapes |= conv(f"{at}.{predicting}", 256, 9 * length, 3)
    return shapes


def deeplabv3(depth=50, outputs=21, auxiliary=True):
    """torchvision's deeplabv3_resnet50 and -101; an auxiliary classifier is there in training."""

    def part(name, inputs, after, kernel, place=0):
        shapes = conv(f"{name}.{place}", inputs, after, kernel, False)
        return shapes | batch_norm(f"{name}.{place + 1}", after)

    shapes = resnet(depth, "backbone.", classifier=False)
    shapes |= part("classifier.0.convs.0", 2048, 256, 1)
    for branch in (1, 2, 3):
        shapes |= part(f"classifier.0.convs.{branch}", 2048, 256, 3)
    shapes |= part("classifier.0.convs.4", 2048, 256, 1, place=1)  # behind the pool
    shapes |= part("classifier.0.project", 5 * 256, 256, 1)
    shapes |= part("classifier", 256, 256, 3, place=1) | conv("classifier.4", 256, outputs, 1)
    if auxiliary:
        shapes |= part("aux_classifier", 1024, 256, 3) | conv("aux_classifier.4", 256, outputs, 1)
    return shapes


def amdegroot_vgg16(prefix=""):
    """ssd.pytorch's vgg16_reducedfc."""
    shapes = {}
    for place, inputs, outputs in VGG16_CONVS:
        shapes |= conv(f"{prefix}{place}", inputs, outputs, 3)
    return shapes | conv(f"{prefix}31", 512, 1024, 3) | conv(f"{prefix}33", 1024, 1024, 1)


def amdegroot_ssd300(outputs=21):
    """ssd.pytorch's SSD300."""
    shapes = amdegroot_vgg16("vgg.") | {"L2Norm.weight": (512,)}
    for number, numbers in enumerate(numbers for block in SSD_EXTRAS for numbers in block):
        shapes |= conv(f"extras.{number}", *numbers)
    for kind, length in (("loc", 4), ("conf", outputs)):
        for level, (channels, anchors) in enumerate(SSD_LEVELS):
            shapes |= conv(f"{kind}.{level}", channels, anchors * length, 3)
    return shapes


def keras_conv(layer, inputs, outputs, kernel, bias=True):
    weights = {f"{layer}/{layer}/kernel:0": (kernel, kernel, inputs, outputs)}
    return weights | ({f"{layer}/{layer}/bias:0": (outputs,)} if bias else {})


def keras_batch_norm(layer, channels):
    return {f"{layer}/{layer}/{leaf}:0": (channels,) for leaf in ("gamma", "beta", "moving_mean", "moving_variance")}


def keras_resnet(depth, *, caffe=False, bias=True, top=True):
    """Keras Applications' ResNet50, 101, 152, with Caffe's names as before Keras 2.2.5; keras-resnet's without bias."""
    stem = ("conv1", "bn_conv1") if caffe else ("conv1_conv", "conv1_bn")
    shapes = keras_conv(stem[0], 3, 64, 7, bias) | keras_batch_norm(stem[1], 64)
    inputs = 64
    for stage, blocks in enumerate(RESNET_BLOCKS[depth], 2):
        width = 32 * 2 ** (stage - 1)
        for block in range(blocks):
            numbers = [(inputs, width, 1), (width, width, 3), (width, 4 * width, 1)]
            letter = f"b{block}" if block and depth > 50 and stage in (3, 4) else "abcdefgh"[block]
            for number, (before, after, kernel) in enumerate(numbers, 1):
                branch = f"{stage}{letter}_branch2{'abc'[number - 1]}"
                at = f"conv{stage}_block{block + 1}_{number}"
                shapes |= keras_conv(f"res{branch}" if caffe else f"{at}_conv", before, after, kernel, bias)
                shapes |= keras_batch_norm(f"bn{branch}" if caffe else f"{at}_bn", after)
            if block == 0:
                branch, at = f"{stage}{letter}_branch1", f"conv{stage}_block1_0"
                shapes |= keras_conv(f"res{branch}" if caffe else f"{at}_conv", inputs, 4 * width, 1, bias)
                shapes |= keras_batch_norm(f"bn{branch}" if caffe else f"{at}_bn", 4 * width)
            inputs = 4 * width
    last = "fc1000" if caffe else "probs"
    return shapes | ({f"{last}/{last}/kernel:0": (2048, 1000), f"{last}/{last}/bias:0": (1000,)} if top else {})


def keras_vgg16(top=True):
    """Keras Applications' VGG16."""
    shapes, layer = {}, 0
    for stage, convs in enumerate((2, 2, 3, 3, 3), 1):
        for number in range(1, convs + 1):
            shapes |= keras_conv(f"block{stage}_conv{number}", *VGG16_CONVS[layer][1:], 3)
            layer += 1
    for dense, inputs, outputs in (("fc1", 25088, 4096), ("fc2", 4096, 4096), ("predictions", 4096, 1000)):
        if top:
            shapes |= {f"{dense}/{dense}/kernel:0": (inputs, outputs), f"{dense}/{dense}/bias:0": (outputs,)}
    return shapes


def keras_mobilenet_v2(top=True):
    """Keras Applications' MobileNetV2."""
    shapes = keras_conv("Conv1", 3, 32, 3, False) | keras_batch_norm("bn_Conv1", 32)
    table = ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1))
    inputs, block = 32, 0
    for expansion, outputs, blocks in table:
        for _ in range(blocks):
            at, hidden = f"block_{block}" if block else "expanded_conv", inputs * expansion
            if block:
                shapes |= keras_conv(f"{at}_expand", inputs, hidden, 1, False)
                shapes |= keras_batch_norm(f"{at}_expand_BN", hidden)
            shapes |= {f"{at}_depthwise/{at}_depthwise/depthwise_kernel:0": (3, 3, hidden, 1)}
            shapes |= keras_batch_norm(f"{at}_depthwise_BN", hidden)
            shapes |= keras_conv(f"{at}_project", hidden, outputs, 1, False)
            shapes |= keras_batch_norm(f"{at}_project_BN", outputs)
            inputs, block = outputs, block + 1
    shapes |= keras_conv("Conv_1", 320, 1280, 1, False) | keras_batch_norm("Conv_1_bn", 1280)
    return shapes | ({"Logits/Logits/kernel:0": (1280, 1000), "Logits/Logits/bias:0": (1000,)} if top else {})


def keras_deeplab(backbone, outputs=21):
    """keras-deeplab-v3-plus's Deeplabv3 of "xception" or "mobilenetv2"."""

    def block(layer, inputs, after, kernel=1):
        return keras_conv(layer, inputs, after, kernel, False) | keras_batch_norm(f"{layer}_BN", after)

    def depthwise(layer, channels):
        kernel = {f"{layer}/{layer}/depthwise_kernel:0": (3, 3, channels, 1)}
        return kernel | keras_batch_norm(f"{layer}_BN", channels)

    def separable(layer, inputs, after):
        return depthwise(f"{layer}_depthwise", inputs) | block(f"{layer}_pointwise", inputs, after)

    shapes = {}
    if backbone == "xception":
        shapes |= block("entry_flow_conv1_1", 3, 32, 3) | block("entry_flow_conv1_2", 32, 64, 3)
        inputs = 64
        modules = [(f"entry_flow_block{number}", (width,) * 3) for number, width in enumerate((128, 256, 728), 1)]
        modules += [(f"middle_flow_unit_{number}", (728, 728, 728)) for number in range(1, 17)]
        modules += [("exit_flow_block1", (728, 1024, 1024)), ("exit_flow_block2", (1536, 1536, 2048))]
        for at, widths in modules:
            if at.startswith("entry") or at == "exit_flow_block1":
                shapes |= block(f"{at}_shortcut", inputs, widths[-1])
            for number, width in enumerate(widths, 1):
                shapes |= separable(f"{at}_separable_conv{number}", inputs, width)
                inputs = width
    else:
        shapes |= block("Conv", 3, 32, 3)
        table = ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1))
        inputs, place = 32, 0
        for expansion, after, blocks in table:
            for _ in range(blocks):
                at, hidden = f"expanded_conv_{place}" if place else "expanded_conv", inputs * expansion
                if place:
                    shapes |= block(f"{at}_expand", inputs, hidden)
                shapes |= depthwise(f"{at}_depthwise", hidden) | block(f"{at}_project", hidden, after)
                inputs, place = after, place + 1
    shapes |= block("image_pooling", inputs, 256) | block("aspp0", inputs, 256)
    if backbone == "xception":
        for branch in (1, 2, 3):
            shapes |= separable(f"aspp{branch}", inputs, 256)
        shapes |= block("concat_projection", 5 * 256, 256) | block("feature_projection0", 256, 48)
        shapes |= separable("decoder_conv0", 304, 256) | separable("decoder_conv1", 256, 256)
    else:
        shapes |= block("concat_projection", 2 * 256, 256)
    return shapes | keras_conv("logits_semantic" if outputs == 21 else "custom_logits_semantic", 256, outputs, 1)


def tensorflow_deeplab(backbone, outputs=21):
    """The variables of TensorFlow's DeepLab on "xception" or "mobilenetv2", by their names in a checkpoint."""

    def norm(scope, channels):
        leaves = ("gamma", "beta", "moving_mean", "moving_variance")
        return {f"{scope}/BatchNorm/{leaf}": (channels,) for leaf in leaves}

    def block(scope, inputs, after, kernel=1):
        return {f"{scope}/weights": (kernel, kernel, inputs, after)} | norm(scope, after)

    def depthwise(scope, channels):
        return {f"{scope}/depthwise_weights": (3, 3, channels, 1)} | norm(scope, channels)

    def separable(scope, inputs, after):
        return depthwise(f"{scope}_depthwise", inputs) | block(f"{scope}_pointwise", inputs, after)

    if backbone == "xception":
        shapes = block("xception_65/entry_flow/conv1_1", 3, 32, 3) | block("xception_65/entry_flow/conv1_2", 32, 64, 3)
        inputs = 64
        units = [(f"entry_flow/block{number}/unit_1", (width,) * 3) for number, width in ((1, 128), (2, 256), (3, 728))]
        units += [(f"middle_flow/block1/unit_{number}", (728,) * 3) for number in range(1, 17)]
        units += [("exit_flow/block1/unit_1", (728, 1024, 1024)), ("exit_flow/block2/unit_1", (1536, 1536, 2048))]
        for unit, widths in units:
            scope = f"xception_65/{unit}/xception_module"
            if widths[-1] in (128, 256, 1024) or unit == "entry_flow/block3/unit_1":
                shapes |= block(f"{scope}/shortcut", inputs, widths[-1])
            for number, width in enumerate(widths, 1):
                shapes |= separable(f"{scope}/separable_conv{number}", inputs, width)
                inputs = width
    else:
        shapes = block("MobilenetV2/Conv", 3, 32, 3)
        inputs, number = 32, 0
        for expansion, after, repeats in ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3)):
            for _ in range(repeats):
                scope = f"MobilenetV2/expanded_conv{f'_{number}' if number else ''}"
                if expansion > 1:
                    shapes |= block(f"{scope}/expand", inputs, expansion * inputs)
                shapes |= depthwise(f"{scope}/depthwise", expansion * inputs)
                shapes |= block(f"{scope}/project", expansion * inputs, after)
                inputs, number = after, number + 1
        shapes |= block("MobilenetV2/expanded_conv_16/expand", 160, 960)
        shapes |= depthwise("MobilenetV2/expanded_conv_16/depthwise", 960)
        shapes |= block("MobilenetV2/expanded_conv_16/project", 960, 320)
        inputs = 320
    shapes |= block("image_pooling", inputs, 256) | block("aspp0", inputs, 256)
    if backbone == "xception":
        for branch in (1, 2, 3):
            shapes |= separable(f"aspp{branch}", inputs, 256)
        shapes |= block("concat_projection", 1280, 256) | block("decoder/feature_projection0", 256, 48)
        shapes |= separable("decoder/decoder_conv0", 304, 256) | separable("decoder/decoder_conv1", 256, 256)
    else:
        shapes |= block("concat_projection", 512, 256)
    return shapes | {"logits/semantic/weights": (1, 1, 256, outputs), "logits/semantic/biases": (outputs,)}


def keras_retinanet(classes=80, depth=50):
    """keras-retinanet's training model; the heads are models within it."""
    shapes = keras_resnet(depth, caffe=True, bias=False, top=False)
    for level, channels in ((5, 2048), (4, 1024), (3, 512)):
        shapes |= keras_conv(f"C{level}_reduced", channels, 256, 1) | keras_conv(f"P{level}", 256, 256, 3)
    shapes |= keras_conv("P6", 2048, 256, 3) | keras_conv("P7", 256, 256, 3)
    for kind, length in (("regression", 4), ("classification", classes)):
        for layer in (*(f"pyramid_{kind}_{number}" for number in range(4)), f"pyramid_{kind}"):
            outputs = 9 * length if layer == f"pyramid_{kind}" else 256
            shapes |= {f"{kind}_submodel/{layer}/kernel:0": (3, 3, 256, outputs)}
            shapes |= {f"{kind}_submodel/{layer}/bias:0": (outputs,)}
    return shapes
