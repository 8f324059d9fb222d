import Wire

/// Reads ONNX models into ``Graph``s.
///
/// Weights stay in the memory-mapped file and are read when they are used; a model of any size imports in the time that
/// its structure takes. Graph inputs keep their symbolic extents; nodes are in topological order; `Constant` nodes and
/// initializers are constants. A graph output may be an input or a constant of the graph itself.
///
/// All errors are ``ImportError``. A model that imports uses only operators that we know (``SupportedOperators``), with
/// the right numbers of inputs and outputs; whether attributes and shapes make sense is for shape inference to say.
public enum ONNXImporter {
  /// Imports a model file. External data is looked for in the directory that it lies in.
  public static func importModel(at path: String) throws(ImportError) -> Graph {
    let file: MemoryMappedFile
    do { file = try MemoryMappedFile(path: path) } catch { throw ImportError(error, file: path) }
    let directory =
      path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    return try importModel(reading: file, file: path, directory: directory)
  }

  /// Imports a model from memory; `bytes` are copied. `directory` is where its external data lies, if it may have any.
  public static func importModel(
    bytes: some Collection<UInt8>, directory: String? = nil
  ) throws(ImportError) -> Graph {
    try importModel(reading: OwnedBytes(copying: bytes), file: "the model", directory: directory)
  }

  private static func importModel(
    reading source: some ByteOwner, file: String, directory: String?
  ) throws(ImportError) -> Graph {
    let model: ONNXModel
    do { model = try ONNXModel(reading: source) } catch { throw ImportError(error, file: file) }
    try checkVersion(of: model)
    guard let graph = model.graph else { throw .missing(part: "graph") }
    guard graph.nodes.count <= ModelLimits.nodes else { throw .tooLarge(what: "nodes", limit: ModelLimits.nodes) }

    let operatorSets = try OperatorSets(importedBy: model)
    try operatorSets.requireONNX(for: graph.nodes)
    let unsupported = OperatorCheck(operatorSets: operatorSets, graph: graph).unsupportedNodes()
    guard unsupported.isEmpty else { throw .unsupportedNodes(unsupported) }

    let tensors = TensorReader(source: source, file: file, external: ExternalFiles(directory: directory))
    var builder = GraphBuilder(name: graph.name, operatorSets: operatorSets, tensors: tensors)
    var result = try builder.build(graph)
    result.nodes = try NodeOrder.sorted(result)
    for entry in model.metadata { result.metadata[entry.key] = entry.value }
    return result
  }

  private static func checkVersion(of model: ONNXModel) throws(ImportError) {
    guard let version = model.irVersion else { throw .missing(part: "ir_version (is it an ONNX model?)") }
    guard let small = Int(exactly: version), SupportedOperators.irVersions.contains(small) else {
      throw .unsupportedIRVersion(version, supported: SupportedOperators.irVersions)
    }
  }
}
