import Wire

/// The kinds of attribute that we read.
enum AttributeKind: Int32 {
  case float = 1
  case int = 2
  case string = 3
  case tensor = 4
  case floats = 6
  case ints = 7
  case strings = 8

  /// The kind that `attribute` says it has, or has, where old files do not say.
  init?(of attribute: ONNXAttribute) {
    guard attribute.type == 0 else {
      self.init(rawValue: attribute.type)
      return
    }
    if attribute.float != nil {
      self = .float
    } else if attribute.int != nil {
      self = .int
    } else if attribute.string != nil {
      self = .string
    } else if attribute.tensor != nil {
      self = .tensor
    } else if !attribute.floats.isEmpty {
      self = .floats
    } else if !attribute.ints.isEmpty {
      self = .ints
    } else if !attribute.strings.isEmpty {
      self = .strings
    } else {
      return nil
    }
  }

  /// What an attribute holds that is of no kind we read.
  static func unsupportedName(of type: Int32) -> String {
    switch type {
    case 5: "a graph"
    case 9: "tensors"
    case 10: "graphs"
    case 11, 12: "sparse tensors"
    case 13, 14: "types"
    default: "nothing that we know (type \(type))"
    }
  }
}
