import Wire

/// The elements of a tensor that are not in `raw_data`, to be copied into storage of its type.
struct TypedElements {
  /// All of one form.
  let payloads: [ONNXPayload]
  let source: any ByteOwner
  let file: String
  let name: String

  /// Decodes exactly `count` elements; nothing is allocated before the number is known to be right. O(count).
  func storage(type: DataType, count: Int) throws(ImportError) -> TensorStorage {
    let runs = try runs(elementWidth: type.byteWidth)
    let found = runs.reduce(0) { $0 + $1.count }
    guard found == count else {
      throw .invalidTensor(name: name, expected: "\(count) elements of \(type)", got: "\(found)")
    }
    return switch type {
    case .float32, .float64: bytes(of: runs)
    case .int8: try narrowed(runs, to: Int8.self)
    case .int16: try narrowed(runs, to: Int16.self)
    case .int32: try narrowed(runs, to: Int32.self)
    case .int64: try narrowed(runs, to: Int64.self)
    case .uint8: try narrowed(runs, to: UInt8.self)
    case .uint16, .float16: try narrowed(runs, to: UInt16.self)
    case .uint32: try narrowed(runs, to: UInt32.self)
    case .uint64: try narrowed(runs, to: UInt64.self)
    case .bool: try narrowed(runs, to: UInt8.self)
    }
  }

  private enum Run {
    case bytes(Range<Int>, count: Int)
    case varints(PackedVarints)
    /// `int32_data` holds negative numbers as the varints of their 64-bit patterns, or of their 32-bit ones.
    case varints32(PackedVarints)
    case loose(ONNXLooseElements)

    var count: Int {
      switch self {
      case .bytes(_, let count): count
      case .varints(let varints), .varints32(let varints): varints.count
      case .loose(.floats(let elements)): elements.count
      case .loose(.doubles(let elements)): elements.count
      case .loose(.int32s(let elements)): elements.count
      case .loose(.int64s(let elements)): elements.count
      case .loose(.uint64s(let elements)): elements.count
      }
    }
  }

  private func runs(elementWidth: Int) throws(ImportError) -> [Run] {
    do {
      return try payloads.map { (payload) throws(WireError) in
        switch payload {
        case .raw(let range), .floats(let range), .doubles(let range): .bytes(range, count: range.count / elementWidth)
        case .packedInt32s(let range): .varints32(try PackedVarints(range, of: source))
        case .packedInt64s(let range), .packedUInt64s(let range): .varints(try PackedVarints(range, of: source))
        case .loose(let elements): .loose(elements)
        }
      }
    } catch { throw ImportError(error, file: file) }
  }

  private func bytes(of runs: [Run]) -> TensorStorage {
    var bytes: [UInt8] = []
    for run in runs {
      switch run {
      case .bytes(let range, _): source.withUnsafeBytes { bytes.append(contentsOf: $0[range]) }
      case .loose(.floats(let elements)): elements.withUnsafeBytes { bytes.append(contentsOf: $0) }
      case .loose(.doubles(let elements)): elements.withUnsafeBytes { bytes.append(contentsOf: $0) }
      case .varints, .varints32, .loose: break  // no form of floating-point elements
      }
    }
    return TensorStorage(copying: bytes)
  }

  private func narrowed<Element: FixedWidthInteger & BitwiseCopyable>(
    _ runs: [Run], to: Element.Type
  ) throws(ImportError) -> TensorStorage {
    var elements: [Element] = []
    elements.reserveCapacity(runs.reduce(0) { $0 + $1.count })
    var misfit: String?
    func append(_ value: some BinaryInteger) {
      if let element = Element(exactly: value) {
        elements.append(element)
      } else if misfit == nil {
        misfit = "\(value) as element \(elements.count)"
      }
    }
    for run in runs {
      do {
        switch run {
        case .varints32(let varints): try varints.forEach { value, _ in append(Int32(truncatingIfNeeded: value)) }
        case .varints(let varints):
          try varints.forEach { value, _ in
            if Element.isSigned { append(Int64(bitPattern: value)) } else { append(value) }
          }
        case .loose(.int32s(let values)): values.forEach { append($0) }
        case .loose(.int64s(let values)): values.forEach { append($0) }
        case .loose(.uint64s(let values)): values.forEach { append($0) }
        case .bytes, .loose: break  // no form of integers
        }
      } catch { throw ImportError(error, file: file) }
    }
    if let misfit {
      throw .invalidTensor(name: name, expected: "values from \(Element.min) to \(Element.max)", got: misfit)
    }
    return TensorStorage(copying: elements)
  }
}
