import Wire

/// A file that holds one serialized `TensorProto`, as the inputs and expected outputs of ONNX's own tests do.
public struct TensorFile: Sendable {
  public let name: String
  /// Its bytes lie in the mapped file when they were written as raw data.
  public let tensor: Tensor

  public init(at path: String) throws(ImportError) {
    let file: MemoryMappedFile
    do { file = try MemoryMappedFile(path: path) } catch { throw ImportError(error, file: path) }
    try self.init(reading: file, file: path)
  }

  /// Copies `bytes`.
  public init(bytes: some Collection<UInt8>) throws(ImportError) {
    try self.init(reading: OwnedBytes(copying: bytes), file: "the tensor")
  }

  private init(reading source: some ByteOwner, file: String) throws(ImportError) {
    let proto: ONNXTensor
    do { proto = try ONNXTensor(reading: source) } catch { throw ImportError(error, file: file) }
    let reader = TensorReader(source: source, file: file, external: ExternalFiles(directory: nil))
    name = proto.name
    tensor = try reader.tensor(proto, named: proto.name)
  }
}
