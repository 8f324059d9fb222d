import Wire

/// Immutable bytes that a tensor reads: a slice of a memory-mapped model file, or memory of its own.
///
/// Identity matters: two tensors that share a storage are the same weights, so caches of packed weights are keyed by
/// ``ObjectIdentifier`` of it.
public final class TensorStorage: ByteOwner, @unchecked Sendable {
  // Safe to share: the bytes are never written after `init` returns, and `owner` keeps borrowed ones alive.
  private let bytes: UnsafeRawBufferPointer
  let owner: AnyObject?

  /// Takes a copy of `elements`.
  public init<Element>(copying elements: some Collection<Element>) where Element: BitwiseCopyable {
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(1, elements.count * MemoryLayout<Element>.stride), alignment: 64)
    let isCopied: Void? = elements.withContiguousStorageIfAvailable {
      memory.copyMemory(from: UnsafeRawBufferPointer($0))
    }
    // One by one takes a hundred times as long.
    if isCopied == nil { _ = memory.initializeMemory(as: Element.self, from: elements) }
    bytes = UnsafeRawBufferPointer(rebasing: memory[..<(elements.count * MemoryLayout<Element>.stride)])
    owner = nil
  }

  /// Fills new memory of `byteCount` bytes (zeroed, 64-byte aligned) in place.
  public init(byteCount: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, byteCount), alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0)
    do { try fill(UnsafeMutableRawBufferPointer(rebasing: memory[..<byteCount])) } catch {
      memory.deallocate()
      throw error
    }
    bytes = UnsafeRawBufferPointer(rebasing: memory[..<byteCount])
    owner = nil
  }

  /// Borrows `bytes`, which `owner` keeps valid and unchanged for as long as it lives.
  public init(borrowing bytes: UnsafeRawBufferPointer, from owner: AnyObject) {
    self.bytes = bytes
    self.owner = owner
  }

  deinit { if owner == nil { UnsafeMutableRawBufferPointer(mutating: bytes).baseAddress?.deallocate() } }

  public var byteCount: Int { bytes.count }

  /// The bytes; they may be unaligned when borrowed from a file.
  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(bytes)
  }
}

/// A dense row-major tensor in host memory: a constant of a graph, an input or an output of a run.
public struct Tensor: Sendable {
  public let type: DataType
  public let shape: Shape
  public let storage: TensorStorage

  /// - Precondition: `storage` holds exactly `shape.elementCount` elements of `type`, little-endian.
  public init(type: DataType, shape: Shape, storage: TensorStorage) {
    precondition(storage.byteCount == shape.elementCount * type.byteWidth, "storage does not fit \(type) \(shape)")
    self.type = type
    self.shape = shape
    self.storage = storage
  }

  public init(_ elements: [Float], shape: Shape) {
    self.init(type: .float32, shape: shape, storage: TensorStorage(copying: elements))
  }

  public init(_ elements: [Int64], shape: Shape) {
    self.init(type: .int64, shape: shape, storage: TensorStorage(copying: elements))
  }

  public init(_ elements: [Int32], shape: Shape) {
    self.init(type: .int32, shape: shape, storage: TensorStorage(copying: elements))
  }

  public var elementCount: Int { shape.elementCount }

  /// The same elements under another shape of the same count, without a copy.
  public func reshaped(to newShape: Shape) -> Tensor { Tensor(type: type, shape: newShape, storage: storage) }

  /// The elements as `Float`, converted from whatever type they have. Complexity: O(n), one allocation.
  public var floats: [Float] {
    if type == .float32 {
      return storage.withUnsafeBytes { bytes in
        [Float](unsafeUninitializedCapacity: elementCount) { floats, count in
          UnsafeMutableRawBufferPointer(floats).copyMemory(from: bytes)
          count = elementCount
        }
      }
    }
    return converted {
      Float($0)
    } integer: {
      Float($0)
    }
  }

  /// Calls `body` with the elements as floats, in place when they are aligned single-precision ones.
  public func withFloats<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
    try storage.withUnsafeBytes { bytes in
      let aligned = Int(bitPattern: bytes.baseAddress) % MemoryLayout<Float>.alignment == 0
      if type == .float32 && aligned { return try body(bytes.bindMemory(to: Float.self)) }
      return try floats.withUnsafeBufferPointer(body)
    }
  }

  /// The elements as `Int64` (floating-point ones truncated towards zero, saturating). O(n), one allocation.
  public var integers: [Int64] {
    converted {
      Int64(saturating: $0)
    } integer: {
      $0
    }
  }

  private func converted<T>(_ real: (Double) -> T, integer: (Int64) -> T) -> [T] {
    storage.withUnsafeBytes { bytes in
      func map<E: BitwiseCopyable>(_: E.Type, _ transform: (E) -> T) -> [T] {
        (0..<elementCount).map { transform(bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<E>.size, as: E.self)) }
      }
      return switch type {
      case .float32: map(Float.self) { real(Double($0)) }
      case .float64: map(Double.self) { real($0) }
      case .float16: map(UInt16.self) { real(Double(Float(halfBits: $0))) }
      case .int8: map(Int8.self) { integer(Int64($0)) }
      case .int16: map(Int16.self) { integer(Int64($0)) }
      case .int32: map(Int32.self) { integer(Int64($0)) }
      case .int64: map(Int64.self) { integer($0) }
      case .uint8: map(UInt8.self) { integer(Int64($0)) }
      case .uint16: map(UInt16.self) { integer(Int64($0)) }
      case .uint32: map(UInt32.self) { integer(Int64($0)) }
      case .uint64: map(UInt64.self) { integer(Int64(bitPattern: $0)) }
      case .bool: map(UInt8.self) { integer($0 == 0 ? 0 : 1) }
      }
    }
  }
}

extension Float {
  /// The value of an IEEE 754 binary16 bit pattern. (`Float16` is not available on every platform we build for.)
  public init(halfBits: UInt16) {
    let sign: UInt32 = UInt32(halfBits & 0x8000) << 16
    let exponent = Int32((halfBits >> 10) & 0x1F)
    let fraction = UInt32(halfBits & 0x3FF)
    switch exponent {
    case 0:
      let magnitude = Float(fraction) * 0x1p-24
      self = sign == 0 ? magnitude : -magnitude
    case 31: self = Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: self = Float(bitPattern: sign | UInt32(exponent + 112) << 23 | fraction << 13)
    }
  }

  /// The nearest IEEE 754 binary16 bit pattern, ties to even.
  public var halfBits: UInt16 {
    let bits = bitPattern
    let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
    let magnitude = bits & 0x7FFF_FFFF
    if magnitude > 0x7F80_0000 { return sign | 0x7E00 }
    if magnitude >= 0x4780_0000 { return sign | 0x7C00 }
    if magnitude < 0x3880_0000 {
      let scaled = (Float(bitPattern: magnitude) * 0x1p24).rounded(.toNearestOrEven)
      return sign | UInt16(scaled)
    }
    let rounded = magnitude + 0x0FFF + ((magnitude >> 13) & 1)
    return sign | UInt16(truncatingIfNeeded: (rounded - 0x3800_0000) >> 13)
  }
}

extension Int64 {
  init(saturating value: Double) {
    if value.isNaN { self = 0 } else { self = value >= 0x1p63 ? .max : value <= -0x1p63 ? .min : Int64(value) }
  }
}
