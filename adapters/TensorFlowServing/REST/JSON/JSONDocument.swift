import NIOCore

/// A JSON text, parsed: a flat list of nodes in the order of the text, with positions in place of copies.
///
/// 16 bytes a value, whatever it is; strings stay in the text until they are asked for.
struct JSONDocument: Sendable {
  struct Node: Sendable {
    enum Kind: UInt8, Sendable {
      case null, `false`, `true`
      /// A whole number that fits `Int64`: its bits.
      case integer
      /// A whole number that fits `UInt64` only: its bits.
      case unsigned
      /// The bits of a double.
      case double
      /// Place and length in the text, without the quotes.
      case string
      /// The same, and there are escapes in it.
      case escapedString
      /// How many elements follow.
      case array
      /// How many members follow, each a string and a value.
      case object
    }

    let kind: Kind
    /// The node after this value and all that is in it.
    var next: UInt32
    var payload: UInt64
  }

  let text: ByteBuffer
  let nodes: [Node]

  /// The value that the text is.
  var root: JSONValue { JSONValue(document: self, index: 0) }
}

/// One value of a document.
struct JSONValue {
  let document: JSONDocument
  let index: Int

  private var node: JSONDocument.Node { document.nodes[index] }

  var kind: JSONDocument.Node.Kind { node.kind }
  var isObject: Bool { node.kind == .object }
  var isArray: Bool { node.kind == .array }
  var isString: Bool { node.kind == .string || node.kind == .escapedString }
  /// Elements of an array, members of an object; 0 for others.
  var count: Int { isArray || isObject ? Int(node.payload) : 0 }

  /// As TensorFlow Serving's error texts name it.
  var typeName: String {
    switch node.kind {
    case .null: "Null"
    case .false: "False"
    case .true: "True"
    case .integer, .unsigned, .double: "Number"
    case .string, .escapedString: "String"
    case .array: "Array"
    case .object: "Object"
    }
  }

  // MARK: Scalars

  var double: Double? {
    switch node.kind {
    case .integer: Double(Int64(bitPattern: node.payload))
    case .unsigned: Double(node.payload)
    case .double: Double(bitPattern: node.payload)
    default: nil
    }
  }

  /// A number that was written without fraction and exponent.
  var integer: Int64? { node.kind == .integer ? Int64(bitPattern: node.payload) : nil }

  var unsigned: UInt64? {
    switch node.kind {
    case .unsigned: node.payload
    case .integer: UInt64(exactly: Int64(bitPattern: node.payload))
    default: nil
    }
  }

  var bool: Bool? {
    switch node.kind {
    case .true: true
    case .false: false
    default: nil
    }
  }

  /// The bytes that a string stands for.
  var bytes: [UInt8]? {
    let (offset, length) = (Int(node.payload >> 32), Int(node.payload & 0xFFFF_FFFF))
    switch node.kind {
    case .string: return document.text.getBytes(at: offset, length: length)
    case .escapedString: return document.text.getBytes(at: offset, length: length).map(JSONEscapes.decoded)
    default: return nil
    }
  }

  var string: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

  // MARK: Contents

  /// The elements of an array, in order.
  var elements: Elements { Elements(document: document, index: index + 1, left: isArray ? count : 0) }

  /// The members of an object, in order; a name may come more than once.
  var members: Members { Members(document: document, index: index + 1, left: isObject ? count : 0) }

  /// The first member of this name. Linear in the number of members.
  subscript(name: String) -> JSONValue? { members.first { $0.name == name }?.value }

  struct Elements: Sequence, IteratorProtocol {
    let document: JSONDocument
    var index: Int
    var left: Int

    mutating func next() -> JSONValue? {
      guard left > 0 else { return nil }
      left -= 1
      defer { index = Int(document.nodes[index].next) }
      return JSONValue(document: document, index: index)
    }
  }

  struct Members: Sequence, IteratorProtocol {
    let document: JSONDocument
    var index: Int
    var left: Int

    mutating func next() -> (name: String, value: JSONValue)? {
      guard left > 0 else { return nil }
      left -= 1
      let name = JSONValue(document: document, index: index).string ?? ""
      let value = JSONValue(document: document, index: index + 1)
      index = Int(document.nodes[index + 1].next)
      return (name, value)
    }
  }
}
