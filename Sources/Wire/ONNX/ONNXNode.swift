/// `NodeProto`.
public struct ONNXNode: Sendable {
  public var name: String
  public var domain: String
  public var op: String
  /// Names of values; an empty name is an absent input.
  public var inputs: [String]
  /// Names of values; an empty name is an output that nobody wants.
  public var outputs: [String]
  public var attributes: [ONNXAttribute]

  public init(
    name: String, domain: String, op: String, inputs: [String], outputs: [String], attributes: [ONNXAttribute]
  ) {
    self.name = name
    self.domain = domain
    self.op = op
    self.inputs = inputs
    self.outputs = outputs
    self.attributes = attributes
  }
}

/// `AttributeProto`. `type` says which of the values counts; files from before it existed leave it 0.
public struct ONNXAttribute: Sendable {
  public var name: String
  public var type: Int32
  /// Not empty only in the bodies of functions.
  public var reference: String
  public var float: Float?
  public var int: Int64?
  public var string: [UInt8]?
  public var tensor: ONNXTensor?
  public var floats: [Float]
  public var ints: [Int64]
  public var strings: [[UInt8]]
  public var tensors: [ONNXTensor]
}
