import Wire

extension ONNXPayload {
  /// The field of `TensorProto` that holds a payload.
  enum Form: String {
    case raw = "raw_data"
    case floats = "float_data"
    case doubles = "double_data"
    case int32s = "int32_data"
    case int64s = "int64_data"
    case uint64s = "uint64_data"

    /// The field for elements of `type` when they are not in `raw_data`.
    init(typedDataOf type: DataType) {
      self =
        switch type {
        case .float32: .floats
        case .float64: .doubles
        case .int32, .int16, .int8, .uint16, .uint8, .bool, .float16: .int32s
        case .int64: .int64s
        case .uint32, .uint64: .uint64s
        }
    }
  }

  var form: Form {
    switch self {
    case .raw: .raw
    case .floats, .loose(.floats): .floats
    case .doubles, .loose(.doubles): .doubles
    case .packedInt32s, .loose(.int32s): .int32s
    case .packedInt64s, .loose(.int64s): .int64s
    case .packedUInt64s, .loose(.uint64s): .uint64s
    }
  }

  /// Whether more runs of the same form may follow it.
  var isPacked: Bool {
    switch self {
    case .raw, .loose: false
    case .floats, .doubles, .packedInt32s, .packedInt64s, .packedUInt64s: true
    }
  }

  var isEmpty: Bool {
    switch self {
    case .raw(let range), .floats(let range), .doubles(let range), .packedInt32s(let range), .packedInt64s(let range),
      .packedUInt64s(let range):
      range.isEmpty
    case .loose: false
    }
  }

  /// Where the elements are in the file, when they can be used as they are.
  var littleEndianRange: Range<Int>? {
    switch self {
    case .raw(let range), .floats(let range), .doubles(let range): range
    case .packedInt32s, .packedInt64s, .packedUInt64s, .loose: nil
    }
  }
}
