/// The entries of a `map<string, TensorProto>`, in the order of the message. Of several under one name the last counts.
public struct NamedTensors: Sendable {
  public private(set) var names: [String] = []
  public private(set) var tensors: [TensorMessage] = []
  private var positions: [String: Int] = [:]

  public var count: Int { names.count }

  public subscript(name: String) -> TensorMessage? { positions[name].map { tensors[$0] } }

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
    if let position = positions[name] {
      tensors[position] = tensor
      return
    }
    guard count < WireLimits.mapEntries else {
      throw .tooLarge(byteOffset: entry.lowerBound, what: "tensors", limit: WireLimits.mapEntries)
    }
    positions[name] = count
    names.append(name)
    tensors.append(tensor)
  }
}
