/// A pooling with everything resolved: `MaxPool`, `AveragePool`, `GlobalMaxPool`, `GlobalAveragePool`.
///
/// X is `[batch, channels, inputExtents…]`, the result `[batch, channels, outputExtents…]`. Lists have one entry per
/// spatial axis (1 to 3 of them). Global pooling is a window over the whole input.
public struct PoolingGeometry: Sendable, Hashable {
  public enum Kind: Sendable { case maximum, average }

  public let kind: Kind
  public let isGlobal: Bool
  public let batch: Int
  public let channels: Int
  public let inputExtents: Shape
  public let outputExtents: Shape
  public let kernel: [Int]
  public let strides: [Int]
  public let dilations: [Int]
  public let padsBegin: [Int]
  public let padsEnd: [Int]
  /// Averages divide by the window's cells inside the padded input, not only by those inside the input. Cells beyond
  /// the padding, which `ceil_mode` can reach, never count.
  public let countsPadding: Bool
  /// `MaxPool`'s indices count column-major.
  public let columnMajorIndices: Bool

  public var spatialRank: Int { kernel.count }
  public var outputShape: Shape { [batch, channels] + outputExtents }

  /// - Throws: ``GraphError`` when the operand's shape is unknown or contradicts the attributes.
  public init(of node: Node, in graph: Graph) throws(GraphError) { try self.init(NodeContext(node, graph)) }

  init(_ context: NodeContext) throws(GraphError) {
    let input = try context.operand(0, of: .numeric)
    guard (3...5).contains(input.rank) else {
      throw context.invalid(expected: "an input of rank 3 to 5", got: "shape \(input.shape)")
    }
    kind = context.node.op.hasSuffix("MaxPool") ? .maximum : .average
    isGlobal = context.node.op.hasPrefix("Global")
    batch = input.shape[0]
    channels = input.shape[1]
    inputExtents = Array(input.shape[2...])
    countsPadding = try context.flag("count_include_pad", default: false)
    columnMajorIndices = try context.flag("storage_order", default: false)
    if isGlobal {
      guard inputExtents.allSatisfy({ $0 >= 1 }) else {
        throw context.invalid(expected: "spatial extents of 1 or more", got: "\(inputExtents)")
      }
      let ones = inputExtents.map { _ in 1 }
      (kernel, strides, dilations, outputExtents) = (inputExtents, ones, ones, ones)
      (padsBegin, padsEnd) = (ones.map { _ in 0 }, ones.map { _ in 0 })
      return
    }
    let window = try Window(
      context, kernel: nil, input: inputExtents, ceiling: try context.flag("ceil_mode", default: false))
    for axis in window.kernel.indices {
      // A window that lies in the padding alone has no maximum and no average.
      let reach = (window.kernel[axis] - 1) * window.dilations[axis] + 1
      guard max(window.padsBegin[axis], window.padsEnd[axis]) < reach else {
        throw context.invalid(
          expected: "pads smaller than the window \(reach)", got: "\(window.padsBegin) and \(window.padsEnd)")
      }
    }
    outputExtents = window.outputExtents
    kernel = window.kernel
    strides = window.strides
    dilations = window.dilations
    padsBegin = window.padsBegin
    padsEnd = window.padsEnd
  }
}
