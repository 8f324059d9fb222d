/// Why a graph cannot be specialised: wrong inputs of the caller, or a model that contradicts itself.
public enum GraphError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A shape or value was given for something that is no input of the graph.
  case unknownInput(name: String, expected: [String])
  /// An input with symbolic extents got no shape.
  case missingShape(input: String, declared: String)
  /// The rank or an extent of an input differs from the declaration.
  case wrongShape(input: String, expected: String, got: Shape)
  /// Two extents of one name differ.
  case conflictingDimension(name: String, input: String, axis: Int, expected: Int, got: Int)
  /// The type or shape of a value given for an input is wrong.
  case wrongValue(input: String, expected: String, got: String)
  /// An input does not say its type.
  case untypedInput(name: String)
  /// A node reads a value that nothing before it produces.
  case undefinedValue(node: String, value: String)
  /// Attributes or operands of a node break the operator's rules.
  case invalid(node: String, op: String, expected: String, got: String)
  case unsupportedOperator(node: String, domain: String, op: String, opset: Int)
  /// A shape depends on values that are known only while the model runs.
  case dataDependentShape(node: String, input: String)
  /// Folding what shapes depend on would take more memory than ``ModelLimits/foldedBytes``.
  case foldingLimit(node: String, op: String, byteLimit: Int)

  public var description: String {
    switch self {
    case .unknownInput(let name, let expected):
      "the graph has no input \"\(name)\"; its inputs are: \(expected.joined(separator: ", "))"
    case .missingShape(let input, let declared): "input \"\(input)\" \(declared) needs a shape for this run"
    case .wrongShape(let input, let expected, let got): "input \"\(input)\": expected shape \(expected), got \(got)"
    case .conflictingDimension(let name, let input, let axis, let expected, let got):
      "input \"\(input)\" axis \(axis): dimension \"\(name)\" is \(expected) elsewhere, got \(got)"
    case .wrongValue(let input, let expected, let got): "value of input \"\(input)\": expected \(expected), got \(got)"
    case .untypedInput(let name): "input \"\(name)\" has no element type"
    case .undefinedValue(let node, let value): "node \"\(node)\" reads \"\(value)\", which nothing before it produces"
    case .invalid(let node, let op, let expected, let got): "node \"\(node)\" (\(op)): expected \(expected), got \(got)"
    case .unsupportedOperator(let node, let domain, let op, let opset):
      "node \"\(node)\": operator \(domain.isEmpty ? op : domain + "." + op) of opset \(opset) is not supported"
    case .dataDependentShape(let node, let input):
      "node \"\(node)\": its shape depends on the values of \"\(input)\", which are known only while the model runs"
    case .foldingLimit(let node, let op, let byteLimit):
      "node \"\(node)\" (\(op)): computing what shapes depend on would take more than \(byteLimit) bytes"
    }
  }
}
