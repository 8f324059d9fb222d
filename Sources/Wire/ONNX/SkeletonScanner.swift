/// Copies a message without its payloads.
///
/// protobuf-c copies what it unpacks; weights must stay in the mapped file. So each payload of a `TensorProto` is
/// replaced by a `BorrowedPayload` (see `proto/onnx.proto`) that says where in the file it is, and protobuf-c unpacks
/// the small *skeleton* that results. Whatever a file itself holds under the number of `borrowed` is dropped with all
/// other unknown fields, so every borrowed range is one that this scanner has checked.
///
/// Complexity: O(fields), without touching the pages of payloads.
struct SkeletonScanner {
  /// Field numbers of ours, see `proto/onnx.proto`.
  private enum Borrowed {
    static let payload: UInt32 = 536_870_001
    static let field: UInt32 = 1
    static let offset: UInt32 = 2
    static let length: UInt32 = 3
  }

  private let bytes: UnsafeRawBufferPointer
  private var messageCount = 0
  private var fieldCount = 0
  private var copiedBytes = 0

  /// The skeleton of the message `schema` that `bytes` hold.
  static func skeleton(of bytes: UnsafeRawBufferPointer, as schema: MessageSchema) throws(WireError) -> [UInt8] {
    var scanner = SkeletonScanner(bytes: bytes)
    var writer = ProtobufWriter()
    try scanner.copyMessage(schema, in: 0..<bytes.count, to: &writer)
    return writer.bytes
  }

  private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private mutating func copyMessage(
    _ schema: MessageSchema, in range: Range<Int>, to writer: inout ProtobufWriter
  ) throws(WireError) {
    var reader = ProtobufReader(bytes, range: range)
    var seen: Set<UInt32> = []
    while !reader.isAtEnd {
      let start = reader.position
      let (number, type) = try reader.readTag()
      let value = try reader.skip(type)
      guard let field = schema[number] else { continue }
      let place = Place(start: start, schema: schema, field: field, number: number, type: type, value: value)
      if case .message(_, repeated: false) = field.content, !seen.insert(number).inserted {
        throw place.malformed(expected: "one value", got: "a second one")
      }
      try count(1, at: start)
      try copy(place, to: &writer)
    }
  }

  /// One occurrence of a field in the file.
  private struct Place {
    let start: Int
    let schema: MessageSchema
    let field: MessageSchema.Field
    let number: UInt32
    let type: WireType
    let value: Range<Int>

    func malformed(expected: String, got: String) -> WireError {
      .malformed(byteOffset: start, expected: "\(expected) for \(schema.name).\(field.name)", got: got)
    }

    func require(_ expected: WireType) throws(WireError) {
      if type != expected { throw malformed(expected: expected.name, got: type.name) }
    }
  }

  private mutating func copy(_ place: Place, to writer: inout ProtobufWriter) throws(WireError) {
    switch place.field.content {
    case .number(let type):
      try place.require(type)
      try copyField(place, to: &writer)
    case .numbers(let elementType): try copyNumbers(place, elementType: elementType, to: &writer)
    case .string:
      try place.require(.lengthDelimited)
      try checkText(place)
      try copyField(place, to: &writer)
    case .bytes:
      try place.require(.lengthDelimited)
      try copyField(place, to: &writer)
    case .message(let schema, _):
      try place.require(.lengthDelimited)
      try countMessage(at: place.start)
      var message = ProtobufWriter()
      try copyMessage(schema, in: place.value, to: &message)
      writer.append(field: place.number, bytes: message.bytes)
    case .payload(let elementType):
      if place.type == .lengthDelimited {
        try borrow(place, elementType: elementType, in: &writer)
      } else {
        try copyNumbers(place, elementType: elementType, to: &writer)
      }
    case .refused(let reason):
      throw .malformed(
        byteOffset: place.start, expected: "no \(place.schema.name).\(place.field.name) (\(reason))", got: "one")
    }
  }

  /// Copies a number, or a packed run of them once it is known to be well formed.
  private mutating func copyNumbers(
    _ place: Place, elementType: WireType, to writer: inout ProtobufWriter
  ) throws(WireError) {
    guard place.type == .lengthDelimited else {
      try place.require(elementType)
      try copyField(place, to: &writer)
      return
    }
    try count(place.value.count, at: place.start)
    try checkRun(place, elementType: elementType)
    if elementType == .varint {
      var reader = ProtobufReader(bytes, range: place.value)
      while !reader.isAtEnd { _ = try reader.readVarint() }
    }
    try copyField(place, to: &writer)
  }

  private func checkRun(_ place: Place, elementType: WireType) throws(WireError) {
    let width = elementType == .fixed64 ? 8 : elementType == .fixed32 ? 4 : 1
    guard place.value.count % width == 0 else {
      throw place.malformed(expected: "a multiple of \(width) bytes", got: "\(place.value.count)")
    }
  }

  private mutating func borrow(
    _ place: Place, elementType: WireType, in writer: inout ProtobufWriter
  ) throws(WireError) {
    try checkRun(place, elementType: elementType)
    try countMessage(at: place.start)
    var borrowed = ProtobufWriter()
    borrowed.append(field: Borrowed.field, varint: UInt64(place.number))
    borrowed.append(field: Borrowed.offset, varint: UInt64(place.value.lowerBound))
    borrowed.append(field: Borrowed.length, varint: UInt64(place.value.count))
    writer.append(field: Borrowed.payload, bytes: borrowed.bytes)
  }

  /// protobuf-c's strings end at the first NUL byte: two names could become one.
  private func checkText(_ place: Place) throws(WireError) {
    let text = UnsafeRawBufferPointer(rebasing: bytes[place.value])
    if text.contains(0) { throw place.malformed(expected: "text", got: "a NUL byte in it") }
    if String(validating: text, as: UTF8.self) == nil {
      throw place.malformed(expected: "UTF-8 text", got: "other bytes")
    }
  }

  private mutating func copyField(_ place: Place, to writer: inout ProtobufWriter) throws(WireError) {
    copiedBytes += place.value.count
    guard copiedBytes <= WireLimits.skeletonBytes else {
      throw .tooLarge(byteOffset: place.start, what: "bytes outside of tensors", limit: WireLimits.skeletonBytes)
    }
    writer.append(raw: bytes[place.start..<place.value.upperBound])
  }

  private mutating func count(_ fields: Int, at byteOffset: Int) throws(WireError) {
    fieldCount += fields
    if fieldCount > WireLimits.fields {
      throw .tooLarge(byteOffset: byteOffset, what: "fields", limit: WireLimits.fields)
    }
  }
  private mutating func countMessage(at byteOffset: Int) throws(WireError) {
    messageCount += 1
    if messageCount > WireLimits.messages {
      throw .tooLarge(byteOffset: byteOffset, what: "messages", limit: WireLimits.messages)
    }
  }
}
