/// `tensorflow.serving.Input`: the examples of a classification or regression, in place.
public struct InputMessage: Sendable {
  private var examples: [[String: FeatureMessage]] = []
  private var context: [String: FeatureMessage] = [:]
  private var kind: UInt32 = 0
  private var featureCount = 0

  /// Empty also when there is nothing but a context.
  public var count: Int { examples.count }

  /// The examples; features of the context count for each that does not have its own.
  ///
  /// - Parameter owner: of the bytes that were read.
  public func examples(in owner: any ByteOwner) -> [any ExampleFeatures] {
    examples.map { ExampleInMessage(own: $0, context: context, owner: owner) }
  }

  mutating func merge(_ bytes: UnsafeRawBufferPointer, range: Range<Int>) throws(WireError) {
    var reader = ProtobufReader(bytes, range: range)
    while !reader.isAtEnd {
      let (field, type) = try reader.readTag()
      let value = try reader.skip(type)
      guard type == .lengthDelimited, field == 1 || field == 2 else { continue }
      if kind != field {
        kind = field
        examples = []
        context = [:]
      }
      try mergeList(bytes, range: value)
    }
  }

  private mutating func mergeList(_ bytes: UnsafeRawBufferPointer, range: Range<Int>) throws(WireError) {
    var reader = ProtobufReader(bytes, range: range)
    while !reader.isAtEnd {
      let start = reader.position
      switch try reader.readTag() {
      case (1, .lengthDelimited):
        guard count < WireLimits.examples else {
          throw .tooLarge(byteOffset: start, what: "examples", limit: WireLimits.examples)
        }
        var example: [String: FeatureMessage] = [:]
        try mergeExample(bytes, range: try reader.readDelimited(), into: &example)
        examples.append(example)
      case (2, .lengthDelimited) where kind == 2:
        var features = context
        context = [:]
        try mergeExample(bytes, range: try reader.readDelimited(), into: &features)
        context = features
      case (_, let type): _ = try reader.skip(type)
      }
    }
  }

  private mutating func mergeExample(
    _ bytes: UnsafeRawBufferPointer, range: Range<Int>, into features: inout [String: FeatureMessage]
  ) throws(WireError) {
    var reader = ProtobufReader(bytes, range: range)
    while !reader.isAtEnd {
      switch try reader.readTag() {
      case (1, .lengthDelimited): try mergeFeatures(bytes, range: try reader.readDelimited(), into: &features)
      case (_, let type): _ = try reader.skip(type)
      }
    }
  }

  private mutating func mergeFeatures(
    _ bytes: UnsafeRawBufferPointer, range: Range<Int>, into features: inout [String: FeatureMessage]
  ) throws(WireError) {
    var reader = ProtobufReader(bytes, range: range)
    while !reader.isAtEnd {
      let start = reader.position
      let (field, type) = try reader.readTag()
      let value = try reader.skip(type)
      guard field == 1, type == .lengthDelimited else { continue }
      featureCount += 1
      guard featureCount <= WireLimits.messages else {
        throw .tooLarge(byteOffset: start, what: "features", limit: WireLimits.messages)
      }
      var entry = ProtobufReader(bytes, range: value)
      var name = ""
      var feature = FeatureMessage()
      while !entry.isAtEnd {
        switch try entry.readTag() {
        case (1, .lengthDelimited): name = try entry.readText()
        case (2, .lengthDelimited): try feature.merge(bytes, range: try entry.readDelimited())
        case (_, let type): _ = try entry.skip(type)
        }
      }
      features[name] = feature
    }
  }
}

private struct ExampleInMessage: ExampleFeatures {
  let own: [String: FeatureMessage]
  let context: [String: FeatureMessage]
  let owner: any ByteOwner

  func feature(_ name: String) throws(WireError) -> ExampleFeature? {
    guard let feature = own[name] ?? context[name] else { return nil }
    return try owner.withUnsafeBytes { (bytes) throws(WireError) in try feature.values(in: bytes) }
  }
}
