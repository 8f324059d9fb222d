/// The ways to call one servable, by name. There is always one called ``Signature/defaultName``.
public struct SignatureMap: Sendable, Equatable {
  /// What a signature is for, beyond tensors in and tensors out.
  public enum Method: String, Sendable, Equatable {
    case predict = "tensorflow/serving/predict"
    /// Its outputs hold a score for each class.
    case classify = "tensorflow/serving/classify"
    /// Its output holds one number for each item.
    case regress = "tensorflow/serving/regress"
  }

  /// A signature, and what its aliases are called in the servable.
  public struct Entry: Sendable, Equatable {
    public let signature: Signature
    public let method: Method
    /// By alias: the name in ``Servable/signature``.
    public let inputNames: [String: String]
    public let outputNames: [String: String]
    /// What the classes are called, in the order of the scores; empty when nobody said.
    public let labels: [String]

    public init(
      signature: Signature, method: Method = .predict, inputNames: [String: String]? = nil,
      outputNames: [String: String]? = nil, labels: [String] = []
    ) {
      self.signature = signature
      self.method = method
      self.inputNames =
        inputNames ?? Dictionary(uniqueKeysWithValues: signature.inputs.map { ($0.name, $0.name) })
      self.outputNames =
        outputNames ?? Dictionary(uniqueKeysWithValues: signature.outputs.map { ($0.name, $0.name) })
      self.labels = labels
    }
  }

  public let entries: [String: Entry]

  /// The servable's own signature, and others beside it, which may take its place.
  public init(default signature: Signature, others: [Entry] = [], labels: [String] = []) {
    let own = Signature(name: Signature.defaultName, inputs: signature.inputs, outputs: signature.outputs)
    var entries = [own.name: Entry(signature: own, labels: labels)]
    for entry in others { entries[entry.signature.name] = entry }
    self.entries = entries
  }

  /// The signature that a request means; an empty name means the default one.
  public subscript(name: String) -> Entry? { entries[name.isEmpty ? Signature.defaultName : name] }
}
