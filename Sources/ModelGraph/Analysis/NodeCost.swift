/// What one node costs: arithmetic, and bytes moved if every operand is read and every result written once.
public struct NodeCost: Sendable, Hashable {
  /// Floating-point operations; a multiply-add counts 2, a transcendental function 1.
  public var flops: Int
  /// Bytes of all operands, constants included.
  public var bytesRead: Int
  public var bytesWritten: Int
  /// Elements of constant floating-point operands of more than one element.
  public var parameters: Int

  public static let zero = NodeCost(flops: 0, bytesRead: 0, bytesWritten: 0, parameters: 0)

  public init(flops: Int, bytesRead: Int, bytesWritten: Int, parameters: Int) {
    self.flops = flops
    self.bytesRead = bytesRead
    self.bytesWritten = bytesWritten
    self.parameters = parameters
  }

  public static func + (a: NodeCost, b: NodeCost) -> NodeCost {
    NodeCost(
      flops: a.flops.addingSaturated(b.flops), bytesRead: a.bytesRead.addingSaturated(b.bytesRead),
      bytesWritten: a.bytesWritten.addingSaturated(b.bytesWritten),
      parameters: a.parameters.addingSaturated(b.parameters))
  }

  /// - Parameter graph: specialised; values without type or shape count nothing.
  public init(of node: Node, in graph: Graph) {
    self = .zero
    for case let input? in node.inputs {
      bytesRead += graph.byteCount(input)
      if let constant = graph.constant(input), constant.type.isFloatingPoint, constant.elementCount > 1 {
        parameters += constant.elementCount
      }
    }
    for case let output? in node.outputs { bytesWritten += graph.byteCount(output) }
    flops = Self.flops(node, graph)
  }

  // MARK: Arithmetic

  private static func flops(_ node: Node, _ graph: Graph) -> Int {
    let result = graph.elementCount(node.output(0))
    let operand = graph.elementCount(node.input(0))
    switch node.op {
    case "Conv":
      guard let geometry = try? ConvolutionGeometry(of: node, in: graph) else { return 0 }
      let taps = product(geometry.kernel + [geometry.inputChannels / geometry.groups])
      return product([result, 2, taps]).addingSaturated(extras(node, result, from: 2))
    case "Gemm" where node.domain == .onnx:
      let left = graph.shape(node.input(0))
      let inner = left.count == 2 ? left[node.int("transA") == 1 ? 0 : 1] : 0
      return product([result, 2, inner]).addingSaturated(extras(node, result, from: 2))
    case "MatMul", "Gemm":
      return product([result, 2, graph.shape(node.input(0)).last ?? 0]).addingSaturated(extras(node, result, from: 2))
    case "Attention": return attention(node, graph)
    case "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool":
      return product([result] + ((try? PoolingGeometry(of: node, in: graph))?.kernel ?? [0]))
    case "Softmax", "LogSoftmax": return product([operand, 5])
    case "LayerNormalization", "InstanceNormalization", "GroupNormalization": return product([operand, 8])
    case "BatchNormalization": return product([operand, 2])
    case "LRN": return product([operand, 2, max(1, min(1 << 20, node.int("size") ?? 1))])
    case "Resize", "Upsample": return node.string("mode") ?? "nearest" == "nearest" ? 0 : product([result, 8])
    case let op where op.hasPrefix("Reduce") || op == "CumSum" || op == "ArgMax" || op == "ArgMin" || op == "TopK":
      return operand
    case let op where movements.contains(op): return 0
    default: return result
    }
  }

  /// Bias, residual and activation: one operation each per element.
  private static func extras(_ node: Node, _ result: Int, from position: Int) -> Int {
    let operands = node.inputs.dropFirst(position).count { $0 != nil }
    return product([result, operands + (Activation(of: node) == nil ? 0 : 1)])
  }

  /// Two products of `[Sq, d]` and `[Sk, d]` per head, and the softmax between.
  private static func attention(_ node: Node, _ graph: Graph) -> Int {
    let (query, key, value) = (graph.shape(node.input(0)), graph.shape(node.input(1)), graph.shape(node.input(2)))
    guard query.count == 3, key.count == 3, value.count == 3 else { return 0 }
    let pairs = product([query[0], query[1], key[1]])
    let products = product([pairs, 2, query[2] + value[2]])
    return products.addingSaturated(product([pairs, 5, max(1, node.int("num_heads") ?? 1)]))
  }

  private static func product(_ factors: [Int]) -> Int {
    factors.reduce(1) {
      let (result, overflow) = $0.multipliedReportingOverflow(by: $1)
      return overflow ? .max : result
    }
  }

  private static let movements: Set<String> = [
    "Cast", "CastLike", "Concat", "Constant", "ConstantOfShape", "DepthToSpace", "Dropout", "Expand", "Flatten",
    "Gather", "GatherElements", "GatherND", "Identity", "Pad", "Range", "Reshape", "Shape", "Size", "Slice",
    "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Trilu", "Unsqueeze", "Where",
  ]
}

extension Graph {
  /// The cost of each node, in order. The graph must be specialised.
  public func nodeCosts() -> [NodeCost] { nodes.map { NodeCost(of: $0, in: self) } }

  /// The cost of one run; a weight that several nodes read counts once among the parameters.
  public func totalCost() -> NodeCost {
    var total = nodeCosts().reduce(.zero, +)
    var seen: Set<ObjectIdentifier> = []
    total.parameters = 0
    for case let input? in nodes.flatMap(\.inputs) {
      guard let constant = constant(input), constant.type.isFloatingPoint, constant.elementCount > 1,
        seen.insert(ObjectIdentifier(constant.storage)).inserted
      else { continue }
      total.parameters += constant.elementCount
    }
    return total
  }

  fileprivate func shape(_ value: ValueID?) -> Shape { value.flatMap { self[$0].fixedShape } ?? [] }

  fileprivate func elementCount(_ value: ValueID?) -> Int {
    value.flatMap { self[$0].fixedShape?.checkedElementCount } ?? 0
  }

  fileprivate func byteCount(_ value: ValueID) -> Int { elementCount(value) * (self[value].type?.byteWidth ?? 0) }
}

extension Int {
  func addingSaturated(_ other: Int) -> Int {
    let (result, overflow) = addingReportingOverflow(other)
    return overflow ? .max : result
  }
}
