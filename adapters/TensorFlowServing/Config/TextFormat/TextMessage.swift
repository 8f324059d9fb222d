/// A message in protobuf's text format, as read and before anyone has asked what its fields mean.
struct TextMessage: Equatable, Sendable {
  /// In the order of the text; a repeated field has one entry for each element.
  var fields: [TextField] = []
  /// Where it begins.
  var position = TextPosition(line: 1, column: 1)
}

struct TextField: Equatable, Sendable {
  let name: String
  let value: TextValue
  let position: TextPosition
}

enum TextValue: Equatable, Sendable {
  /// The bytes of one or several adjacent string literals.
  case string([UInt8])
  /// A number, with its sign: `42`, `-0x1F`, `1.5e3f`.
  case number(String)
  /// The name of an enumerator, or `true`, `inf`, …; with its sign when it has one.
  case identifier(String)
  case message(TextMessage)

  /// For error texts.
  var kind: String {
    switch self {
    case .string: "string"
    case .number(let text), .identifier(let text): text
    case .message: "message"
    }
  }
}

/// Line and column from 1.
struct TextPosition: Equatable, Sendable {
  var line: Int
  var column: Int
}
