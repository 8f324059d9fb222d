import ModelGraph
import Serving
import Wire

/// The bodies of answers, in TensorFlow Serving's form.
enum AnswerJSON {
  typealias Output = (name: String, tensor: Tensor)

  // MARK: Predict

  static func prediction(_ outputs: [Output], _ format: PredictJSON.Format) throws(TensorFlowStatus) -> [UInt8] {
    guard !outputs.isEmpty else { throw .invalid("Cannot convert empty tensor map to JSON") }
    let sorted = outputs.sorted { $0.name < $1.name }
    for output in sorted where [.float16, .uint16].contains(output.tensor.type) {
      throw .invalid("Failed to write JSON value for tensor type: \(output.tensor.type.tensorFlowType.name)")
    }
    return switch format {
    case .row: try rows(sorted)
    case .columnar: columns(sorted)
    }
  }

  private static func rows(_ outputs: [Output]) throws(TensorFlowStatus) -> [UInt8] {
    let count = try batchSize(outputs)
    var writer = JSONWriter(reserving: reservation(outputs))
    writer.object { writer in
      writer.key("predictions")
      writer.list(isOneLine: outputs.count == 1) { writer in
        for row in 0..<count {
          if outputs.count == 1 {
            writer.value(outputs[0].tensor, row: row, of: count)
          } else {
            writer.object { writer in
              for output in outputs {
                writer.key(output.name)
                writer.value(output.tensor, row: row, of: count)
              }
            }
          }
        }
      }
    }
    return writer.bytes
  }

  private static func batchSize(_ outputs: [Output]) throws(TensorFlowStatus) -> Int {
    var size: Int?
    for output in outputs {
      guard let extent = output.tensor.shape.first else {
        throw .invalid("Tensor name: \(output.name) has no shape information ")
      }
      if let size, size != extent {
        throw .invalid("Tensor name: \(output.name) has inconsistent batch size: \(extent) expecting: \(size)")
      }
      size = extent
    }
    return size ?? 0
  }

  private static func columns(_ outputs: [Output]) -> [UInt8] {
    var writer = JSONWriter(reserving: reservation(outputs))
    writer.object { writer in
      writer.key("outputs")
      if outputs.count == 1 {
        writer.value(outputs[0].tensor)
      } else {
        writer.object { writer in
          for output in outputs {
            writer.key(output.name)
            writer.value(output.tensor)
          }
        }
      }
    }
    return writer.bytes
  }

  private static func reservation(_ outputs: [Output]) -> Int {
    outputs.reduce(64) { $0 + 16 * $1.tensor.elementCount + 32 }
  }

  // MARK: Classify and Regress

  static func inference(_ result: InferenceResult) throws(TensorFlowStatus) -> [UInt8] {
    var writer = JSONWriter()
    switch result {
    case .classification(let items):
      guard !items.isEmpty else { throw .invalid("Cannot convert empty ClassificationResults to JSON") }
      writer.object { writer in
        writer.key("results")
        writer.list(isOneLine: true) { writer in
          for classes in items {
            writer.list { writer in
              for entry in classes {
                writer.list { writer in
                  writer.string(entry.label)
                  writer.decimal(entry.score)
                }
              }
            }
          }
        }
      }
    case .regression(let values):
      guard !values.isEmpty else { throw .invalid("Cannot convert empty RegressionResults to JSON") }
      writer.object { writer in
        writer.key("results")
        writer.list(isOneLine: true) { writer in for value in values { writer.decimal(value) } }
      }
    }
    return writer.bytes
  }

  // MARK: Models

  static func status(_ states: [VersionState]) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.key("model_version_status")
      writer.list { writer in for state in states { writer.versionState(state) } }
    }
    return writer.bytes
  }

  /// Ours: TensorFlow Serving has no list of models.
  static func models(_ models: [(name: String, states: [VersionState])]) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.key("models")
      writer.list { writer in
        for model in models {
          writer.object { writer in
            writer.key("name")
            writer.string(model.name)
            writer.key("model_version_status")
            writer.list { writer in for state in model.states { writer.versionState(state) } }
          }
        }
      }
    }
    return writer.bytes
  }

  static func metadata(_ spec: ModelSpec, _ signatures: [SignatureMessage]) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.key("model_spec")
      writer.object { writer in
        writer.key("name")
        writer.string(spec.name)
        writer.key("signature_name")
        writer.string(spec.signatureName)
        writer.key("version")
        if case .number(let version) = spec.version { writer.string("\(version)") } else { writer.null() }
      }
      writer.key("metadata")
      writer.object { writer in
        // Twice: the message in the map `metadata` has a field of the same name as its key.
        writer.key("signature_def")
        writer.object { writer in
          writer.key("signature_def")
          writer.object { writer in
            for signature in signatures {
              writer.key(signature.name)
              writer.signature(signature)
            }
          }
        }
      }
    }
    return writer.bytes
  }

  static func error(_ message: String) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.key("error")
      writer.string(message)
    }
    return writer.bytes
  }
}

extension JSONWriter {
  fileprivate mutating func versionState(_ state: VersionState) {
    object { writer in
      writer.key("version")
      writer.string("\(state.version)")
      writer.key("state")
      writer.string(Self.name(state.phase))
      writer.key("status")
      writer.object { writer in
        writer.key("error_code")
        let code = state.failure == nil ? TensorFlowStatus.Code.ok : .unknown
        writer.string(code.name)
        writer.key("error_message")
        writer.string(state.failure ?? "")
      }
    }
  }

  private static func name(_ phase: VersionState.Phase) -> String {
    switch phase {
    case .start: "START"
    case .loading: "LOADING"
    case .available: "AVAILABLE"
    case .unloading: "UNLOADING"
    case .end: "END"
    }
  }

  fileprivate mutating func signature(_ signature: SignatureMessage) {
    object { writer in
      for (key, tensors) in [("inputs", signature.inputs), ("outputs", signature.outputs)] {
        writer.key(key)
        writer.object { writer in for tensor in tensors { writer.tensorInfo(tensor) } }
      }
      writer.key("method_name")
      writer.string(signature.methodName)
      writer.key("defaults")
      writer.object { _ in }
    }
  }

  private mutating func tensorInfo(_ tensor: SignatureMessage.Tensor) {
    key(tensor.alias)
    object { writer in
      writer.key("dtype")
      writer.string(tensor.type.enumerator)
      writer.key("tensor_shape")
      writer.object { writer in
        writer.key("dim")
        writer.list { writer in
          for extent in tensor.extents ?? [] {
            writer.object { writer in
              writer.key("size")
              writer.string("\(extent)")
              writer.key("name")
              writer.string("")
            }
          }
        }
        writer.key("unknown_rank")
        writer.bool(tensor.extents == nil)
      }
      writer.key("name")
      writer.string(tensor.name)
    }
  }

  // MARK: Tensors

  /// A tensor as nested lists, on one line.
  fileprivate mutating func value(_ tensor: Tensor) {
    tensor.storage.withUnsafeBytes { bytes in
      values(of: tensor.type, bytes, start: 0, shape: tensor.shape[...])
    }
  }

  /// One of `count` rows of a tensor.
  fileprivate mutating func value(_ tensor: Tensor, row: Int, of count: Int) {
    tensor.storage.withUnsafeBytes { bytes in
      values(of: tensor.type, bytes, start: row * (tensor.elementCount / count), shape: tensor.shape.dropFirst())
    }
  }

  private mutating func values(
    of type: DataType, _ bytes: UnsafeRawBufferPointer, start: Int, shape: ArraySlice<Int>
  ) {
    guard let extent = shape.first else { return element(of: type, bytes, at: start) }
    let inner = shape.dropFirst()
    let width = inner.reduce(1, *)
    list(isOneLine: true) { writer in
      for index in 0..<extent {
        writer.values(of: type, bytes, start: start + index * width, shape: inner)
      }
    }
  }

  private mutating func element(of type: DataType, _ bytes: UnsafeRawBufferPointer, at index: Int) {
    let offset = index * type.byteWidth
    switch type {
    case .float32: decimal(bytes.loadUnaligned(fromByteOffset: offset, as: Float.self))
    case .float64: decimal(bytes.loadUnaligned(fromByteOffset: offset, as: Double.self))
    case .int8: integer(bytes.loadUnaligned(fromByteOffset: offset, as: Int8.self))
    case .int16: integer(bytes.loadUnaligned(fromByteOffset: offset, as: Int16.self))
    case .int32: integer(bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self))
    case .int64: integer(bytes.loadUnaligned(fromByteOffset: offset, as: Int64.self))
    case .uint8: integer(bytes[offset])
    case .uint32: integer(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    case .uint64: integer(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    case .bool: bool(bytes[offset] != 0)
    // Refused before anything is written.
    case .float16, .uint16: null()
    }
  }
}
