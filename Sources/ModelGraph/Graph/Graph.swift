/// Names one value (an edge) of a ``Graph``: an index into ``Graph/values``.
public struct ValueID: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let index: Int
  public init(_ index: Int) { self.index = index }
  public static func < (a: ValueID, b: ValueID) -> Bool { a.index < b.index }
  public var description: String { "%\(index)" }
}

/// An edge of the graph: a tensor that flows, or a constant.
public struct Value: Sendable {
  /// Unique within the graph; the name in the model file, or derived from it by a pass.
  public var name: String
  public var type: DataType?
  /// Declared or inferred extents; `nil` while unknown. Every value of a *specialised* graph has fixed extents.
  public var shape: [Dimension]?
  /// Set when the value is known at load or by folding.
  public var constant: Tensor?

  public init(name: String, type: DataType? = nil, shape: [Dimension]? = nil, constant: Tensor? = nil) {
    self.name = name
    self.type = type ?? constant?.type
    self.shape = shape ?? constant?.shape.map { .fixed($0) }
    self.constant = constant
  }

  /// The shape when every extent is known.
  public var fixedShape: Shape? {
    guard let shape else { return nil }
    var extents: Shape = []
    for dimension in shape {
      guard let extent = dimension.fixedExtent else { return nil }
      extents.append(extent)
    }
    return extents
  }
}

/// An attribute of a node, as in ONNX `AttributeProto` without subgraphs.
public enum Attribute: Sendable {
  case int(Int64)
  case float(Float)
  case string(String)
  case ints([Int64])
  case floats([Float])
  case strings([String])
  case tensor(Tensor)
}

/// The operator sets that a node's operator can come from.
public enum OperatorDomain: String, Sendable, Hashable {
  /// `ai.onnx`, written as the empty string in files.
  case onnx = ""
  /// `com.microsoft`: contrib operators that exporters of optimised models emit.
  case microsoft = "com.microsoft"
  /// Fused operators that only our passes create, see `Passes/FusedOperators.swift`.
  case apparate = "apparate"
}

/// One operation. Inputs and outputs may be absent (`nil`) where the operator says so.
public struct Node: Sendable {
  public var name: String
  public var domain: OperatorDomain
  public var op: String
  /// The version of the operator set that gives the operator its meaning.
  public var opset: Int
  public var inputs: [ValueID?]
  public var outputs: [ValueID?]
  public var attributes: [String: Attribute]

  public init(
    name: String, domain: OperatorDomain = .onnx, op: String, opset: Int = 21, inputs: [ValueID?],
    outputs: [ValueID?], attributes: [String: Attribute] = [:]
  ) {
    self.name = name
    self.domain = domain
    self.op = op
    self.opset = opset
    self.inputs = inputs
    self.outputs = outputs
    self.attributes = attributes
  }

  public func input(_ position: Int) -> ValueID? { position < inputs.count ? inputs[position] : nil }
  public func output(_ position: Int) -> ValueID? { position < outputs.count ? outputs[position] : nil }

  public func int(_ name: String) -> Int? { if case .int(let v)? = attributes[name] { Int(v) } else { nil } }
  public func float(_ name: String) -> Float? { if case .float(let v)? = attributes[name] { v } else { nil } }
  public func string(_ name: String) -> String? { if case .string(let v)? = attributes[name] { v } else { nil } }
  public func ints(_ name: String) -> [Int]? {
    if case .ints(let v)? = attributes[name] { v.map { Int($0) } } else { nil }
  }
  public func floats(_ name: String) -> [Float]? { if case .floats(let v)? = attributes[name] { v } else { nil } }
  public func tensor(_ name: String) -> Tensor? { if case .tensor(let v)? = attributes[name] { v } else { nil } }
}

/// A data-flow graph: nodes in topological order over values. A value type; passes return changed copies.
public struct Graph: Sendable {
  public var name: String
  public var values: [Value]
  /// In topological order: a node comes after the producers of its inputs. Every pass keeps this true.
  public var nodes: [Node]
  /// What a run must supply (initializers are constants, not inputs).
  public var inputs: [ValueID]
  public var outputs: [ValueID]
  /// `metadata_props` of the model file.
  public var metadata: [String: String]

  public init(
    name: String, values: [Value] = [], nodes: [Node] = [], inputs: [ValueID] = [], outputs: [ValueID] = [],
    metadata: [String: String] = [:]
  ) {
    self.name = name
    self.values = values
    self.nodes = nodes
    self.inputs = inputs
    self.outputs = outputs
    self.metadata = metadata
  }

  public subscript(value: ValueID) -> Value {
    get { values[value.index] }
    set { values[value.index] = newValue }
  }

  public mutating func add(_ value: Value) -> ValueID {
    values.append(value)
    return ValueID(values.count - 1)
  }

  public func constant(_ value: ValueID?) -> Tensor? { value.flatMap { self[$0].constant } }

  /// For each value, the index of the node that produces it. O(nodes).
  public func producers() -> [ValueID: Int] {
    var result: [ValueID: Int] = [:]
    for (index, node) in nodes.enumerated() { for case let output? in node.outputs { result[output] = index } }
    return result
  }

  /// For each value, the indices of the nodes that read it, in order, one entry per reading input. O(nodes).
  public func consumers() -> [ValueID: [Int]] {
    var result: [ValueID: [Int]] = [:]
    for (index, node) in nodes.enumerated() {
      for case let input? in node.inputs { result[input, default: []].append(index) }
    }
    return result
  }
}
