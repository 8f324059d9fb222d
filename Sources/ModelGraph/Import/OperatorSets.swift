import Wire

/// The operator sets that a model imports: what gives its nodes their meaning.
struct OperatorSets {
  private var versions: [String: Int64] = [:]

  /// Refuses versions of `ai.onnx` that we do not know, and two versions of one domain.
  init(importedBy model: ONNXModel) throws(ImportError) {
    for operatorSet in model.operatorSets {
      let domain = Self.canonical(operatorSet.domain)
      if let other = versions[domain], other != operatorSet.version {
        throw .duplicateValue(
          name: "operator set \"\(operatorSet.domain)\"", first: "version \(other)",
          second: "version \(operatorSet.version)")
      }
      versions[domain] = operatorSet.version
    }
    if let version = versions[OperatorDomain.onnx.rawValue] { try Self.check(version) }
  }

  /// Refuses a model that uses operators of `ai.onnx` without saying of which version.
  func requireONNX(for nodes: [ONNXNode]) throws(ImportError) {
    guard versions[OperatorDomain.onnx.rawValue] == nil else { return }
    if nodes.contains(where: { Self.canonical($0.domain).isEmpty }) { try Self.check(nil) }
  }

  func version(of domain: String) -> Int64? { versions[Self.canonical(domain)] }

  /// `ai.onnx` is another spelling of the empty domain.
  static func canonical(_ domain: String) -> String { domain == "ai.onnx" ? "" : domain }

  private static func check(_ version: Int64?) throws(ImportError) {
    guard let version, let small = Int(exactly: version), SupportedOperators.opsets.contains(small) else {
      throw .unsupportedOperatorSet(domain: "", version: version, supported: SupportedOperators.opsets)
    }
  }
}
