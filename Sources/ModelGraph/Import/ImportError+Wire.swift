import Wire

extension ImportError {
  /// `file` names what was being read, as in "model.onnx".
  init(_ error: WireError, file: String) {
    switch error {
    case .malformed(let byteOffset, let expected, let got):
      self = .malformed(file: file, byteOffset: byteOffset, expected: expected, got: got)
    case .tooLarge(_, let what, let limit): self = .tooLarge(what: what, limit: limit)
    case .unreadableFile, .notRegularFile, .emptyFile: self = .unreadable(reason: error.description)
    case .unpackingFailed: self = .unreadable(reason: "\(file): \(error)")
    }
  }
}
