"""Writes ONNX graphs with random, well-scaled weights, in the spelling of the opset that is asked for."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# The IR version that came with each opset's release: old opsets then load in old readers too.
IR_VERSION = {9: 4, 10: 5, 11: 6, 12: 7, 13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10}


class GraphBuilder:
    """Collects nodes and weights. Every method that adds an operator returns the name of its output."""

    def __init__(self, opset: int = 17, seed: int = 0, half: bool = False, batch_norm: bool = False):
        self.opset = opset
        self.random = np.random.default_rng(seed)
        self.element = np.float16 if half else np.float32
        self.tensor_type = TensorProto.FLOAT16 if half else TensorProto.FLOAT
        self.batch_norm = batch_norm
        self.nodes, self.weights, self.inputs = [], [], []

    # -- graph ----------------------------------------------------------------------------------------------------

    def input(self, name: str, shape: list, tensor_type: int | None = None) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, tensor_type or self.tensor_type, shape))
        return name

    def model(self, outputs: dict) -> onnx.ModelProto:
        """`outputs` maps public names to (value, shape)."""
        for name, (value, _) in outputs.items():
            self.nodes.append(helper.make_node("Identity", [value], [name], name=f"output_{name}"))
        declared = [helper.make_tensor_value_info(n, self.tensor_type, shape) for n, (_, shape) in outputs.items()]
        graph = helper.make_graph(self.nodes, "random", self.inputs, declared, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        model.ir_version = IR_VERSION[self.opset]
        onnx.checker.check_model(model)
        return model

    def op(self, kind: str, inputs: list, outputs: int = 1, **attributes):
        names = [f"{kind.lower()}_{len(self.nodes)}" + (f"_{i}" if outputs > 1 else "") for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, name=f"{kind}_{len(self.nodes)}", **attributes))
        return names if outputs > 1 else names[0]

    # -- constants ------------------------------------------------------------------------------------------------

    def weight(self, array) -> str:
        array = np.asarray(array)
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name))
        return name

    def number(self, value: float) -> str:
        return self.weight(np.array(value, self.element))

    def integers(self, values) -> str:
        return self.weight(np.array(values, np.int64))

    def normal(self, shape, deviation: float) -> str:
        return self.weight((self.random.standard_normal(shape) * deviation).astype(self.element))

    # -- operators whose spelling depends on the opset ------------------------------------------------------------

    def _with_axes(self, kind: str, x: str, axes: list, since: int, **attributes) -> str:
        if self.opset >= since:
            return self.op(kind, [x, self.integers(axes)], **attributes)
        return self.op(kind, [x], axes=axes, **attributes)

    def unsqueeze(self, x: str, axes: list) -> str:
        return self._with_axes("Unsqueeze", x, axes, since=13)

    def reduce_mean(self, x: str, axes: list, keepdims: int = 1) -> str:
        return self._with_axes("ReduceMean", x, axes, since=18, keepdims=keepdims)

    def clip(self, x: str, low: float, high: float) -> str:
        if self.opset >= 11:
            return self.op("Clip", [x, self.number(low), self.number(high)])
        return self.op("Clip", [x], min=float(low), max=float(high))

    def split(self, x: str, sizes: list, axis: int) -> list:
        if self.opset >= 13:
            return self.op("Split", [x, self.integers(sizes)], outputs=len(sizes), axis=axis)
        return self.op("Split", [x], outputs=len(sizes), axis=axis, split=sizes)

    def layer_norm(self, x: str, width: int, epsilon: float = 1e-5) -> str:
        scale = self.weight((1 + 0.1 * self.random.standard_normal(width)).astype(self.element))
        shift = self.normal(width, 0.1)
        if self.opset >= 17:
            return self.op("LayerNormalization", [x, scale, shift], axis=-1, epsilon=epsilon)
        centred = self.op("Sub", [x, self.reduce_mean(x, [-1])])
        variance = self.reduce_mean(self.op("Pow", [centred, self.number(2)]), [-1])
        deviation = self.op("Sqrt", [self.op("Add", [variance, self.number(epsilon)])])
        return self.op("Add", [self.op("Mul", [self.op("Div", [centred, deviation]), scale]), shift])

    def gelu(self, x: str, form: str = "erf") -> str:
        """`form`: erf or tanh (the spelled-out formulas), or op (the Gelu operator, opset 20)."""
        if form == "op":
            return self.op("Gelu", [x])
        if form == "erf":
            inner = self.op("Erf", [self.op("Div", [x, self.number(np.sqrt(2))])])
            return self.op("Mul", [self.op("Mul", [x, self.op("Add", [inner, self.number(1)])]), self.number(0.5)])
        cubic = self.op("Mul", [self.op("Pow", [x, self.number(3)]), self.number(0.044715)])
        inner = self.op("Mul", [self.op("Add", [x, cubic]), self.number(np.sqrt(2 / np.pi))])
        bracket = self.op("Add", [self.op("Tanh", [inner]), self.number(1)])
        return self.op("Mul", [self.op("Mul", [x, self.number(0.5)]), bracket])

    def hard_sigmoid(self, x: str) -> str:
        if self.opset >= 14:
            return self.op("HardSigmoid", [x], alpha=1 / 6, beta=0.5)
        return self.op("Div", [self.clip(self.op("Add", [x, self.number(3)]), 0, 6), self.number(6)])

    def hard_swish(self, x: str) -> str:
        return self.op("HardSwish", [x]) if self.opset >= 14 else self.op("Mul", [x, self.hard_sigmoid(x)])

    # -- layers ---------------------------------------------------------------------------------------------------

    def relu(self, x: str) -> str:
        return self.op("Relu", [x])

    def relu6(self, x: str) -> str:
        return self.clip(x, 0, 6)

    def silu(self, x: str) -> str:
        return self.op("Mul", [x, self.op("Sigmoid", [x])])

    def conv(self, x: str, inputs: int, outputs: int, kernel, stride: int = 1, padding=None, groups: int = 1,
             gain: float = 1.0, **attributes) -> str:
        """Convolution with He-scaled weights, and its bias or batch normalisation. Padding defaults to `same`."""
        height, width = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        pads = [height // 2, width // 2] * 2 if padding is None else [padding] * 4
        fan_in = inputs // groups * height * width
        operands = [x, self.normal((outputs, inputs // groups, height, width), gain * np.sqrt(2 / fan_in))]
        if not self.batch_norm:
            operands.append(self.normal(outputs, 0.02))
        if "auto_pad" not in attributes:
            attributes["pads"] = pads
        y = self.op("Conv", operands, kernel_shape=[height, width], strides=[stride] * 2, group=groups, **attributes)
        return self.normalise(y, outputs) if self.batch_norm else y

    def normalise(self, x: str, channels: int) -> str:
        """Batch normalisation with the statistics of a trained network's size."""
        near_one = lambda: self.weight((1 + 0.1 * self.random.uniform(-1, 1, channels)).astype(self.element))
        scale, variance = near_one(), near_one()
        return self.op("BatchNormalization", [x, scale, self.normal(channels, 0.05), self.normal(channels, 0.05),
                                              variance], epsilon=1e-5)

    def max_pool(self, x: str, kernel: int, stride: int, padding: int = 0, **attributes) -> str:
        return self.op("MaxPool", [x], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[padding] * 4,
                       **attributes)

    def average_pool(self, x: str, kernel: int, stride: int, padding: int = 0, **attributes) -> str:
        return self.op("AveragePool", [x], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[padding] * 4,
                       **attributes)

    def dense(self, x: str, inputs: int, outputs: int, gain: float = 1.0) -> str:
        """Fully connected layer on a matrix, as Gemm with the transposed weights that exporters write."""
        weight = self.normal((outputs, inputs), gain / np.sqrt(inputs))
        return self.op("Gemm", [x, weight, self.normal(outputs, 0.02)], transB=1)

    def linear(self, x: str, inputs: int, outputs: int, gain: float = 1.0) -> str:
        """Fully connected layer on the last axis of any tensor: MatMul, then Add with the bias in front."""
        product = self.op("MatMul", [x, self.normal((inputs, outputs), gain / np.sqrt(inputs))])
        return self.op("Add", [self.normal(outputs, 0.02), product])

    def classifier(self, x: str, channels: int, classes: int, gain: float = 1.0) -> str:
        flat = self.op("Flatten", [self.op("GlobalAveragePool", [x])])
        return self.dense(flat, channels, classes, gain)
