internal import CMessages

/// `tensorflow.serving.PredictRequest`, read in place: tensors stay where they are. O(fields), whatever their size.
public struct PredictRequestMessage: Sendable {
  public private(set) var modelSpec: ModelSpec?
  public private(set) var inputs = NamedTensors()
  public private(set) var outputFilter: [String] = []

  /// Reads the message in `range` of `bytes`; ranges in it are offsets into `bytes`.
  public init(reading bytes: UnsafeRawBufferPointer, range: Range<Int>? = nil) throws(WireError) {
    var reader = ProtobufReader(bytes, range: range ?? 0..<bytes.count)
    while !reader.isAtEnd {
      let start = reader.position
      switch try reader.readTag() {
      case (1, .lengthDelimited):
        var spec = modelSpec ?? ModelSpec()
        try spec.merge(bytes, range: try reader.readDelimited())
        modelSpec = spec
      case (2, .lengthDelimited): try inputs.add(bytes, entry: try reader.readDelimited())
      case (3, .lengthDelimited):
        guard outputFilter.count < WireLimits.mapEntries else {
          throw .tooLarge(byteOffset: start, what: "outputs in the filter", limit: WireLimits.mapEntries)
        }
        outputFilter.append(try reader.readText())
      case (_, let type): _ = try reader.skip(type)
      }
    }
  }

  /// A request as bytes: for clients, and for records of requests.
  public static func encoded(
    modelSpec: ModelSpec, inputs: [(name: String, value: TensorValue)], outputFilter: [String] = [],
    encoding: TensorEncoding = .content
  ) -> MessagePieces {
    MessageBuilder.build { builder in
      let request = builder.make(tensorflow__serving__predict_request__init)
      request.pointee.model_spec = builder.modelSpec(modelSpec)
      let entries = inputs.map { input in
        let entry = builder.make(tensorflow__serving__predict_request__inputs_entry__init)
        entry.pointee.key = builder.text(input.name)
        entry.pointee.value = builder.tensor(input.value, encoding: encoding)
        return entry
      }
      (request.pointee.inputs, request.pointee.n_inputs) = builder.list(entries)
      (request.pointee.output_filter, request.pointee.n_output_filter) = builder.list(outputFilter.map(builder.text))
      return builder.pack(&request.pointee.base)
    }
  }
}
