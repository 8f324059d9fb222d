/// The elements of a tensor in one of three types that compute exactly what the element type would: integers modulo
/// their width, halves and floats in single precision, doubles in double.
enum Lanes {
  /// Integers and truth values; `uint64` by bit pattern.
  case integers([Int64])
  case floats([Float])
  case doubles([Double])

  init(_ tensor: Tensor) {
    let count = tensor.elementCount
    self = tensor.storage.withUnsafeBytes { bytes in
      func load<E: BitwiseCopyable, R>(_: E.Type, _ convert: (E) -> R) -> [R] {
        [R](unsafeUninitializedCapacity: count) { results, initialized in
          for index in 0..<count {
            let element = bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<E>.size, as: E.self)
            results.initializeElement(at: index, to: convert(element))
          }
          initialized = count
        }
      }
      return switch tensor.type {
      case .float32: .floats(load(Float.self) { $0 })
      case .float16: .floats(load(UInt16.self) { Float(halfBits: $0) })
      case .float64: .doubles(load(Double.self) { $0 })
      case .int8: .integers(load(Int8.self) { Int64($0) })
      case .int16: .integers(load(Int16.self) { Int64($0) })
      case .int32: .integers(load(Int32.self) { Int64($0) })
      case .int64: .integers(load(Int64.self) { $0 })
      case .uint8: .integers(load(UInt8.self) { Int64($0) })
      case .uint16: .integers(load(UInt16.self) { Int64($0) })
      case .uint32: .integers(load(UInt32.self) { Int64($0) })
      case .uint64: .integers(load(UInt64.self) { Int64(bitPattern: $0) })
      case .bool: .integers(load(UInt8.self) { $0 == 0 ? 0 : 1 })
      }
    }
  }

  /// The elements as `Double`; those of `uint64` above 2⁶³ − 1 come out negative.
  var doubles: [Double] {
    switch self {
    case .integers(let values): values.map { Double($0) }
    case .floats(let values): values.map { Double($0) }
    case .doubles(let values): values
    }
  }

  /// The elements converted to `type`: integers wrap, numbers with a fraction truncate and saturate, anything but 0 is
  /// true.
  ///
  /// - Precondition: as many elements as `shape` has.
  func tensor(type: DataType, shape: Shape, from source: DataType? = nil) -> Tensor {
    let storage =
      switch self {
      case .integers(let values): Self.store(values, as: type, unsigned: source == .uint64)
      case .floats(let values): Self.store(values, as: type)
      case .doubles(let values): Self.store(values, as: type)
      }
    return Tensor(type: type, shape: shape, storage: storage)
  }

  private static func store(_ values: [Int64], as type: DataType, unsigned: Bool) -> TensorStorage {
    func real<F: BinaryFloatingPoint>(_ value: Int64, _: F.Type) -> F {
      unsigned ? F(UInt64(bitPattern: value)) : F(value)
    }
    return switch type {
    case .float32: TensorStorage(copying: values.map { real($0, Float.self) })
    case .float16: TensorStorage(copying: values.map { real($0, Float.self).halfBits })
    case .float64: TensorStorage(copying: values.map { real($0, Double.self) })
    case .int8: TensorStorage(copying: values.map { Int8(truncatingIfNeeded: $0) })
    case .int16: TensorStorage(copying: values.map { Int16(truncatingIfNeeded: $0) })
    case .int32: TensorStorage(copying: values.map { Int32(truncatingIfNeeded: $0) })
    case .int64, .uint64: TensorStorage(copying: values)
    case .uint8: TensorStorage(copying: values.map { UInt8(truncatingIfNeeded: $0) })
    case .uint16: TensorStorage(copying: values.map { UInt16(truncatingIfNeeded: $0) })
    case .uint32: TensorStorage(copying: values.map { UInt32(truncatingIfNeeded: $0) })
    case .bool: TensorStorage(copying: values.map { $0 == 0 ? UInt8(0) : 1 })
    }
  }

  private static func store<F: BinaryFloatingPoint & BitwiseCopyable>(_ values: [F], as type: DataType) -> TensorStorage
  {
    func integer<I: FixedWidthInteger>(_ value: F, _: I.Type) -> I { I(clamping: Int64(saturating: Double(value))) }
    return switch type {
    case .float32: TensorStorage(copying: values.map { Float($0) })
    case .float16: TensorStorage(copying: values.map { Float($0).halfBits })
    case .float64: TensorStorage(copying: values.map { Double($0) })
    case .int8: TensorStorage(copying: values.map { integer($0, Int8.self) })
    case .int16: TensorStorage(copying: values.map { integer($0, Int16.self) })
    case .int32: TensorStorage(copying: values.map { integer($0, Int32.self) })
    case .int64: TensorStorage(copying: values.map { integer($0, Int64.self) })
    case .uint8: TensorStorage(copying: values.map { integer($0, UInt8.self) })
    case .uint16: TensorStorage(copying: values.map { integer($0, UInt16.self) })
    case .uint32: TensorStorage(copying: values.map { integer($0, UInt32.self) })
    case .uint64:
      TensorStorage(copying: values.map { $0 >= 0x1p64 ? .max : $0 > 0 ? UInt64($0) : 0 })
    case .bool: TensorStorage(copying: values.map { $0 == 0 ? UInt8(0) : 1 })
    }
  }
}
