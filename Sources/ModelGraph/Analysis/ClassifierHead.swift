/// How a classifier ends: the tensor of its classifier layer, what its outputs are made of that with, and how it makes
/// one vector an item of what its layers compute.
///
/// Ramps take over all three: they pool as the model does, end in a tensor of the same shape and then go through the
/// model's own *tail*, so that an early answer has the outputs of a late one.
public struct ClassifierHead: Sendable {
  /// The scores [N, classes] whose largest element is the answer: what the first node of the tail reads, or the output.
  public let logits: ValueID
  public let classes: Int
  /// Of the logits.
  public let type: DataType
  /// The nodes from ``logits`` to the outputs, in order: softmax, argmax and the like, without weights. Empty when the
  /// logits are the output.
  public let tail: [Node]
  public let pooling: Pooling

  /// How the model pools.
  public enum Pooling: Sendable {
    /// Images [N, C, H, W]: ramps average over H and W.
    case image
    /// These nodes, which have no weights, make `output` [N, D] of `input` [N, S, D].
    case tokens(nodes: [Node], input: ValueID, output: ValueID)
    /// All tensors are rows [N, D] already.
    case rows
  }

  /// - Parameters:
  ///   - graph: as imported, constants folded.
  ///   - specialized: the same graph for some input shapes; only its values count.
  /// - Throws: ``ClassifierError`` when the model is none that ramps could answer for.
  /// - Complexity: O(nodes).
  public init(_ graph: Graph, specialized: Graph) throws(ClassifierError) {
    let finder = HeadFinder(graph, specialized: specialized)
    tail = try finder.tail()
    (logits, classes) = try finder.logits(before: tail)
    type = specialized[logits].type ?? .float32
    pooling = try finder.pooling(before: logits)
  }
}

/// Why a model has no place for ramps.
public enum ClassifierError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The outputs come from several tensors, which one ramp cannot replace.
  case severalAnswers(values: [String])
  /// Scores are not one row of classes an item.
  case notRows(value: String, shape: Shape)
  case singleClass(value: String)
  /// Each class is a decision of its own.
  case multiLabel(node: String)
  /// What an encoder's layers compute becomes one vector an item in a way that ramps cannot copy.
  case unknownPooling(value: String)

  public var description: String {
    switch self {
    case .severalAnswers(let values):
      "its outputs come from several tensors (\(values.joined(separator: ", "))), ramps can answer for one"
    case .notRows(let value, let shape): "its scores \"\(value)\" have shape \(shape), ramps need one row an item"
    case .singleClass(let value): "its scores \"\(value)\" have one column, ramps need two classes or more"
    case .multiLabel(let node): "node \"\(node)\" decides on every class by itself, ramps need one answer an item"
    case .unknownPooling(let value): "how \"\(value)\" is made of an item's tokens is not known"
    }
  }
}
