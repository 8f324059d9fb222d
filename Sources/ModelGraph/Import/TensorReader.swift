import Wire

/// Turns tensors of a file into ``Tensor``s: in place where the file holds little-endian elements, by decoding where it
/// holds varints.
struct TensorReader {
  let source: any ByteOwner
  let file: String
  let external: ExternalFiles

  /// - Parameter name: what errors call the tensor.
  func tensor(_ proto: ONNXTensor, named name: String) throws(ImportError) -> Tensor {
    let type = try DataType(onnxCode: proto.dataType, of: name)
    let shape = try ModelLimits.checkedShape(proto.dimensions, of: name)
    let byteCount = shape.elementCount * type.byteWidth
    var storage =
      proto.isExternal
      ? try external.storage(of: proto, named: name, byteCount: byteCount)
      : try payload(of: proto, named: name, type: type, count: shape.elementCount)
    guard storage.byteCount == byteCount else {
      throw .invalidTensor(
        name: name, expected: "\(byteCount) bytes for \(type) \(shape)", got: "\(storage.byteCount) bytes")
    }
    if type == .bool { storage = Self.normalized(storage) }
    return Tensor(type: type, shape: shape, storage: storage)
  }

  private func payload(
    of proto: ONNXTensor, named name: String, type: DataType, count: Int
  ) throws(ImportError) -> TensorStorage {
    let payloads = proto.payloads.filter { !$0.isEmpty }
    guard let first = payloads.first else { return TensorStorage(byteCount: 0) { _ in } }
    guard payloads.count == 1 || payloads.allSatisfy({ $0.isPacked && $0.form == first.form }) else {
      throw .invalidTensor(name: name, expected: "one payload", got: "several, or one in several forms")
    }
    if case .raw(let range) = first { return TensorStorage(borrowing: range, of: source) }
    guard first.form == ONNXPayload.Form(typedDataOf: type) else {
      throw .invalidTensor(
        name: name, expected: "raw_data or \(ONNXPayload.Form(typedDataOf: type).rawValue) for \(type)",
        got: first.form.rawValue)
    }
    if payloads.count == 1, let range = first.littleEndianRange {
      return TensorStorage(borrowing: range, of: source)
    }
    let elements = TypedElements(payloads: payloads, source: source, file: file, name: name)
    return try elements.storage(type: type, count: count)
  }

  /// ONNX does not say what a truth value of 2 is, and kernels compute with them.
  private static func normalized(_ storage: TensorStorage) -> TensorStorage {
    storage.withUnsafeBytes { bytes in
      bytes.allSatisfy { $0 <= 1 } ? storage : TensorStorage(copying: bytes.map { UInt8($0 == 0 ? 0 : 1) })
    }
  }
}
