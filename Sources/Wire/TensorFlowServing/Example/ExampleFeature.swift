/// The values of one feature of a `tf.Example`.
public enum ExampleFeature: Hashable, Sendable {
  case bytes([[UInt8]])
  case floats([Float])
  case integers([Int64])

  public var count: Int {
    switch self {
    case .bytes(let values): values.count
    case .floats(let values): values.count
    case .integers(let values): values.count
    }
  }
}

/// One item of a classification or regression: values under names, wherever they come from.
public protocol ExampleFeatures: Sendable {
  /// The values under `name`; nil when there are none of that name.
  func feature(_ name: String) throws(WireError) -> ExampleFeature?
}

/// A `tf.Example` in memory.
public struct Example: ExampleFeatures, Hashable, Sendable {
  public var features: [String: ExampleFeature]

  public init(_ features: [String: ExampleFeature] = [:]) { self.features = features }

  public func feature(_ name: String) -> ExampleFeature? { features[name] }

  /// The message, as a whole record of an example file holds it.
  public var encoded: [UInt8] {
    var writer = ProtobufWriter()
    writer.append(field: 1) { list in
      for (name, feature) in features.sorted(by: { $0.key < $1.key }) {
        list.append(field: 1) { entry in
          entry.append(field: 1, string: name)
          entry.append(field: 2) { Self.write(feature, to: &$0) }
        }
      }
    }
    return writer.bytes
  }

  private static func write(_ feature: ExampleFeature, to writer: inout ProtobufWriter) {
    switch feature {
    case .bytes(let values):
      writer.append(field: 1) { list in for value in values { list.append(field: 1, bytes: value) } }
    case .floats(let values):
      let packed = values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
      writer.append(field: 2) { $0.append(field: 1, bytes: packed) }
    case .integers(let values):
      var packed = ProtobufWriter()
      for value in values { packed.append(varint: UInt64(bitPattern: value)) }
      writer.append(field: 3) { $0.append(field: 1, bytes: packed.bytes) }
    }
  }
}
