extension VersionFiles {
  /// The ONNX file, prepared or not.
  ///
  /// - Throws: ``RepositoryError/noModel(directory:)`` when the model is of another kind.
  public var onnxPath: String {
    get throws(RepositoryError) {
      switch model {
      case .prepared(let path), .onnx(let path): path
      case .savedModel(let directory): throw .noModel(directory: directory)
      }
    }
  }
}
