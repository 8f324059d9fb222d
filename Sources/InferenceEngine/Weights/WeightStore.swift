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

  fileprivate struct Key: Hashable {
    let storage: ObjectIdentifier
    let packing: Packing?
    let shape: Shape
  }

  private struct Entry: Sendable {
    /// `nil` while the weights are away.
    var buffer: Buffer?
    let source: TensorStorage
    /// What the buffer holds, once it has been away.
    var hostCopy: TensorStorage?
    let byteCount: Int
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

  // MARK: Residency

  /// Bytes on the device of all constants, whether they are there now or not.
  var byteCount: Int { entries.withLock { entries in entries.values.reduce(0) { $0 + $1.byteCount } } }

  /// A place among the constants, which stays the same while they are away.
  struct Slot: Hashable, Sendable { fileprivate let key: Key }

  /// Where each buffer's content will be found again.
  func slots() -> [ObjectIdentifier: Slot] {
    entries.withLock { entries in
      Dictionary(
        uniqueKeysWithValues: entries.compactMap { key, entry in
          entry.buffer.map { (ObjectIdentifier($0), Slot(key: key)) }
        })
    }
  }

  /// Lets go of all constants' buffers; what they hold, as it was packed, stays in host memory from the first time on.
  func release() throws {
    try entries.withLock { entries in
      for (key, entry) in entries where entry.hostCopy == nil {
        guard let buffer = entry.buffer else { continue }
        entries[key]?.hostCopy = try TensorStorage(byteCount: buffer.byteCount) {
          try queue.read(buffer, offset: 0, into: $0)
        }
      }
      for key in entries.keys { entries[key]?.buffer = nil }
    }
  }

  /// Copies all constants to new buffers.
  ///
  /// - Returns: a buffer for each slot.
  func restore() throws -> [Slot: Buffer] {
    try entries.withLock { entries in
      var buffers: [Slot: Buffer] = [:]
      for (key, entry) in entries {
        let buffer = try entry.buffer ?? context.makeBuffer(byteCount: max(4, entry.byteCount))
        if entry.buffer == nil {
          try entry.hostCopy?.withUnsafeBytes { try queue.writeAsync(buffer, offset: 0, from: $0) }
        }
        buffers[Slot(key: key)] = buffer
      }
      // The copies in host memory live in the entries, which the lock keeps as they are.
      try queue.finish()
      for (slot, buffer) in buffers { entries[slot.key]?.buffer = buffer }
      return buffers
    }
  }

  private func cached(_ tensor: Tensor, packing: Packing?, make: () throws -> Buffer) throws -> Buffer {
    let key = Key(
      storage: ObjectIdentifier(tensor.storage), packing: packing, shape: packing == nil ? [] : tensor.shape)
    return try entries.withLock { entries in
      if let buffer = entries[key]?.buffer { return buffer }
      let buffer = try make()
      // The device has its own copy now; a mapped file's pages come back by themselves should they be wanted again.
      tensor.storage.releasePages()
      entries[key] = Entry(buffer: buffer, source: tensor.storage, byteCount: buffer.byteCount)
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
