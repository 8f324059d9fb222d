internal import CMessages

/// `tensorflow.serving.PredictResponse`.
public struct PredictResponseMessage: Sendable {
  public private(set) var modelSpec: ModelSpec?
  public private(set) var outputs = NamedTensors()

  /// Reads an answer in place, see ``PredictRequestMessage``.
  public init(reading bytes: UnsafeRawBufferPointer, range: Range<Int>? = nil) throws(WireError) {
    var reader = ProtobufReader(bytes, range: range ?? 0..<bytes.count)
    while !reader.isAtEnd {
      switch try reader.readTag() {
      case (1, .lengthDelimited): try outputs.add(bytes, entry: try reader.readDelimited())
      case (2, .lengthDelimited):
        var spec = modelSpec ?? ModelSpec()
        try spec.merge(bytes, range: try reader.readDelimited())
        modelSpec = spec
      case (_, let type): _ = try reader.skip(type)
      }
    }
  }

  /// An answer as bytes. Elements that need no conversion are not copied when they are many.
  public static func encoded(
    modelSpec: ModelSpec, outputs: [(name: String, value: TensorValue)], encoding: TensorEncoding = .typedValues
  ) -> MessagePieces {
    MessageBuilder.build { builder in
      let response = builder.make(tensorflow__serving__predict_response__init)
      response.pointee.model_spec = builder.modelSpec(modelSpec)
      let entries = outputs.map { output in
        let entry = builder.make(tensorflow__serving__predict_response__outputs_entry__init)
        entry.pointee.key = builder.text(output.name)
        entry.pointee.value = builder.tensor(output.value, encoding: encoding)
        return entry
      }
      (response.pointee.outputs, response.pointee.n_outputs) = builder.list(entries)
      return builder.pack(&response.pointee.base)
    }
  }
}
