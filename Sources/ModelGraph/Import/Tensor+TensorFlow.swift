import Wire

extension Tensor {
  /// Decodes a tensor of a message whose bytes `owner` holds. Elements that lie there as they are needed stay there.
  ///
  /// Nil for a type that no model here takes.
  public init?(_ message: TensorMessage, in owner: any ByteOwner) throws(WireError) {
    guard let type = DataType(message.type) else { return nil }
    let shape = try message.shape()
    let storage = try owner.withUnsafeBytes { (bytes) throws(WireError) -> TensorStorage in
      switch try message.elements(in: bytes) {
      case .inPlace(let range):
        return TensorStorage(borrowing: UnsafeRawBufferPointer(rebasing: bytes[range]), from: owner)
      case .packed(let byteCount):
        // `TensorStorage` rethrows without types.
        var failure: WireError?
        let storage = TensorStorage(byteCount: byteCount) { memory in
          do throws(WireError) { try message.unpack(bytes, into: memory) } catch { failure = error }
        }
        if let failure { throw failure }
        return storage
      }
    }
    self.init(type: type, shape: shape, storage: storage)
  }
}
