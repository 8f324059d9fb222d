internal import CMessages

/// `tensorflow.SignatureDef`, as answered to GetModelMetadata.
public struct SignatureMessage: Hashable, Sendable {
  /// `tensorflow.TensorInfo`.
  public struct Tensor: Hashable, Sendable {
    /// How the signature calls it.
    public var alias: String
    /// How the model calls it.
    public var name: String
    public var type: TensorFlowType
    /// -1 where any extent is accepted; nil when the rank is unknown.
    public var extents: [Int64]?

    public init(alias: String, name: String, type: TensorFlowType, extents: [Int64]?) {
      self.alias = alias
      self.name = name
      self.type = type
      self.extents = extents
    }
  }

  public var name: String
  public var inputs: [Tensor]
  public var outputs: [Tensor]
  public var methodName: String

  public init(name: String, inputs: [Tensor], outputs: [Tensor], methodName: String) {
    self.name = name
    self.inputs = inputs
    self.outputs = outputs
    self.methodName = methodName
  }
}

/// `GetModelMetadataRequest`.
public struct GetModelMetadataRequestMessage: Sendable {
  public private(set) var modelSpec: ModelSpec?
  public private(set) var metadataFields: [String] = []

  public init(reading bytes: UnsafeRawBufferPointer) throws(WireError) {
    var reader = ProtobufReader(bytes, range: 0..<bytes.count)
    while !reader.isAtEnd {
      let start = reader.position
      switch try reader.readTag() {
      case (1, .lengthDelimited):
        var spec = modelSpec ?? ModelSpec()
        try spec.merge(bytes, range: try reader.readDelimited())
        modelSpec = spec
      case (2, .lengthDelimited):
        guard metadataFields.count < WireLimits.mapEntries else {
          throw .tooLarge(byteOffset: start, what: "metadata fields", limit: WireLimits.mapEntries)
        }
        metadataFields.append(try reader.readText())
      case (_, let type): _ = try reader.skip(type)
      }
    }
  }
}

/// `GetModelMetadataResponse`.
public enum GetModelMetadataResponseMessage {
  private static let typeURL = "type.googleapis.com/tensorflow.serving.SignatureDefMap"

  /// With the one entry that exists, `signature_def`.
  public static func encoded(modelSpec: ModelSpec, signatures: [SignatureMessage]) -> MessagePieces {
    let map = signatureMap(signatures).bytes
    return MessageBuilder.build { builder in
      let any = builder.make(google__protobuf__any__init)
      any.pointee.type_url = builder.text(typeURL)
      any.pointee.value = builder.bytes(map)
      let entry = builder.make(tensorflow__serving__get_model_metadata_response__metadata_entry__init)
      entry.pointee.key = builder.text("signature_def")
      entry.pointee.value = any
      let response = builder.make(tensorflow__serving__get_model_metadata_response__init)
      response.pointee.model_spec = builder.modelSpec(modelSpec)
      (response.pointee.metadata, response.pointee.n_metadata) = builder.list([entry])
      return builder.pack(&response.pointee.base)
    }
  }

  private static func signatureMap(_ signatures: [SignatureMessage]) -> MessagePieces {
    MessageBuilder.build { builder in
      let map = builder.make(tensorflow__serving__signature_def_map__init)
      let entries = signatures.map { signature in
        let message = builder.make(tensorflow__signature_def__init)
        (message.pointee.inputs, message.pointee.n_inputs) = builder.list(
          signature.inputs.map { input in
            let entry = builder.make(tensorflow__signature_def__inputs_entry__init)
            entry.pointee.key = builder.text(input.alias)
            entry.pointee.value = builder.tensorInfo(input)
            return entry
          })
        (message.pointee.outputs, message.pointee.n_outputs) = builder.list(
          signature.outputs.map { output in
            let entry = builder.make(tensorflow__signature_def__outputs_entry__init)
            entry.pointee.key = builder.text(output.alias)
            entry.pointee.value = builder.tensorInfo(output)
            return entry
          })
        message.pointee.method_name = builder.text(signature.methodName)
        let entry = builder.make(tensorflow__serving__signature_def_map__signature_def_entry__init)
        entry.pointee.key = builder.text(signature.name)
        entry.pointee.value = message
        return entry
      }
      (map.pointee.signature_def, map.pointee.n_signature_def) = builder.list(entries)
      return builder.pack(&map.pointee.base)
    }
  }
}

extension MessageBuilder {
  fileprivate func tensorInfo(_ tensor: SignatureMessage.Tensor) -> UnsafeMutablePointer<Tensorflow__TensorInfo> {
    let message = make(tensorflow__tensor_info__init)
    message.pointee.name = text(tensor.name)
    message.pointee.dtype = Tensorflow__DataType(rawValue: UInt32(bitPattern: tensor.type.rawValue))
    let shape = shape(tensor.extents ?? [])
    shape.pointee.unknown_rank = tensor.extents == nil ? 1 : 0
    message.pointee.tensor_shape = shape
    return message
  }
}
