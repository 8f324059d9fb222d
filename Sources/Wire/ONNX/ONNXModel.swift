/// `ModelProto`: a model as its file says it, not yet checked for sense.
public struct ONNXModel: Sendable {
  public var irVersion: Int64?
  public var producer: String
  public var operatorSets: [ONNXOperatorSet]
  public var graph: ONNXGraph?
  public var metadata: [ONNXStringEntry]
}

/// `OperatorSetIdProto`.
public struct ONNXOperatorSet: Sendable {
  public var domain: String
  public var version: Int64
}

/// `StringStringEntryProto`.
public struct ONNXStringEntry: Sendable {
  public var key: String
  public var value: String

  public init(key: String, value: String) {
    self.key = key
    self.value = value
  }
}

/// `GraphProto`.
public struct ONNXGraph: Sendable {
  public var name: String
  public var nodes: [ONNXNode]
  public var initializers: [ONNXTensor]
  public var inputs: [ONNXValue]
  public var outputs: [ONNXValue]
  /// Types of values inside the graph, where the exporter wrote them down.
  public var values: [ONNXValue]
}
