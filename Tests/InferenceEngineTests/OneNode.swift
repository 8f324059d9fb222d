import ModelGraph
import OpenCLRuntime

@testable import InferenceEngine

/// A model of a single operator, to run it on any tensors.
struct OneNode {
  var op: String
  var domain = OperatorDomain.onnx
  var opset = 20
  var attributes: [String: Attribute] = [:]
  var outputs = 1
  /// Inputs from this position on are constants of the model.
  var firstConstant = 1
  /// Which inputs are constants, in place of ``firstConstant``.
  var constants: Set<Int>?
  /// The first input reaches the operator as a channels-last view.
  var channelsLast = false
  var family: KernelTarget.Family?

  /// Ways to run that must give the same answer.
  struct Variant: Sendable, CustomStringConvertible {
    let family: KernelTarget.Family
    let channelsLast: Bool

    static let all = [KernelTarget.Family.cpu, .gpu].flatMap { family in
      [false, true].map { Variant(family: family, channelsLast: $0) }
    }

    var description: String { "\(family) kernels, channels \(channelsLast ? "last" : "first")" }
  }

  func with(_ variant: Variant) -> OneNode {
    var copy = self
    (copy.family, copy.channelsLast) = (variant.family, variant.channelsLast)
    return copy
  }

  private static let device = Result { try Device.all()[0] }

  /// The outputs for these inputs on the first device; `nil` leaves an optional input out.
  func run(_ inputs: [Tensor?]) throws -> [Tensor] {
    var graph = Graph(name: op)
    var operands: [ValueID?] = []
    var fed: [String: Tensor] = [:]
    for (position, tensor) in inputs.enumerated() {
      guard let tensor else {
        operands.append(nil)
        continue
      }
      if constants?.contains(position) ?? (position >= firstConstant) {
        operands.append(graph.add(Value(name: "constant\(position)", constant: tensor)))
        continue
      }
      let turned = position == 0 && channelsLast && tensor.shape.count >= 3
      let given = turned ? tensor.permuted([0] + Array(2..<tensor.shape.count) + [1]) : tensor
      let value = graph.add(Value(name: "input\(position)", type: given.type, shape: given.shape.map { .fixed($0) }))
      graph.inputs.append(value)
      fed["input\(position)"] = given
      operands.append(turned ? Self.channelsFirst(value, rank: given.shape.count, in: &graph) : value)
    }
    let results = (0..<outputs).map { graph.add(Value(name: "output\($0)")) }
    graph.nodes.append(
      Node(
        name: "node", domain: domain, op: op, opset: opset, inputs: operands, outputs: results, attributes: attributes))
    graph.outputs = results
    var options = LoadedModel.Options()
    options.kernels = family
    options.sharesMemory = false  // lets oclgrind see accesses beyond a tensor
    let answers = try LoadedModel(graph: graph, device: Self.device.get(), options: options).run(fed)
    return (0..<outputs).compactMap { answers["output\($0)"] }
  }

  /// Appends a `Transpose` that makes `[N, C, spatial…]` of `[N, spatial…, C]`: a view, nothing moves.
  private static func channelsFirst(_ value: ValueID, rank: Int, in graph: inout Graph) -> ValueID {
    let result = graph.add(Value(name: graph[value].name + " channels first", type: graph[value].type))
    let order = [0, rank - 1] + Array(1..<rank - 1)
    graph.nodes.append(
      Node(
        name: "transpose", op: "Transpose", opset: 20, inputs: [value], outputs: [result],
        attributes: ["perm": .ints(order.map { Int64($0) })]))
    return result
  }
}

extension Tensor {
  /// Numbers in -2 ..< 2 that look random and are the same every time.
  static func numbers(_ shape: Shape, seed: UInt64 = 1) -> Tensor {
    var state = seed &* 0x9E37_79B9_7F4A_7C15
    return Tensor(
      (0..<shape.elementCount).map { _ -> Float in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(state >> 40) / Float(1 << 22) - 2
      }, shape: shape)
  }

  /// The elements in another order of axes.
  func permuted(_ order: [Int]) -> Tensor {
    let target = order.map { shape[$0] }
    let strides = order.map { shape.rowMajorStrides[$0] }
    let width = type.byteWidth
    let storage = TensorStorage(byteCount: elementCount * width) { bytes in
      self.storage.withUnsafeBytes { source in
        for (position, index) in target.indices(strides: strides).enumerated() {
          for byte in 0..<width { bytes[position * width + byte] = source[index * width + byte] }
        }
      }
    }
    return Tensor(type: type, shape: target, storage: storage)
  }

  /// Items `range` of the first axis.
  func items(_ range: Range<Int>) -> Tensor {
    let width = elementCount / max(1, shape[0]) * type.byteWidth
    let storage = TensorStorage(
      copying: storage.withUnsafeBytes { Array($0[range.lowerBound * width..<range.upperBound * width]) })
    return Tensor(type: type, shape: [range.count] + shape.dropFirst(), storage: storage)
  }

  var doubles: [Double] { floats.map(Double.init) }
  var bytes: [UInt8] { storage.withUnsafeBytes { Array($0) } }

  /// The largest |a - b| / (1 + |b|); infinite when shapes differ or only one side is a number.
  func distance(from expected: [Double], shape expectedShape: Shape) -> Double {
    guard shape == expectedShape, elementCount == expected.count else { return .infinity }
    return zip(doubles, expected).reduce(0) { worst, pair in
      if pair.0 == pair.1 || (pair.0.isNaN && pair.1.isNaN) { return worst }
      let distance = abs(pair.0 - pair.1) / (1 + abs(pair.1))
      return max(worst, distance.isNaN ? .infinity : distance)
    }
  }
}

extension Shape {
  /// Σ index · stride for every index tuple, row-major.
  func indices(strides: [Int]) -> [Int] {
    var result = [0]
    for (extent, stride) in zip(self, strides) {
      result = result.flatMap { base in (0..<extent).map { base + $0 * stride } }
    }
    return result
  }
}
