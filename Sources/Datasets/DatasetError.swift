/// Why a file or an option gives no items to run a model on, or no times for them to arrive at.
public enum DatasetError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The operating system refuses the file; `reason` is its own text.
  case unreadable(path: String, reason: String)
  /// The file is not of the format that its name promises.
  case malformed(path: String, expected: String, got: String)
  /// The file holds no array of this name.
  case missingArray(path: String, name: String, known: [String])
  /// An `--input` that cannot be read.
  case invalidRecipe(text: String, reason: String)
  /// A step of a recipe cannot take what it is given.
  case unsuitable(input: String, step: String, expected: String, got: String)
  /// The arrays of one file, or the files of one stream, do not belong together.
  case inconsistent(what: String, expected: String, got: String)
  /// An `--arrivals` that cannot be read.
  case invalidArrivals(text: String, reason: String)

  public var description: String {
    switch self {
    case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
    case .malformed(let path, let expected, let got): "\(path): expected \(expected), got \(got)"
    case .missingArray(let path, let name, let known):
      "\(path) has no array \"\(name)\"; it has \(known.joined(separator: ", "))"
    case .invalidRecipe(let text, let reason): "--input \"\(text)\": \(reason)"
    case .unsuitable(let input, let step, let expected, let got):
      "input \(input): \"\(step)\" takes \(expected), got \(got)"
    case .inconsistent(let what, let expected, let got): "\(what): expected \(expected), got \(got)"
    case .invalidArrivals(let text, let reason): "--arrivals \(text): \(reason)"
    }
  }
}
