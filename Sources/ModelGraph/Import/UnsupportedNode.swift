/// A node that we cannot run, and why.
public struct UnsupportedNode: Sendable, Hashable, CustomStringConvertible {
  public let op: String
  public let name: String
  /// As in the file; empty for `ai.onnx`.
  public let domain: String
  /// `nil` when the model does not import the domain.
  public let opset: Int64?
  public let reason: String

  public var description: String {
    let fullName = domain.isEmpty ? op : "\(domain).\(op)"
    let version = opset.map { " (opset \($0))" } ?? ""
    return "\(fullName)\(version), node \"\(name)\": \(reason)"
  }
}
