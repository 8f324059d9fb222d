import ModelGraph

/// Arrays that are stored as differences: what a file calls `NAME~N` holds, for each item of `NAME`, its bytes less those
/// of the item N before it, modulo 256. The tiles of a fixed camera take less than half of the space that way.
enum DifferenceArray {
  /// The name and the distance of a stored array that holds differences.
  static func parse(_ stored: String) -> (name: String, distance: Int)? {
    guard let tilde = stored.lastIndex(of: "~"), tilde > stored.startIndex,
      let distance = Int(stored[stored.index(after: tilde)...]), distance > 0
    else { return nil }
    return (String(stored[..<tilde]), distance)
  }

  /// - Throws: ``DatasetError/inconsistent(what:expected:got:)`` unless the differences are bytes.
  static func restored(_ differences: Tensor, distance: Int, name: String) throws(DatasetError) -> Tensor {
    guard differences.type == .uint8, let count = differences.shape.first, count > 0 else {
      throw .inconsistent(
        what: "array \(name)~\(distance)", expected: "items of bytes", got: "\(differences.type) \(differences.shape)")
    }
    let size = differences.shape.elementCount / count
    let storage = TensorStorage(byteCount: count * size) { target in
      differences.storage.withUnsafeBytes {
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<(count * size)]))
      }
      for index in min(count, distance) * size..<count * size { target[index] &+= target[index - distance * size] }
    }
    return Tensor(type: .uint8, shape: differences.shape, storage: storage)
  }
}
