"""Transformer encoders with random weights, in the spellings that exporters write. Inputs are int64 [N, S]."""
import numpy as np
import onnx
from onnx import TensorProto

from graph_builder import GraphBuilder


def _heads(g: GraphBuilder, x: str, heads: int, head: int, perm: list) -> str:
    return g.op("Transpose", [g.op("Reshape", [x, g.integers([0, 0, heads, head])])], perm=perm)


def _merged(g: GraphBuilder, x: str, width: int) -> str:
    return g.op("Reshape", [g.op("Transpose", [x], perm=[0, 2, 1, 3]), g.integers([0, 0, width])])


def _positions(g: GraphBuilder, ids: str, width: int, longest: int) -> str:
    """The first S rows of a position table, S taken from the shape of the ids."""
    length = g.op("Gather", [g.op("Shape", [ids]), g.integers([1])], axis=0)
    return g.op("Slice", [g.normal((1, longest, width), 0.5), g.integers([0]), length, g.integers([1])])


def _post_norm_block(g: GraphBuilder, x: str, width: int, hidden: int, heads: int, gelu: str, masked) -> str:
    """One BERT layer. `masked` turns the scores into masked scores."""
    head = width // heads
    q = _heads(g, g.linear(x, width, width), heads, head, [0, 2, 1, 3])
    k = _heads(g, g.linear(x, width, width), heads, head, [0, 2, 3, 1])
    v = _heads(g, g.linear(x, width, width), heads, head, [0, 2, 1, 3])
    scores = masked(g.op("Div", [g.op("MatMul", [q, k]), g.number(np.sqrt(head))]))
    mixed = _merged(g, g.op("MatMul", [g.op("Softmax", [scores], axis=-1), v]), width)
    x = g.layer_norm(g.op("Add", [g.linear(mixed, width, width), x]), width, epsilon=1e-12)
    y = g.gelu(g.linear(x, width, hidden), gelu)
    return g.layer_norm(g.op("Add", [g.linear(y, hidden, width), x]), width, epsilon=1e-12)


def bert(layers: int = 12, width: int = 768, hidden: int = 3072, heads: int = 12, vocabulary: int = 30522,
         longest: int = 512, gelu: str = "erf", classes: int = 2, **options) -> onnx.ModelProto:
    """Additive mask: (1 - mask) * -10000."""
    g = GraphBuilder(**options)
    names = ("input_ids", "attention_mask", "token_type_ids")
    ids, mask, types = (g.input(name, ["N", "S"], TensorProto.INT64) for name in names)
    x = g.op("Gather", [g.normal((vocabulary, width), 0.5), ids])
    x = g.op("Add", [x, g.op("Gather", [g.normal((2, width), 0.5), types])])
    x = g.layer_norm(g.op("Add", [x, _positions(g, ids, width, longest)]), width, epsilon=1e-12)
    mask = g.op("Cast", [g.unsqueeze(mask, [1, 2])], to=g.tensor_type)
    bias = g.op("Mul", [g.op("Sub", [g.number(1), mask]), g.number(-10000)])
    for _ in range(layers):
        x = _post_norm_block(g, x, width, hidden, heads, gelu, lambda scores: g.op("Add", [scores, bias]))
    first = g.op("Gather", [x, g.weight(np.array(0))], axis=1)
    logits = g.dense(g.op("Tanh", [g.dense(first, width, width)]), width, classes)
    return g.model({"logits": (logits, ["N", classes])})


def distilbert(layers: int = 2, width: int = 64, hidden: int = 128, heads: int = 4, vocabulary: int = 500,
               longest: int = 64, gelu: str = "erf", classes: int = 2, **options) -> onnx.ModelProto:
    """Mask by Where: scores of padding become minus infinity. Two outputs: logits and the hidden states."""
    g = GraphBuilder(**options)
    ids, mask = (g.input(n, ["N", "S"], TensorProto.INT64) for n in ("input_ids", "attention_mask"))
    x = g.op("Gather", [g.normal((vocabulary, width), 0.5), ids])
    x = g.layer_norm(g.op("Add", [x, _positions(g, ids, width, longest)]), width)
    padding = g.unsqueeze(g.op("Equal", [mask, g.weight(np.array(0))]), [1, 2])

    def masked(scores: str) -> str:
        return g.op("Where", [g.op("Expand", [padding, g.op("Shape", [scores])]), g.number(-np.inf), scores])

    for _ in range(layers):
        x = _post_norm_block(g, x, width, hidden, heads, gelu, masked)
    first = g.op("Gather", [x, g.weight(np.array(0))], axis=1)
    logits = g.dense(g.relu(g.dense(first, width, width, gain=1.4)), width, classes)
    return g.model({"logits": (logits, ["N", classes]), "hidden": (x, ["N", "S", width])})


def gpt2(layers: int = 2, width: int = 64, heads: int = 4, vocabulary: int = 200, longest: int = 64,
         **options) -> onnx.ModelProto:
    """One product split in three, a causal mask cut from a table and applied by Where, the tanh form of GELU."""
    g = GraphBuilder(**options)
    ids, head = g.input("input_ids", ["N", "S"], TensorProto.INT64), width // heads
    length = g.op("Gather", [g.op("Shape", [ids]), g.weight(np.array(1))], axis=0)
    places = g.op("Range", [g.weight(np.array(0)), length, g.weight(np.array(1))])
    table = g.normal((vocabulary, width), 0.5)
    x = g.op("Add", [g.op("Gather", [table, ids]), g.op("Gather", [g.normal((longest, width), 0.5), places])])
    causal = g.weight(np.tril(np.ones((1, 1, longest, longest), bool)))
    ends = g.unsqueeze(length, [0])

    def conv1d(x: str, inputs: int, outputs: int) -> str:
        shape = g.op("Concat", [g.op("Slice", [g.op("Shape", [x]), g.integers([0]), g.integers([2])]),
                                g.integers([outputs])], axis=0)
        flat = g.op("Reshape", [x, g.integers([-1, inputs])])
        weight = g.normal((inputs, outputs), 1 / np.sqrt(inputs))
        return g.op("Reshape", [g.op("Gemm", [flat, weight, g.normal(outputs, 0.02)]), shape])

    for _ in range(layers):
        fused = conv1d(g.layer_norm(x, width), width, 3 * width)
        q, k, v = g.split(fused, [width] * 3, axis=2)
        q, v = (_heads(g, part, heads, head, [0, 2, 1, 3]) for part in (q, v))
        k = _heads(g, k, heads, head, [0, 2, 3, 1])
        scores = g.op("Div", [g.op("MatMul", [q, k]), g.number(np.sqrt(head))])
        rows = g.op("Slice", [causal, g.integers([0]), ends, g.integers([2])])
        visible = g.op("Slice", [rows, g.integers([0]), ends, g.integers([3])])
        scores = g.op("Where", [visible, scores, g.number(-10000)])
        mixed = _merged(g, g.op("MatMul", [g.op("Softmax", [scores], axis=-1), v]), width)
        x = g.op("Add", [x, conv1d(mixed, width, width)])
        y = g.gelu(conv1d(g.layer_norm(x, width), width, 4 * width), "tanh")
        x = g.op("Add", [conv1d(y, 4 * width, width), x])
    x = g.layer_norm(x, width)
    logits = g.op("MatMul", [x, g.op("Transpose", [table], perm=[1, 0])])
    return g.model({"hidden": (x, ["N", "S", width]), "logits": (logits, ["N", "S", vocabulary])})
