extension TensorMessage {
  /// Where the elements come from.
  public enum Elements: Hashable, Sendable {
    /// They lie in the message as they are in memory: row-major, little-endian, perhaps not aligned.
    case inPlace(Range<Int>)
    /// They must be unpacked, see ``TensorMessage/unpack(_:into:)``.
    case packed(byteCount: Int)
  }

  /// The concrete shape. Absent and unknown shapes are those of a scalar.
  ///
  /// - Throws: when an extent is negative or there are more elements than an `Int` counts.
  public func shape() throws(WireError) -> [Int] {
    if hasUnknownRank { return [] }
    var shape: [Int] = []
    var count = 1
    for extent in extents {
      let (product, overflow) = count.multipliedReportingOverflow(by: Int(extent))
      guard extent >= 0, !overflow else {
        throw .malformed(byteOffset: 0, expected: "extents from 0", got: "\(extents)")
      }
      count = product
      shape.append(Int(extent))
    }
    return shape
  }

  /// Where the elements come from. O(1) in the elements, apart from booleans, which are checked.
  ///
  /// Rules as in TensorFlow's `Tensor::FromProto`: content must be exactly as long as the shape says; typed values may be
  /// too few (the last repeats, no values are zeros) or too many.
  ///
  /// - Throws: for types without numbers, shapes that are none, wrong lengths, and tensors that would take far more
  ///   memory than the message, see ``WireLimits/repeatedTensorBytes``.
  public func elements(in bytes: UnsafeRawBufferPointer) throws(WireError) -> Elements {
    guard let width = type.byteWidth else {
      throw .malformed(byteOffset: 0, expected: "a tensor of numbers", got: type.name)
    }
    let (byteCount, overflow) = try shape().reduce(1, *).multipliedReportingOverflow(by: width)
    guard !overflow else { throw .malformed(byteOffset: 0, expected: "extents from 0", got: "\(extents)") }
    if let content {
      guard content.count == byteCount else {
        throw .malformed(
          byteOffset: content.lowerBound, expected: "\(byteCount) bytes for shape \(extents)", got: "\(content.count)")
      }
      if type == .bool, let wrong = bytes[content].firstIndex(where: { $0 > 1 }) {
        throw .malformed(byteOffset: wrong, expected: "0 or 1 for a boolean", got: "\(bytes[wrong])")
      }
      return .inPlace(content)
    }
    if type == .float || type == .double, byteCount > 0, let run = valueRuns.first, run.form == .packed,
      run.range.count >= byteCount
    {
      return .inPlace(run.range.prefix(byteCount))
    }
    let sent = valueRuns.reduce(0) { $0 + $1.range.count } + (float8?.count ?? 0)
    guard byteCount <= max(WireLimits.repeatedTensorBytes, WireLimits.tensorExpansion * sent) else {
      throw .tooLarge(
        byteOffset: 0, what: "bytes for a tensor with \(sent) bytes of values", limit: WireLimits.repeatedTensorBytes)
    }
    return .packed(byteCount: byteCount)
  }

  /// Writes the elements of a `.packed` tensor.
  ///
  /// - Parameter memory: as many zeroed bytes as ``elements(in:)`` said.
  public func unpack(_ bytes: UnsafeRawBufferPointer, into memory: UnsafeMutableRawBufferPointer) throws(WireError) {
    switch type {
    case .float, .complex64: try unpack(bytes, into: memory) { UInt32(truncatingIfNeeded: $0) }
    case .double, .complex128: try unpack(bytes, into: memory) { $0 }
    case .int32, .qint32, .uint32: try unpack(bytes, into: memory) { UInt32(truncatingIfNeeded: $0) }
    case .int64, .uint64: try unpack(bytes, into: memory) { $0 }
    case .int16, .uint16, .qint16, .quint16, .half, .bfloat16:
      try unpack(bytes, into: memory) { UInt16(truncatingIfNeeded: $0) }
    case .bool: try unpack(bytes, into: memory) { UInt8($0 == 0 ? 0 : 1) }
    case .float8e5m2, .float8e4m3fn: unpackFloat8(bytes, into: memory)
    default: try unpack(bytes, into: memory) { UInt8(truncatingIfNeeded: $0) }
    }
  }

  private func unpack<Element: FixedWidthInteger>(
    _ bytes: UnsafeRawBufferPointer, into memory: UnsafeMutableRawBufferPointer, _ convert: (UInt64) -> Element
  ) throws(WireError) {
    guard let (field, elementType) = valueField, !memory.isEmpty else { return }
    // A complex number is two values, and the last pair repeats.
    let group = type == .complex64 || type == .complex128 ? 2 : 1
    let width = MemoryLayout<Element>.size
    let count = memory.count / width
    var index = 0
    try runs.forEach(field, as: elementType, in: bytes) { number in
      memory.storeBytes(of: convert(number).littleEndian, toByteOffset: index * width, as: Element.self)
      index += 1
      return index < count
    }
    guard index >= group, index < count else { return }
    for next in index..<count {
      let last = memory.loadUnaligned(fromByteOffset: (next - group) * width, as: Element.self)
      memory.storeBytes(of: last, toByteOffset: next * width, as: Element.self)
    }
  }

  private func unpackFloat8(_ bytes: UnsafeRawBufferPointer, into memory: UnsafeMutableRawBufferPointer) {
    guard let float8, let last = bytes[float8].last else { return }
    let sent = min(float8.count, memory.count)
    UnsafeMutableRawBufferPointer(rebasing: memory[..<sent]).copyBytes(from: bytes[float8.prefix(sent)])
    for index in sent..<memory.count { memory[index] = last }
  }

  /// The field that holds values of this type. Values in others do not count.
  private var valueField: (field: UInt32, elementType: WireType)? {
    switch type {
    case .float: (5, .fixed32)
    case .double: (6, .fixed64)
    case .int32, .int16, .int8, .uint8, .uint16, .qint8, .quint8, .qint16, .quint16, .qint32, .int4, .uint4:
      (7, .varint)
    case .complex64: (9, .fixed32)
    case .int64: (10, .varint)
    case .bool: (11, .varint)
    case .complex128: (12, .fixed64)
    case .half, .bfloat16: (13, .varint)
    case .uint32: (16, .varint)
    case .uint64: (17, .varint)
    default: nil
    }
  }

  private var valueRuns: [NumberRun] {
    guard let field = valueField?.field else { return [] }
    return runs.filter { $0.field == field }
  }
}
