import Foundation
import ModelGraph
import Serving
import Wire

/// How one item lies in the bytes of a frame: all of its inputs, one after the other, and all of its outputs. A size is
/// fixed once the model is loaded, so every extent but the batch must be known.
struct ItemLayout: Sendable {
  struct Part: Sendable, Equatable {
    let name: String
    let type: DataType
    /// Without the batch.
    let shape: Shape
    let offset: Int
    var byteCount: Int { shape.elementCount * type.byteWidth }
  }

  let inputs: [Part]
  /// Bytes of one item.
  let inputByteCount: Int

  /// - Parameters:
  ///   - extent: for every extent of an input that the model leaves open; a text's length.
  ///   - shapes: of inputs, without the batch, where they are not as the rest.
  init(_ signature: Signature, openExtent extent: Int?, shapes: [String: [Int]]) throws(ActionFailure) {
    var parts: [Part] = []
    var offset = 0
    for input in signature.inputs {
      let shape = try Self.shape(of: input, extent: extent, chosen: shapes[input.name])
      let part = Part(name: input.name, type: input.type, shape: shape, offset: offset)
      let (end, overflow) = offset.addingReportingOverflow(part.byteCount)
      guard !overflow, end <= Self.largestItem else {
        throw ActionFailure(.invalidModelPath, "an item of more than \(Self.largestItem) bytes")
      }
      parts.append(part)
      offset = end
    }
    guard offset > 0 else { throw ActionFailure(.invalidModelPath, "the model has no input that a client could send") }
    inputs = parts
    inputByteCount = offset
  }

  private static let largestItem = 1 << 30

  private static func shape(of input: TensorSpec, extent: Int?, chosen: [Int]?) throws(ActionFailure) -> Shape {
    func failure(_ reason: String) -> ActionFailure {
      ActionFailure(.invalidModelPath, "input \"\(input.name)\": \(reason)")
    }
    guard let declared = input.shape else { throw failure("its rank is unknown") }
    guard let batch = declared.first else { throw failure("it has no first axis, which would be the batch") }
    guard batch == nil || batch == 1 else { throw failure("its batch is fixed at \(batch ?? 0)") }
    let open = declared.dropFirst()
    if let chosen {
      guard chosen.count == open.count, zip(chosen, open).allSatisfy({ $0 > 0 && ($1 == nil || $0 == $1) }) else {
        throw failure("shape \(chosen) does not fit what the model declares")
      }
    }
    var shape: Shape = []
    for (axis, declared) in open.enumerated() {
      guard let size = declared ?? chosen?[axis] ?? extent else {
        throw failure("axis \(axis + 1) has no fixed size; give --sequence_length or clockwork.json beside the model")
      }
      guard size > 0, size <= largestItem else { throw failure("axis \(axis + 1) has \(size) elements") }
      shape.append(size)
    }
    guard shape.reduce(1.0, { $0 * Double($1) }) * Double(input.type.byteWidth) <= Double(largestItem) else {
      throw failure("an item of more than \(largestItem) bytes")
    }
    return shape
  }

  /// Whether the model takes batches of more than one item.
  static func isBatched(_ signature: Signature) -> Bool {
    signature.inputs.allSatisfy { $0.shape?.first == .some(nil) }
  }

  /// A batch of `size` items, of which `items` holds the first ones; the rest are copies of the last, for no neighbour
  /// changes an item's answer. One copy of the bytes, none when a single input comes in full.
  func batch(of items: OwnedBytes, count: Int, size: Int) -> Batch {
    var tensors: [String: Tensor] = [:]
    items.withUnsafeBytes { source in
      for part in inputs {
        let storage: TensorStorage
        if inputs.count == 1, count == size {
          storage = TensorStorage(borrowing: source, from: items)
        } else {
          storage = TensorStorage(byteCount: size * part.byteCount) { target in
            for row in 0..<size {
              let start = min(row, count - 1) * inputByteCount + part.offset
              UnsafeMutableRawBufferPointer(rebasing: target[(row * part.byteCount)...].prefix(part.byteCount))
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[start..<(start + part.byteCount)]))
            }
          }
        }
        tensors[part.name] = Tensor(type: part.type, shape: [size] + part.shape, storage: storage)
      }
    }
    return Batch(inputs: tensors, count: size, padding: size - count)
  }

  /// `count` items of zeros.
  func zeros(_ count: Int) -> OwnedBytes {
    OwnedBytes(byteCount: count * inputByteCount) { $0.initializeMemory(as: UInt8.self, repeating: 0) }
  }
}
