import Wire

/// Finds files in a `google.protobuf.FileDescriptorSet` by their names and by what they define.
struct DescriptorIndex: Sendable {
  private struct File: Sendable {
    var name = ""
    var package = ""
    var dependencies: [String] = []
    var bytes: [UInt8]
  }

  private var files: [String: File] = [:]
  /// Full names of messages, fields, enums, services and methods, and the file of each.
  private var symbols: [String: String] = [:]

  /// Field numbers are those of `google/protobuf/descriptor.proto`.
  init(_ fileDescriptorSet: [UInt8]) throws(RPCError) {
    do {
      for field in try MessageFields.read(fileDescriptorSet) where field.number == 1 {
        if let bytes = field.bytes { try add(bytes) }
      }
    } catch {
      throw .malformedDescriptors(reason: "\(error)")
    }
  }

  /// The file and all that it needs, each before those that need it; nil for an unknown name.
  func files(withName name: String) -> [[UInt8]]? {
    guard files[name] != nil else { return nil }
    var found: [[UInt8]] = []
    var seen: Set<String> = []
    collect(name, &seen, &found)
    // The one that was asked for comes first: some tools look at no other.
    return found.reversed()
  }

  func files(defining symbol: String) -> [[UInt8]]? {
    symbols[symbol].flatMap { files(withName: $0) }
  }

  private func collect(_ name: String, _ seen: inout Set<String>, _ found: inout [[UInt8]]) {
    guard seen.insert(name).inserted, let file = files[name] else { return }
    for dependency in file.dependencies { collect(dependency, &seen, &found) }
    found.append(file.bytes)
  }

  private mutating func add(_ bytes: [UInt8]) throws(WireError) {
    var file = File(bytes: bytes)
    let fields = try MessageFields.read(bytes)
    for field in fields {
      switch field.number {
      case 1: file.name = field.text ?? ""
      case 2: file.package = field.text ?? ""
      case 3: file.dependencies.append(field.text ?? "")
      default: break
      }
    }
    files[file.name] = file
    for field in fields {
      guard let content = field.bytes else { continue }
      switch field.number {
      case 4: try addMessage(content, in: file.package, of: file.name)
      case 5: try addNamed(content, members: 2, in: file.package, of: file.name)
      case 6: try addNamed(content, members: 2, in: file.package, of: file.name)
      case 7: symbols[Self.name(try MessageFields.read(content), in: file.package)] = file.name
      default: break
      }
    }
  }

  /// `DescriptorProto`: fields (2), nested messages (3), enums (4). The tree's depth is that of our own files.
  private mutating func addMessage(_ bytes: [UInt8], in scope: String, of file: String) throws(WireError) {
    let fields = try MessageFields.read(bytes)
    let name = Self.name(fields, in: scope)
    symbols[name] = file
    for field in fields {
      guard let content = field.bytes else { continue }
      switch field.number {
      case 2: symbols[Self.name(try MessageFields.read(content), in: name)] = file
      case 3: try addMessage(content, in: name, of: file)
      case 4: try addNamed(content, members: 2, in: name, of: file)
      default: break
      }
    }
  }

  /// An enum with its values, or a service with its methods.
  private mutating func addNamed(
    _ bytes: [UInt8], members: UInt32, in scope: String, of file: String
  ) throws(WireError) {
    let fields = try MessageFields.read(bytes)
    let name = Self.name(fields, in: scope)
    symbols[name] = file
    for field in fields where field.number == members {
      guard let content = field.bytes else { continue }
      symbols[Self.name(try MessageFields.read(content), in: name)] = file
    }
  }

  private static func name(_ fields: [MessageFields.Field], in scope: String) -> String {
    let name = fields.first { $0.number == 1 }.flatMap(\.text) ?? ""
    return scope.isEmpty ? name : scope + "." + name
  }
}
