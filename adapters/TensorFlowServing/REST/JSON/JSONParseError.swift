/// Why a text is no JSON, in RapidJSON's words, which TensorFlow Serving passes on.
struct JSONParseError: Error, Equatable, CustomStringConvertible {
  enum Problem: String {
    case empty = "The document is empty."
    case invalidValue = "Invalid value."
    case missingName = "Missing a name for object member."
    case missingColon = "Missing a colon after a name of object member."
    case missingCommaInObject = "Missing a comma or } after an object member."
    case missingCommaInArray = "Missing a comma or ] after an array element."
    case invalidHexadecimal = "Incorrect hex digit after \\u escape in string."
    case invalidSurrogate = "The surrogate pair in string is invalid."
    case invalidEscape = "Invalid escape character in string."
    case missingQuote = "Missing a closing quotation mark in string."
    case invalidEncoding = "Invalid encoding in string."
    case numberTooBig = "Number too big to be stored in double."
    case missingFraction = "Miss fraction part in number."
    case missingExponent = "Miss exponent in number."
    // Ours: RapidJSON has no bounds.
    case tooDeep = "Lists and objects are nested too deeply."
    case tooLong = "The document is too long."
  }

  let problem: Problem
  /// In bytes.
  let offset: Int

  var description: String { "JSON Parse error: \(problem.rawValue) at offset: \(offset)" }
}
