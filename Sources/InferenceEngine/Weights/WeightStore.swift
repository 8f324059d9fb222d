import ModelGraph
import OpenCLRuntime
import Synchronization

/// Constants on the device, shared by every plan of a model: each storage is uploaded, and each packing made, once.
///
/// Thread-safe. Keyed by the identity of the constant's storage, which the store keeps alive.
final class WeightStore: Sendable {
  /// How a constant was rearranged for a kernel.
  struct Packing: Hashable, Sendable {
    /// Names the arrangement with all its parameters, e.g. `gemm K=64 N=256 block=64`.
    let name: String
  }

  private struct Key: Hashable {
    let storage: ObjectIdentifier
    let packing: Packing?
    let shape: Shape
  }

  private struct Entry: Sendable {
    let buffer: Buffer
    let source: TensorStorage
  }

  private let context: Context
  private let queue: CommandQueue
  /// Guards `entries`; held while packing so that two plans do not pack the same weights.
  private let entries = Mutex<[Key: Entry]>([:])

  /// Guards itself: data that belongs to no constant.
  private let named = Mutex<[Packing: Buffer]>([:])

  init(context: Context, queue: CommandQueue) {
    self.context = context
    self.queue = queue
  }

  /// The constant as it is, row-major, half precision widened.
  func buffer(for tensor: Tensor) throws -> Buffer {
    try cached(tensor, packing: nil) {
      if tensor.type == .float16 {
        return try upload(tensor.floats)
      }
      return try tensor.storage.withUnsafeBytes { try upload($0) }
    }
  }

  /// The constant rearranged by `pack`, which reads the elements as floats and writes `count` floats straight into
  /// device memory.
  func packed(
    _ tensor: Tensor, as packing: Packing, count: Int,
    pack: (UnsafeBufferPointer<Float>, UnsafeMutableBufferPointer<Float>) -> Void
  ) throws -> Buffer {
    try cached(tensor, packing: packing) {
      let buffer = try context.makeBuffer(byteCount: max(4, count * 4))
      try queue.withMapped(buffer) { bytes in
        tensor.withFloats { pack($0, bytes.bindMemory(to: Float.self)) }
      }
      return buffer
    }
  }

  /// Model-independent data, by name.
  func shared(
    _ packing: Packing, count: Int, fill: (UnsafeMutableBufferPointer<Float>) -> Void
  ) throws -> Buffer {
    try named.withLock { named in
      if let buffer = named[packing] { return buffer }
      let buffer = try context.makeBuffer(byteCount: max(4, count * 4))
      try queue.withMapped(buffer) { fill($0.bindMemory(to: Float.self)) }
      named[packing] = buffer
      return buffer
    }
  }

  private func cached(_ tensor: Tensor, packing: Packing?, make: () throws -> Buffer) throws -> Buffer {
    let key = Key(
      storage: ObjectIdentifier(tensor.storage), packing: packing, shape: packing == nil ? [] : tensor.shape)
    return try entries.withLock { entries in
      if let entry = entries[key] { return entry.buffer }
      let buffer = try make()
      // The device has its own copy now; a mapped file's pages come back by themselves should they be wanted again.
      tensor.storage.releasePages()
      entries[key] = Entry(buffer: buffer, source: tensor.storage)
      return buffer
    }
  }

  private func upload(_ floats: [Float]) throws -> Buffer { try floats.withUnsafeBytes { try upload($0) } }

  private func upload(_ bytes: UnsafeRawBufferPointer) throws -> Buffer {
    let buffer = try context.makeBuffer(byteCount: max(4, bytes.count))
    if bytes.count > 0 { try queue.write(buffer, offset: 0, from: bytes) }
    return buffer
  }
}
