import ModelGraph
import Serving

/// How one item's outputs lie in the bytes of a result: one after the other, in the order of the signature.
struct OutputLayout: Sendable, Equatable {
  struct Part: Sendable, Equatable {
    let name: String
    let byteCount: Int
    let offset: Int
  }

  let parts: [Part]
  /// Bytes of one item.
  let byteCount: Int

  /// As the answers of a batch of `count` items show it: a signature need not say how large outputs are.
  init(_ signature: Signature, from outputs: [String: Tensor], count: Int) throws(ActionFailure) {
    var parts: [Part] = []
    var offset = 0
    for output in signature.outputs {
      guard let tensor = outputs[output.name] else {
        throw ActionFailure(.runtimeError, "the model gave no output \"\(output.name)\"")
      }
      guard tensor.shape.first == count else {
        throw ActionFailure(
          .invalidModelPath,
          "output \"\(output.name)\" has shape \(tensor.shape) for \(count) items: its first axis is not the batch")
      }
      let byteCount = tensor.storage.byteCount / count
      parts.append(Part(name: output.name, byteCount: byteCount, offset: offset))
      offset += byteCount
    }
    self.parts = parts
    byteCount = offset
  }

  /// Writes the outputs of some items of a batch.
  ///
  /// - Parameters:
  ///   - rows: for each item, its position in the batch and where its bytes begin in `target`.
  /// - Throws: when the outputs are not as large as this layout has them.
  func write(
    _ outputs: [String: Tensor], rows: some Sequence<(item: Int, offset: Int)>, into target: inout [UInt8]
  ) throws(ActionFailure) {
    for part in parts {
      guard let tensor = outputs[part.name], let count = tensor.shape.first,
        tensor.storage.byteCount == count * part.byteCount
      else {
        throw ActionFailure(
          .runtimeError,
          "output \"\(part.name)\" is \(outputs[part.name].map { "\($0.shape)" } ?? "missing"), not \(part.byteCount) "
            + "bytes for each item, as it was when the model was loaded")
      }
      target.withUnsafeMutableBytes { target in
        tensor.storage.withUnsafeBytes { source in
          for (item, offset) in rows {
            UnsafeMutableRawBufferPointer(rebasing: target[(offset + part.offset)...].prefix(part.byteCount))
              .copyMemory(
                from: UnsafeRawBufferPointer(rebasing: source[(item * part.byteCount)...].prefix(part.byteCount)))
          }
        }
      }
    }
  }
}
