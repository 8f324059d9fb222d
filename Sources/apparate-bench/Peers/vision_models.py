"""Convolutional networks and a vision transformer with random weights: `x` [N, 3, height, width] to `logits`."""
import numpy as np
import onnx

from graph_builder import GraphBuilder


def _image(g: GraphBuilder, size) -> str:
    height, width = size if isinstance(size, tuple) else (size, size)
    return g.input("x", ["N", 3, height, width])


def _logits(g: GraphBuilder, value: str, classes: int) -> onnx.ModelProto:
    return g.model({"logits": (value, ["N", classes])})


def resnet(depth: int = 18, width: int = 64, size=224, classes: int = 1000, **options) -> onnx.ModelProto:
    g = GraphBuilder(**options)
    bottleneck = depth >= 50
    x = g.relu(g.conv(_image(g, size), 3, width, 7, stride=2))
    x, channels = g.max_pool(x, 3, 2, padding=1), width
    for stage, blocks in enumerate({18: [2, 2, 2, 2], 50: [3, 4, 6, 3]}[depth]):
        inner = width << stage
        outer = inner * 4 if bottleneck else inner
        for block in range(blocks):
            stride = 2 if block == 0 and stage > 0 else 1
            same = stride == 1 and channels == outer
            shortcut = x if same else g.conv(x, channels, outer, 1, stride=stride, gain=0.7)
            if bottleneck:
                y = g.relu(g.conv(x, channels, inner, 1))
                y = g.relu(g.conv(y, inner, inner, 3, stride=stride))
                y = g.conv(y, inner, outer, 1, gain=0.5)
            else:
                y = g.relu(g.conv(x, channels, inner, 3, stride=stride))
                y = g.conv(y, inner, inner, 3, gain=0.5)
            x, channels = g.relu(g.op("Add", [y, shortcut])), outer
    return _logits(g, g.classifier(x, channels, classes), classes)


VGG = {11: [1, "M", 2, "M", 4, 4, "M", 8, 8, "M", 8, 8, "M"],
       16: [1, 1, "M", 2, 2, "M", 4, 4, 4, "M", 8, 8, 8, "M", 8, 8, 8, "M"]}


def vgg(depth: int = 16, width: int = 64, hidden: int = 4096, size: int = 224, classes: int = 1000,
        **options) -> onnx.ModelProto:
    g = GraphBuilder(**options)
    x, channels = _image(g, size), 3
    for step in VGG[depth]:
        if step == "M":
            x = g.max_pool(x, 2, 2)
        else:
            x, channels = g.relu(g.conv(x, channels, step * width, 3)), step * width
    x = g.op("Dropout", [g.op("Flatten", [x])])
    x = g.relu(g.dense(x, channels * (size // 32) ** 2, hidden, gain=1.4))
    x = g.relu(g.dense(g.op("Dropout", [x]), hidden, hidden, gain=1.4))
    return _logits(g, g.dense(x, hidden, classes), classes)


# (expansion, channels, blocks, stride)
MOBILENET_V2 = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                (6, 320, 1, 1)]


def mobilenet_v2(width: float = 1.0, stages=None, size=224, classes: int = 1000, **options) -> onnx.ModelProto:
    g = GraphBuilder(**options)
    scaled = lambda c: max(8, int(c * width + 4) // 8 * 8)
    channels = scaled(32)
    x = g.relu6(g.conv(_image(g, size), 3, channels, 3, stride=2))
    for expansion, outputs, blocks, stride in (stages or MOBILENET_V2):
        for block in range(blocks):
            step, hidden, outer = stride if block == 0 else 1, channels * expansion, scaled(outputs)
            y = g.relu6(g.conv(x, channels, hidden, 1)) if expansion != 1 else x
            y = g.relu6(g.conv(y, hidden, hidden, 3, stride=step, groups=hidden))
            y = g.conv(y, hidden, outer, 1, gain=0.7)
            x = g.op("Add", [x, y]) if step == 1 and channels == outer else y
            channels = outer
    last = scaled(1280)
    x = g.relu6(g.conv(x, channels, last, 1))
    return _logits(g, g.classifier(x, last, classes), classes)


def _squeeze_excite(g: GraphBuilder, x: str, channels: int, squeezed: int, inner, gate) -> str:
    pooled = g.op("GlobalAveragePool", [x])
    narrow = inner(g.conv(pooled, channels, squeezed, 1))
    return g.op("Mul", [x, gate(g.conv(narrow, squeezed, channels, 1))])


# (kernel, hidden, channels, squeeze-and-excite, hard-swish, stride)
MOBILENET_V3 = [(3, 16, 16, True, False, 2), (3, 72, 24, False, False, 2), (5, 96, 40, True, True, 1),
                (5, 240, 40, True, True, 1)]


def mobilenet_v3(size=64, classes: int = 10, **options) -> onnx.ModelProto:
    g = GraphBuilder(**options)
    channels = 16
    x = g.hard_swish(g.conv(_image(g, size), 3, channels, 3, stride=2))
    for kernel, hidden, outputs, excite, swish, stride in MOBILENET_V3:
        activation = g.hard_swish if swish else g.relu
        y = activation(g.conv(x, channels, hidden, 1))
        y = activation(g.conv(y, hidden, hidden, kernel, stride=stride, groups=hidden))
        if excite:
            y = _squeeze_excite(g, y, hidden, max(8, hidden // 4), g.relu, g.hard_sigmoid)
        y = g.conv(y, hidden, outputs, 1)
        x = g.op("Add", [x, y]) if stride == 1 and channels == outputs else y
        channels = outputs
    x = g.hard_swish(g.conv(x, channels, 96, 1))
    x = g.reduce_mean(x, [2, 3], keepdims=0)
    return _logits(g, g.dense(g.hard_swish(g.dense(x, 96, 64, gain=1.4)), 64, classes, gain=2), classes)


# (expansion, channels, blocks, stride, kernel)
EFFICIENTNET = [(1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5)]


def efficientnet(stages=None, size=64, classes: int = 10, **options) -> onnx.ModelProto:
    g = GraphBuilder(**options)
    channels = 32
    x = g.silu(g.conv(_image(g, size), 3, channels, 3, stride=2))
    for expansion, outputs, blocks, stride, kernel in (stages or EFFICIENTNET):
        for block in range(blocks):
            step, hidden = stride if block == 0 else 1, channels * expansion
            y = g.silu(g.conv(x, channels, hidden, 1, gain=1.2)) if expansion != 1 else x
            y = g.silu(g.conv(y, hidden, hidden, kernel, stride=step, groups=hidden, gain=1.2))
            squeeze = lambda v: g.op("Sigmoid", [v])
            y = _squeeze_excite(g, y, hidden, max(1, channels // 4), g.silu, squeeze)
            y = g.conv(y, hidden, outputs, 1, gain=1.4)
            x = g.op("Add", [x, y]) if step == 1 and channels == outputs else y
            channels = outputs
    x = g.silu(g.conv(x, channels, 160, 1, gain=1.2))
    return _logits(g, g.classifier(x, 160, classes, gain=2), classes)


def shufflenet(size=64, classes: int = 10, groups: int = 2, **options) -> onnx.ModelProto:
    """ShuffleNet v2: halves of the channels, split, worked on, joined and shuffled."""
    g = GraphBuilder(**options)

    def shuffle(x: str, channels: int, side: int) -> str:
        x = g.op("Reshape", [x, g.integers([-1, groups, channels // groups, side, side])])
        x = g.op("Transpose", [x], perm=[0, 2, 1, 3, 4])
        return g.op("Reshape", [x, g.integers([-1, channels, side, side])])

    def branch(x: str, inputs: int, outputs: int, stride: int) -> str:
        y = g.relu(g.conv(x, inputs, outputs, 1))
        y = g.conv(y, outputs, outputs, 3, stride=stride, groups=outputs)
        return g.relu(g.conv(y, outputs, outputs, 1, gain=0.9))

    channels, side = 24, size // 4
    x = g.max_pool(g.relu(g.conv(_image(g, size), 3, channels, 3, stride=2)), 3, 2, padding=1)
    for outputs, blocks in ((48, 2), (96, 2)):
        half, side = outputs // 2, side // 2
        left = g.conv(x, channels, channels, 3, stride=2, groups=channels)
        left = g.relu(g.conv(left, channels, half, 1))
        x = shuffle(g.op("Concat", [left, branch(x, channels, half, 2)], axis=1), outputs, side)
        for _ in range(blocks - 1):
            kept, worked = g.split(x, [half, half], axis=1)
            x = shuffle(g.op("Concat", [kept, branch(worked, half, half, 1)], axis=1), outputs, side)
        channels = outputs
    return _logits(g, g.classifier(x, channels, classes), classes)


def densenet(growth: int = 12, blocks=(3, 3, 2), size=64, classes: int = 10, **options) -> onnx.ModelProto:
    """Pre-activation: batch normalisation and ReLU stand before the convolutions, so they cannot all be folded."""
    g = GraphBuilder(**options)
    channels = 2 * growth
    x = g.max_pool(g.relu(g.conv(_image(g, size), 3, channels, 7, stride=2)), 3, 2, padding=1)
    for block, layers in enumerate(blocks):
        for _ in range(layers):
            y = g.conv(g.relu(g.normalise(x, channels)), channels, 4 * growth, 1)
            y = g.conv(g.relu(g.normalise(y, 4 * growth)), 4 * growth, growth, 3)
            x = g.op("Concat", [x, y], axis=1)
            channels += growth
        if block + 1 < len(blocks):
            x = g.conv(g.relu(g.normalise(x, channels)), channels, channels // 2, 1)
            x, channels = g.average_pool(x, 2, 2), channels // 2
    x = g.relu(g.normalise(x, channels))
    return _logits(g, g.classifier(x, channels, classes), classes)


def inception(size=67, classes: int = 10, **options) -> onnx.ModelProto:
    """Branches of odd shapes: 1x7 and 7x1 taps, padded averages of both kinds, ceil-mode and automatic padding."""
    g = GraphBuilder(**options)
    conv = lambda *arguments, **keywords: g.relu(g.conv(*arguments, **keywords))
    x = conv(_image(g, size), 3, 16, 3, stride=2, padding=0)
    x = g.max_pool(conv(x, 16, 24, 3, auto_pad="SAME_UPPER"), 3, 2, ceil_mode=1)
    channels = 24
    for padded in (0, 1):
        wide = conv(conv(conv(x, channels, 12, 1), 12, 16, (1, 7)), 16, 20, (7, 1))
        five = conv(conv(x, channels, 8, 1), 8, 12, 5)
        pooled = conv(g.average_pool(x, 3, 1, padding=1, count_include_pad=padded), channels, 12, 1)
        dilated = conv(x, channels, 16, 3, padding=2, dilations=[2, 2])
        x = g.op("Concat", [wide, five, pooled, dilated], axis=1)
        channels = 20 + 12 + 12 + 16
    reduced = conv(x, channels, 32, 3, stride=2, padding=0)
    x = g.op("Concat", [reduced, g.max_pool(x, 3, 2)], axis=1)
    x = g.op("LRN", [x], size=5, alpha=1e-4, beta=0.75, bias=1.0)
    return _logits(g, g.classifier(x, channels + 32, classes), classes)


def vit(layers: int = 2, width: int = 64, heads: int = 4, patch: int = 8, size: int = 32, classes: int = 10,
        gelu: str = "erf", **options) -> onnx.ModelProto:
    """Pre-norm blocks, queries, keys and values from one product, a class token expanded to the batch."""
    g = GraphBuilder(**options)
    image, tokens, head = _image(g, size), (size // patch) ** 2, width // heads
    x = g.conv(image, 3, width, patch, stride=patch, padding=0)
    x = g.op("Transpose", [g.op("Reshape", [x, g.integers([0, width, -1])])], perm=[0, 2, 1])
    batch = g.op("Gather", [g.op("Shape", [image]), g.integers([0])], axis=0)
    target = g.op("Concat", [batch, g.integers([1, width])], axis=0)
    x = g.op("Concat", [g.op("Expand", [g.normal((1, 1, width), 0.5), target]), x], axis=1)
    x = g.op("Add", [x, g.normal((1, tokens + 1, width), 0.5)])
    for _ in range(layers):
        fused = g.linear(g.layer_norm(x, width), width, 3 * width)
        fused = g.op("Reshape", [fused, g.integers([0, tokens + 1, 3, heads, head])])
        fused = g.op("Transpose", [fused], perm=[2, 0, 3, 1, 4])
        q, k, v = (g.op("Gather", [fused, g.weight(np.array(i))], axis=0) for i in range(3))
        scores = g.op("MatMul", [g.op("Mul", [q, g.number(head ** -0.5)]), g.op("Transpose", [k], perm=[0, 1, 3, 2])])
        mixed = g.op("MatMul", [g.op("Softmax", [scores], axis=-1), v])
        mixed = g.op("Reshape", [g.op("Transpose", [mixed], perm=[0, 2, 1, 3]), g.integers([0, tokens + 1, width])])
        x = g.op("Add", [x, g.linear(mixed, width, width)])
        hidden = g.gelu(g.linear(g.layer_norm(x, width), width, 4 * width), gelu)
        x = g.op("Add", [x, g.linear(hidden, 4 * width, width)])
    first = g.op("Gather", [g.layer_norm(x, width), g.weight(np.array(0))], axis=1)
    return _logits(g, g.dense(first, width, classes), classes)
