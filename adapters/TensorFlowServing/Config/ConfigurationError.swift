/// Why the server cannot be configured as asked. Texts that TensorFlow Serving has too are worded as there, because
/// scripts look for them.
public enum ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The operating system refuses the file; `reason` is its own text.
  case unreadableFile(path: String, reason: String)
  case tooLargeFile(path: String, limit: Int)
  /// The text is not what the message allows at this place; line and column count from 1.
  case malformedText(message: String, line: Int, column: Int, problem: String)
  /// A well-formed message that makes no sense.
  case invalid(message: String, problem: String)
  /// A flag's value cannot be read.
  case invalidFlag(name: String, expected: String, got: String)
  /// Flags that need or exclude each other.
  case conflictingFlags(problem: String)

  public var description: String {
    switch self {
    case .unreadableFile(let path, let reason): "cannot read \(path): \(reason)"
    case .tooLargeFile(let path, let limit): "cannot read \(path): it has more than \(limit) bytes"
    case .malformedText(let message, let line, let column, let problem):
      "Error parsing text-format \(message): \(line):\(column): \(problem)"
    case .invalid(let message, let problem): "Invalid \(message): \(problem)"
    case .invalidFlag(let name, let expected, let got):
      "Couldn't interpret value \(got) for flag \(name): expected \(expected)."
    case .conflictingFlags(let problem): problem
    }
  }
}
