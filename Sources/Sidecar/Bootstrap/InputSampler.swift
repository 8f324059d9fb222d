import Datasets
import ModelGraph
import Serving
import Synchronization

/// Keeps some of the items that a model is sent, each as likely as any other (Vitter's algorithm R), and the shapes of the
/// batches. Thread-safe; costs the submitting thread a copy of one item at most, less and less often.
final class InputSampler: Sendable {
  typealias Item = [String: Tensor]

  private enum Phase {
    /// Waits for the first item.
    case first
    /// Somebody is thinking about that.
    case paused
    case sampling(capacity: Int, wanted: Int)
    case full
  }

  private struct State {
    var phase = Phase.first
    var items: [Item] = []
    /// Items that might have been kept.
    var seen = 0
    /// Batches that came meanwhile.
    var batches = 0
    var shapes: [[String: Shape]] = []
    var random = SeededGenerator(seed: 1)
  }

  /// Guards what is kept. A batch that finds it taken is not looked at.
  private let state = Mutex(State())
  private let onFirst: @Sendable (Item) -> Void
  private let onEnough: @Sendable () -> Void

  /// Shapes that are remembered.
  private static let shapeLimit = 16
  /// Of large items fewer are looked at: one batch in so many as an item has of these.
  private static let bytesPerBatch = 1 << 20

  /// - Parameters:
  ///   - onFirst: told of the first item, with an axis of items of extent 1; nothing is kept until ``begin(capacity:spread:)``.
  ///   - onEnough: told when there are enough. Both are called by whoever submits and must be quick.
  init(onFirst: @escaping @Sendable (Item) -> Void, onEnough: @escaping @Sendable () -> Void) {
    self.onFirst = onFirst
    self.onEnough = onEnough
  }

  /// How many items are kept now.
  var count: Int { state.withLock { $0.items.count } }

  /// The shapes of the batches that came.
  var shapes: [[String: Shape]] { state.withLock { $0.shapes } }

  /// Keeps items from now on.
  ///
  /// - Parameter spread: there are enough when so many times `capacity` were seen.
  func begin(capacity: Int, spread: Int) {
    state.withLock { state in
      state.items = []
      state.seen = 0
      state.phase = .sampling(capacity: capacity, wanted: capacity * max(1, spread))
    }
  }

  /// The items; they are let go of here.
  func takeItems() -> [Item] {
    state.withLock { state in
      defer { state.items = [] }
      return state.items
    }
  }

  // MARK: Batches

  func take(_ batch: Batch) {
    let event = state.withLockIfAvailable { state -> (@Sendable () -> Void)? in
      note(batch, &state)
      let served = batch.count - batch.padding
      guard served > 0 else { return nil }
      switch state.phase {
      case .paused, .full: return nil
      case .first:
        guard let item = batch.item(0) else { return nil }
        state.phase = .paused
        return { [onFirst] in onFirst(item) }
      case .sampling(let capacity, let wanted):
        guard keep(batch, served, capacity, &state) else { return nil }
        guard state.items.count == capacity, state.seen >= wanted else { return nil }
        state.phase = .full
        return onEnough
      }
    }
    (event ?? nil)?()
  }

  private func note(_ batch: Batch, _ state: inout State) {
    let shapes = batch.inputs.mapValues(\.shape)
    if state.shapes.count < Self.shapeLimit, !state.shapes.contains(shapes) { state.shapes.append(shapes) }
  }

  /// - Returns: whether the batch was looked at.
  private func keep(_ batch: Batch, _ served: Int, _ capacity: Int, _ state: inout State) -> Bool {
    state.batches += 1
    let bytes = batch.inputs.values.reduce(0) { $0 + $1.storage.byteCount } / max(1, batch.count)
    guard state.batches % (1 + bytes / Self.bytesPerBatch) == 0 else { return false }
    let chosen = Int.random(in: 0..<served, using: &state.random)
    guard Self.fits(batch, state.items.first) else { return false }
    state.seen += 1
    if state.items.count < capacity {
      if let item = batch.item(chosen) { state.items.append(item) }
    } else {
      let place = Int.random(in: 0..<state.seen, using: &state.random)
      if place < capacity, let item = batch.item(chosen) { state.items[place] = item }
    }
    return true
  }

  /// Items may differ from one another in their first own axis, which is a sequence's length.
  private static func fits(_ batch: Batch, _ first: Item?) -> Bool {
    guard let first else { return true }
    return batch.inputs.allSatisfy { name, tensor in
      guard let other = first[name], other.shape.count == tensor.shape.count else { return false }
      return other.shape.dropFirst(2) == tensor.shape.dropFirst(2)
    }
  }
}

extension Batch {
  /// A copy of one item, with an axis of items.
  fileprivate func item(_ index: Int) -> InputSampler.Item? {
    var item: InputSampler.Item = [:]
    for (name, tensor) in inputs {
      guard tensor.shape.first == count else { return nil }
      let size = tensor.storage.byteCount / count
      let storage = TensorStorage(byteCount: size) { memory in
        tensor.storage.withUnsafeBytes { bytes in
          memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[(index * size)..<((index + 1) * size)]))
        }
      }
      item[name] = Tensor(type: tensor.type, shape: [1] + tensor.shape.dropFirst(), storage: storage)
    }
    return item
  }
}

extension InputSampler {
  /// Items as arrays with an axis of items, for a data file; shorter ones are filled up with zeros.
  ///
  /// - Returns: the arrays, and the names of those where items differ in length.
  static func arrays(of items: [Item]) -> (arrays: [(name: String, tensor: Tensor)], ragged: Set<String>) {
    guard let first = items.first else { return ([], []) }
    var ragged: Set<String> = []
    let arrays = first.sorted { $0.key < $1.key }.map { name, sample in
      let tensors = items.compactMap { $0[name] }
      var shape = Array(sample.shape.dropFirst())
      if !shape.isEmpty {
        let lengths = tensors.map { $0.shape[1] }
        if Set(lengths).count > 1 { ragged.insert(name) }
        shape[0] = lengths.max() ?? shape[0]
      }
      let width = shape.elementCount * sample.type.byteWidth
      let storage = TensorStorage(byteCount: tensors.count * width) { memory in
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        for (row, tensor) in tensors.enumerated() {
          tensor.storage.withUnsafeBytes { bytes in
            UnsafeMutableRawBufferPointer(rebasing: memory[(row * width)..<(row * width + bytes.count)])
              .copyMemory(from: bytes)
          }
        }
      }
      return (name, Tensor(type: sample.type, shape: [tensors.count] + shape, storage: storage))
    }
    return (arrays, ragged)
  }
}
