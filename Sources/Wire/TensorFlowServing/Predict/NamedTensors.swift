/// The entries of a `map<string, TensorProto>`, in the order of the message. Of several under one name the last counts.
public struct NamedTensors: Sendable {
  public private(set) var names: [String] = []
  public private(set) var tensors: [TensorMessage] = []
  /// Of many names; few are found faster one by one.
  private var positions: [String: Int] = [:]
  private static let fewNames = 16

  public var count: Int { names.count }

  public subscript(name: String) -> TensorMessage? { position(of: name).map { tensors[$0] } }

  private func position(of name: String) -> Int? {
    positions.isEmpty ? names.firstIndex(of: name) : positions[name]
  }

  mutating func add(_ bytes: UnsafeRawBufferPointer, entry: Range<Int>) throws(WireError) {
    var reader = ProtobufReader(bytes, range: entry)
    var name = ""
    var tensor = TensorMessage()
    while !reader.isAtEnd {
      switch try reader.readTag() {
      case (1, .lengthDelimited): name = try reader.readText()
      case (2, .lengthDelimited): try tensor.merge(bytes, range: try reader.readDelimited())
      case (_, let type): _ = try reader.skip(type)
      }
    }
    if let position = position(of: name) {
      tensors[position] = tensor
      return
    }
    guard count < WireLimits.mapEntries else {
      throw .tooLarge(byteOffset: entry.lowerBound, what: "tensors", limit: WireLimits.mapEntries)
    }
    names.append(name)
    tensors.append(tensor)
    if !positions.isEmpty {
      positions[name] = count - 1
    } else if count > Self.fewNames {
      positions = Dictionary(uniqueKeysWithValues: zip(names, 0...))
    }
  }
}
