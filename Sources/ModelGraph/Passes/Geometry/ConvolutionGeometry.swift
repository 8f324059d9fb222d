/// A convolution with everything resolved: `Conv` of ONNX and the fused one.
///
/// X is `[batch, inputChannels, inputExtents…]`, W `[outputChannels, inputChannels / groups, kernel…]`, the result
/// `[batch, outputChannels, outputExtents…]`. Lists have one entry per spatial axis (1 to 3 of them).
public struct ConvolutionGeometry: Sendable, Hashable {
  public let batch: Int
  public let inputChannels: Int
  public let outputChannels: Int
  public let groups: Int
  public let inputExtents: Shape
  public let outputExtents: Shape
  public let kernel: [Int]
  public let strides: [Int]
  public let dilations: [Int]
  public let padsBegin: [Int]
  public let padsEnd: [Int]

  public var spatialRank: Int { kernel.count }
  public var outputShape: Shape { [batch, outputChannels] + outputExtents }
  /// Each channel is convolved by itself.
  public var isDepthwise: Bool { groups > 1 && groups == inputChannels }

  /// - Throws: ``GraphError`` when the operands' shapes are unknown or contradict the attributes.
  public init(of node: Node, in graph: Graph) throws(GraphError) { try self.init(NodeContext(node, graph)) }

  init(_ context: NodeContext) throws(GraphError) {
    let (input, weights) = try context.sameTypeOperands(0, 1, of: .floatingPoint)
    guard (3...5).contains(input.rank), weights.rank == input.rank else {
      throw context.invalid(
        expected: "input and weights of one rank, 3 to 5", got: "shapes \(input.shape) and \(weights.shape)")
    }
    groups = try context.int("group", default: 1)
    batch = input.shape[0]
    inputChannels = input.shape[1]
    outputChannels = weights.shape[0]
    guard groups >= 1, inputChannels >= 1, outputChannels >= 1, inputChannels % groups == 0,
      outputChannels % groups == 0, weights.shape[1] == inputChannels / groups
    else {
      throw context.invalid(
        expected: "weights [M, C / group, …] with C and M divisible by group",
        got: "input \(input.shape), weights \(weights.shape), group \(groups)")
    }
    if context.has(2) {
      _ = try context.sameTypeOperands(0, 2, of: .floatingPoint)
      try context.require(2, shape: [outputChannels])
    }
    inputExtents = Array(input.shape[2...])
    let window = try Window(context, kernel: Array(weights.shape[2...]), input: inputExtents, ceiling: false)
    outputExtents = window.outputExtents
    kernel = window.kernel
    strides = window.strides
    dilations = window.dilations
    padsBegin = window.padsBegin
    padsEnd = window.padsEnd
  }
}
