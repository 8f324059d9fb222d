import Wire

/// The files beside a model that hold tensors, each mapped once.
final class ExternalFiles {
  private let directory: String?
  private var files: [String: MemoryMappedFile] = [:]

  /// `directory` is where the model lies; `nil` when it has no place, and then no external data.
  init(directory: String?) { self.directory = directory }

  /// The payload of an external tensor: `byteCount` bytes of the file that its `external_data` names.
  func storage(of tensor: ONNXTensor, named name: String, byteCount: Int) throws(ImportError) -> TensorStorage {
    let entry = { (key: String) in tensor.externalData.last { $0.key == key }?.value }
    guard let location = entry("location"), !location.isEmpty else {
      throw .externalData(tensor: name, location: "", reason: "expected a location, got none")
    }
    let offset = try Self.number(entry("offset") ?? "0", "offset", tensor: name, location: location)
    if let length = entry("length") {
      let length = try Self.number(length, "length", tensor: name, location: location)
      guard length == byteCount else {
        throw .externalData(
          tensor: name, location: location, reason: "type and shape need \(byteCount) bytes, its length is \(length)")
      }
    }
    guard byteCount > 0 else { return TensorStorage(byteCount: 0) { _ in } }
    let file = try file(at: location, for: name)
    guard offset <= file.byteCount, byteCount <= file.byteCount - offset else {
      throw .externalData(
        tensor: name, location: location,
        reason: "\(byteCount) bytes from byte \(offset) are past the end of the file of \(file.byteCount) bytes")
    }
    return TensorStorage(borrowing: offset..<(offset + byteCount), of: file)
  }

  private func file(at location: String, for tensor: String) throws(ImportError) -> MemoryMappedFile {
    if let file = files[location] { return file }
    guard let directory else {
      throw .externalData(tensor: tensor, location: location, reason: "the model was not read from a directory")
    }
    // A model must not read files that its author only knows of: keys, other models, devices.
    guard !location.hasPrefix("/") else {
      throw .externalData(tensor: tensor, location: location, reason: "absolute paths are refused")
    }
    guard !location.split(separator: "/").contains("..") else {
      throw .externalData(tensor: tensor, location: location, reason: "paths with \"..\" are refused")
    }
    do {
      let file = try MemoryMappedFile(path: directory + "/" + location)
      files[location] = file
      return file
    } catch { throw .externalData(tensor: tensor, location: location, reason: error.description) }
  }

  private static func number(
    _ text: String, _ key: String, tensor: String, location: String
  ) throws(ImportError) -> Int {
    guard let number = Int(text), number >= 0 else {
      throw .externalData(
        tensor: tensor, location: location, reason: "expected a count of bytes as its \(key), got \"\(text)\"")
    }
    return number
  }
}
