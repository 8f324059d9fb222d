import Foundation

/// Well-formed markup, put together without string concatenation gone wrong: names, attributes, escaped text.
struct Markup {
  var text: String

  init(_ text: String = "") { self.text = text }

  /// Text for people: what has a meaning in markup is escaped.
  static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      // XML 1.0 has no place for control characters.
      case let other where other.isASCII && (other.asciiValue ?? 32) < 32 && !other.isWhitespace: result += "\u{FFFD}"
      default: result.append(character)
      }
    }
    return result
  }

  mutating func add(_ name: String, _ attributes: [(String, String)] = [], text: String) {
    self.text += Self.opening(name, attributes) + ">" + Self.escaped(text) + "</\(name)>"
  }

  mutating func add(_ name: String, _ attributes: [(String, String)] = [], _ content: (inout Markup) -> Void = { _ in })
  {
    var inner = Markup()
    content(&inner)
    text += Self.opening(name, attributes) + (inner.text.isEmpty ? "/>" : ">\(inner.text)</\(name)>")
  }

  private static func opening(_ name: String, _ attributes: [(String, String)]) -> String {
    "<\(name)" + attributes.map { " \($0.0)=\"\(escaped($0.1))\"" }.joined()
  }

  /// Coordinates with a tenth of a pixel.
  static func place(_ value: Double) -> String { String(format: "%.1f", value.isFinite ? value : 0) }
}
