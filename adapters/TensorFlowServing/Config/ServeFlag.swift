import EarlyExit

/// One flag of the command line: `--name=value`, as TensorFlow's own flag parser has it.
struct ServeFlag: Sendable {
  /// Where the value goes.
  enum Target: Sendable {
    case bool(WritableKeyPath<ServeOptions, Bool> & Sendable)
    case integer(WritableKeyPath<ServeOptions, Int> & Sendable)
    case long(WritableKeyPath<ServeOptions, Int64> & Sendable)
    case optionalInteger(WritableKeyPath<ServeOptions, Int?> & Sendable)
    case string(WritableKeyPath<ServeOptions, String> & Sendable)
    case double(WritableKeyPath<ServeOptions, Double> & Sendable)
    case optionalDouble(WritableKeyPath<ServeOptions, Double?> & Sendable)
    case guarantee(WritableKeyPath<ServeOptions, Guarantee> & Sendable)
    /// `on` or `off`, besides what a bool takes.
    case onOff(WritableKeyPath<ServeOptions, Bool> & Sendable)
    /// Accepted for the sake of start scripts, and without effect; with the kind of value it takes.
    case ignored(Kind)
  }

  enum Kind: String, Sendable {
    case bool, int32, int64, float, string
  }

  let name: String
  let target: Target
  let help: String

  init(_ name: String, _ target: Target, _ help: String) {
    self.name = name
    self.target = target
    self.help = help
  }

  var kind: Kind {
    switch target {
    case .bool, .onOff: .bool
    case .integer, .optionalInteger: .int32
    case .long: .int64
    case .string, .guarantee: .string
    case .double, .optionalDouble: .float
    case .ignored(let kind): kind
    }
  }

  var isIgnored: Bool { if case .ignored = target { true } else { false } }

  /// - Parameter value: what follows the `=`; `nil` for a bare `--name`, which only a bool allows.
  /// - Returns: `false` when the flag does not take this form.
  func apply(_ value: String?, to options: inout ServeOptions) throws(ConfigurationError) -> Bool {
    guard let value else {
      guard kind == .bool else { return false }
      switch target {
      case .bool(let path), .onOff(let path): options[keyPath: path] = true
      default: break
      }
      return true
    }
    switch target {
    case .bool(let path): options[keyPath: path] = try bool(value)
    case .onOff(let path): options[keyPath: path] = try onOff(value)
    case .integer(let path): options[keyPath: path] = Int(try int32(value))
    case .optionalInteger(let path): options[keyPath: path] = Int(try int32(value))
    case .long(let path): options[keyPath: path] = try int64(value)
    case .string(let path): options[keyPath: path] = value
    case .double(let path): options[keyPath: path] = try double(value)
    case .optionalDouble(let path): options[keyPath: path] = try double(value)
    case .guarantee(let path): options[keyPath: path] = try guarantee(value)
    case .ignored(.bool): _ = try bool(value)
    case .ignored(.int32): _ = try int32(value)
    case .ignored(.int64): _ = try int64(value)
    case .ignored(.float): _ = try double(value)
    case .ignored(.string): break
    }
    return true
  }

  private func bool(_ value: String) throws(ConfigurationError) -> Bool {
    switch value.lowercased() {
    case "true", "1": return true
    case "false", "0": return false
    default: throw .invalidFlag(name: name, expected: "true or false", got: value)
    }
  }

  private func onOff(_ value: String) throws(ConfigurationError) -> Bool {
    switch value.lowercased() {
    case "on", "true", "1": return true
    case "off", "false", "0": return false
    default: throw .invalidFlag(name: name, expected: "on or off", got: value)
    }
  }

  private func guarantee(_ value: String) throws(ConfigurationError) -> Guarantee {
    guard let guarantee = Guarantee(rawValue: value) else {
      throw .invalidFlag(
        name: name, expected: "one of \(Guarantee.allCases.map(\.rawValue).joined(separator: ", "))", got: value)
    }
    return guarantee
  }

  private func int32(_ value: String) throws(ConfigurationError) -> Int32 {
    guard let number = Int32(value) else { throw .invalidFlag(name: name, expected: "an integer", got: value) }
    return number
  }

  private func int64(_ value: String) throws(ConfigurationError) -> Int64 {
    guard let number = Int64(value) else { throw .invalidFlag(name: name, expected: "an integer", got: value) }
    return number
  }

  private func double(_ value: String) throws(ConfigurationError) -> Double {
    guard let number = Double(value), number.isFinite else {
      throw .invalidFlag(name: name, expected: "a number", got: value)
    }
    return number
  }

  /// The default as the usage shows it.
  func value(in options: ServeOptions) -> String {
    switch target {
    case .bool(let path): "\(options[keyPath: path])"
    case .onOff(let path): options[keyPath: path] ? "on" : "off"
    case .integer(let path): "\(options[keyPath: path])"
    case .optionalInteger(let path): options[keyPath: path].map { "\($0)" } ?? ""
    case .long(let path): "\(options[keyPath: path])"
    case .string(let path): "\"\(options[keyPath: path])\""
    case .double(let path): "\(options[keyPath: path])"
    case .optionalDouble(let path): options[keyPath: path].map { "\($0)" } ?? ""
    case .guarantee(let path): "\"\(options[keyPath: path].rawValue)\""
    case .ignored: ""
    }
  }
}
