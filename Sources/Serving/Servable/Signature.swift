/// One way to call a servable: which inputs it takes and which outputs it gives.
public struct Signature: Hashable, Sendable {
  /// The name that a request means when it names none.
  public static let defaultName = "serving_default"

  public let name: String
  public let inputs: [TensorSpec]
  public let outputs: [TensorSpec]

  public init(name: String = defaultName, inputs: [TensorSpec], outputs: [TensorSpec]) {
    self.name = name
    self.inputs = inputs
    self.outputs = outputs
  }
}
