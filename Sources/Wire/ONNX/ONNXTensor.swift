/// `TensorProto`, with its payload left where it is in the file.
public struct ONNXTensor: Sendable {
  public var name: String
  public var dimensions: [Int64]
  /// `TensorProto.DataType`.
  public var dataType: Int32
  public var payloads: [ONNXPayload]
  /// Whether `externalData` names the file that holds the payload.
  public var isExternal: Bool
  public var externalData: [ONNXStringEntry]
}

/// Elements of a tensor, in one of the forms that a file can hold them. A tensor can have several of one form, which
/// follow one another.
public enum ONNXPayload: Sendable {
  /// `raw_data`: little-endian elements at this place in the file.
  case raw(Range<Int>)
  /// A packed run of `float_data` or `double_data`: little-endian elements at this place in the file.
  case floats(Range<Int>)
  case doubles(Range<Int>)
  /// A packed run of `int32_data`, `int64_data` or `uint64_data` at this place in the file, see ``PackedVarints``.
  case packedInt32s(Range<Int>)
  case packedInt64s(Range<Int>)
  case packedUInt64s(Range<Int>)
  /// Numbers that were written one field each, which only hand-made files do. Negative ones are sign-extended.
  case loose(ONNXLooseElements)
}

public enum ONNXLooseElements: Sendable {
  case floats([Float])
  case doubles([Double])
  case int32s([Int32])
  case int64s([Int64])
  case uint64s([UInt64])
}
