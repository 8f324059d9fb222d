/// Why a model or tensor file cannot be imported.
public enum ImportError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The operating system refuses the file, or it is not a regular file with bytes in it.
  case unreadable(reason: String)
  /// The file is not what the format demands at `byteOffset`.
  case malformed(file: String, byteOffset: Int, expected: String, got: String)
  /// A required part of the model is not there.
  case missing(part: String)
  case tooLarge(what: String, limit: Int)
  case unsupportedIRVersion(Int64, supported: ClosedRange<Int>)
  /// `version` is `nil` when nodes use a domain that the model does not import.
  case unsupportedOperatorSet(domain: String, version: Int64?, supported: ClosedRange<Int>)
  /// All nodes that we cannot run, not only the first.
  case unsupportedNodes([UnsupportedNode])
  case unsupportedElementType(value: String, type: String)
  /// The type of a graph input is not that of a tensor.
  case notATensor(input: String)
  case invalidShape(value: String, expected: String, got: String)
  /// The payload of a tensor does not fit its type and shape.
  case invalidTensor(name: String, expected: String, got: String)
  case externalData(tensor: String, location: String, reason: String)
  /// Two things define one value; each is named by what it is.
  case duplicateValue(name: String, first: String, second: String)
  /// `user` reads a value that nothing defines.
  case undefinedValue(name: String, user: String)
  /// The nodes depend on each other in this order, the first on the last.
  case cycle(nodes: [String])

  public var description: String {
    switch self {
    case .unreadable(let reason): reason
    case .malformed(let file, let byteOffset, let expected, let got):
      "\(file) is damaged or of another format: at byte \(byteOffset) expected \(expected), got \(got)"
    case .missing(let part): "the model has no \(part)"
    case .tooLarge(let what, let limit): "the model has more than \(limit) \(what)"
    case .unsupportedIRVersion(let version, let supported):
      "the model has ir_version \(version); supported are \(supported.lowerBound) to \(supported.upperBound)"
    case .unsupportedOperatorSet(let domain, let version, let supported):
      "the model \(version.map { "uses version \($0)" } ?? "does not import any version") of operator set "
        + "\"\(domain.isEmpty ? "ai.onnx" : domain)\"; supported are \(supported.lowerBound) to \(supported.upperBound)"
    case .unsupportedNodes(let nodes): Self.text(for: nodes)
    case .unsupportedElementType(let value, let type):
      "\"\(value)\" has elements of type \(type), which is not supported"
    case .notATensor(let input): "input \"\(input)\" is not declared as a tensor"
    case .invalidShape(let value, let expected, let got): "shape of \"\(value)\": expected \(expected), got \(got)"
    case .invalidTensor(let name, let expected, let got): "tensor \"\(name)\": expected \(expected), got \(got)"
    case .externalData(let tensor, let location, let reason):
      "tensor \"\(tensor)\": external data in \"\(location)\": \(reason)"
    case .duplicateValue(let name, let first, let second):
      "value \"\(name)\" is defined twice: by \(first) and by \(second)"
    case .undefinedValue(let name, let user): "\(user) reads \"\(name)\", which nothing defines"
    case .cycle(let nodes): "nodes depend on each other in a cycle: \(nodes.joined(separator: " → "))"
    }
  }

  /// One line a node, as many as someone will read; the error itself holds all.
  private static func text(for nodes: [UnsupportedNode]) -> String {
    let shown = nodes.prefix(100)
    let rest = nodes.count > shown.count ? "\n  and \(nodes.count - shown.count) more" : ""
    let heading = "the model has \(nodes.count) unsupported node\(nodes.count == 1 ? "" : "s"):"
    return heading + shown.map { "\n  \($0)" }.joined() + rest
  }
}
