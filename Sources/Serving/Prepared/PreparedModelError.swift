/// Why a model cannot be prepared, or a prepared one not be used.
public enum PreparedModelError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What the file says of its ramps contradicts itself or the model.
  case damagedDescription(reason: String)
  case newerFormat(Int, supported: Int)
  /// Ramps are added to original models only.
  case alreadyPrepared
  /// A ramp's weights do not fit the site.
  case wrongRamp(site: String, expected: String, got: String)
  /// The copy of a node would need what cannot be written.
  case unsupportedAttribute(node: String, attribute: String)
  /// The model's weights lie in files beside it, which a model elsewhere would not find.
  case externalWeights(file: String, directory: String)
  case cannotWrite(file: String, reason: String)

  public var description: String {
    switch self {
    case .damagedDescription(let reason): "the description of its ramps is damaged: \(reason)"
    case .newerFormat(let format, let supported):
      "its ramps are described in format \(format); this program reads formats up to \(supported)"
    case .alreadyPrepared: "the model has ramps already; prepare the original"
    case .wrongRamp(let site, let expected, let got): "the ramp at \"\(site)\" must map \(expected), got \(got)"
    case .unsupportedAttribute(let node, let attribute):
      "node \"\(node)\" cannot be copied: its attribute \(attribute) is a tensor"
    case .externalWeights(let file, let directory):
      "the weights of \(file) are in files beside it: write the prepared model to \(directory)"
    case .cannotWrite(let file, let reason): "cannot write \(file): \(reason)"
    }
  }
}
