internal import CMessages
internal import CProtobufC

/// Makes one message out of protobuf-c's structures and packs it. Everything it hands out lives until the end of
/// ``build(_:)``.
final class MessageBuilder {
  private let arena = MessageArena()
  private var owners: [any ByteOwner] = []

  private init() {}

  static func build<Result>(_ body: (MessageBuilder) -> Result) -> Result {
    let builder = MessageBuilder()
    return withExtendedLifetime(builder) { body(builder) }
  }

  // MARK: Parts of a message

  /// A structure in the state that its `init` function gives it.
  func make<Message>(_ initialize: (UnsafeMutablePointer<Message>?) -> Void) -> UnsafeMutablePointer<Message> {
    let message = allocate(Message.self, count: 1)
    initialize(message)
    return message
  }

  /// A repeated field.
  func list<Element>(
    _ elements: [UnsafeMutablePointer<Element>]
  ) -> (UnsafeMutablePointer<UnsafeMutablePointer<Element>?>?, Int) {
    if elements.isEmpty { return (nil, 0) }
    return (arena.array(elements.map(Optional.init)), elements.count)
  }

  func numbers<Number: BitwiseCopyable>(_ numbers: some Collection<Number>) -> (UnsafeMutablePointer<Number>?, Int) {
    if numbers.isEmpty { return (nil, 0) }
    let list = allocate(Number.self, count: numbers.count)
    _ = UnsafeMutableBufferPointer(start: list, count: numbers.count).initialize(from: numbers)
    return (list, numbers.count)
  }

  /// Text up to its first NUL byte, which is where protobuf-c would end it.
  func text(_ text: String) -> UnsafeMutablePointer<CChar> { arena.text(text) }

  func bytes(_ bytes: some Collection<UInt8>) -> ProtobufCBinaryData {
    let (data, count) = numbers(bytes)
    return ProtobufCBinaryData(len: count, data: data)
  }

  /// The bytes of `owner`, which are not copied: it lives as long as the pieces that they end in.
  func borrowed(_ owner: any ByteOwner) -> UnsafeMutableRawBufferPointer {
    owners.append(owner)
    return owner.withUnsafeBytes { UnsafeMutableRawBufferPointer(mutating: $0) }
  }

  // MARK: Packing

  func pack(_ message: UnsafePointer<ProtobufCMessage>) -> MessagePieces {
    PieceCollector.pack(message, owners: owners)
  }

  // MARK: Memory

  private func allocate<Element>(_: Element.Type, count: Int) -> UnsafeMutablePointer<Element> {
    arena.reserve(count * MemoryLayout<Element>.stride).bindMemory(to: Element.self, capacity: count)
  }
}

extension MessageBuilder {
  func modelSpec(_ spec: ModelSpec) -> UnsafeMutablePointer<Tensorflow__Serving__ModelSpec> {
    let message = make(tensorflow__serving__model_spec__init)
    message.pointee.name = text(spec.name)
    message.pointee.signature_name = text(spec.signatureName)
    switch spec.version {
    case nil: break
    case .number(let number):
      let wrapper = make(google__protobuf__int64_value__init)
      wrapper.pointee.value = number
      message.pointee.version_choice_case = TENSORFLOW__SERVING__MODEL_SPEC__VERSION_CHOICE_VERSION
      message.pointee.version = wrapper
    case .label(let label):
      message.pointee.version_choice_case = TENSORFLOW__SERVING__MODEL_SPEC__VERSION_CHOICE_VERSION_LABEL
      message.pointee.version_label = text(label)
    }
    return message
  }

  func shape(_ extents: [Int64]) -> UnsafeMutablePointer<Tensorflow__TensorShapeProto> {
    let shape = make(tensorflow__tensor_shape_proto__init)
    let dims = extents.map { extent in
      let dim = make(tensorflow__tensor_shape_proto__dim__init)
      dim.pointee.size = extent
      return dim
    }
    (shape.pointee.dim, shape.pointee.n_dim) = list(dims)
    return shape
  }

  /// The shape is always written, an empty message for a scalar; all elements are, even when they are equal.
  func tensor(_ value: TensorValue, encoding: TensorEncoding) -> UnsafeMutablePointer<Tensorflow__TensorProto> {
    let message = make(tensorflow__tensor_proto__init)
    message.pointee.dtype = Tensorflow__DataType(rawValue: UInt32(bitPattern: value.type.rawValue))
    message.pointee.tensor_shape = shape(value.shape.map { Int64($0) })
    if value.elements.byteCount == 0 { return message }
    if encoding == .content || !writeTyped(value, to: message) {
      let bytes = borrowed(value.elements)
      message.pointee.tensor_content = ProtobufCBinaryData(
        len: bytes.count, data: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
    return message
  }

  /// - Returns: false for types that have no typed field that we write.
  private func writeTyped(_ value: TensorValue, to message: UnsafeMutablePointer<Tensorflow__TensorProto>) -> Bool {
    let elements = value.elements
    switch value.type {
    case .float:
      // protobuf-c hands packed floats on as they are in memory, so their alignment does not matter.
      let bytes = borrowed(elements)
      message.pointee.float_val = bytes.baseAddress?.assumingMemoryBound(to: Float.self)
      message.pointee.n_float_val = bytes.count / 4
    case .double:
      let bytes = borrowed(elements)
      message.pointee.double_val = bytes.baseAddress?.assumingMemoryBound(to: Double.self)
      message.pointee.n_double_val = bytes.count / 8
    case .int32: (message.pointee.int_val, message.pointee.n_int_val) = converted(elements) { (x: Int32) in x }
    case .int16: (message.pointee.int_val, message.pointee.n_int_val) = converted(elements) { (x: Int16) in Int32(x) }
    case .int8: (message.pointee.int_val, message.pointee.n_int_val) = converted(elements) { (x: Int8) in Int32(x) }
    case .uint8: (message.pointee.int_val, message.pointee.n_int_val) = converted(elements) { (x: UInt8) in Int32(x) }
    case .uint16: (message.pointee.int_val, message.pointee.n_int_val) = converted(elements) { (x: UInt16) in Int32(x) }
    case .half, .bfloat16:
      (message.pointee.half_val, message.pointee.n_half_val) = converted(elements) { (x: UInt16) in Int32(x) }
    case .int64: (message.pointee.int64_val, message.pointee.n_int64_val) = converted(elements) { (x: Int64) in x }
    case .uint32: (message.pointee.uint32_val, message.pointee.n_uint32_val) = converted(elements) { (x: UInt32) in x }
    case .uint64: (message.pointee.uint64_val, message.pointee.n_uint64_val) = converted(elements) { (x: UInt64) in x }
    case .bool:
      (message.pointee.bool_val, message.pointee.n_bool_val) = converted(elements) { (x: UInt8) in
        protobuf_c_boolean(x == 0 ? 0 : 1)
      }
    default: return false
    }
    return true
  }

  private func converted<From: BitwiseCopyable, To: BitwiseCopyable>(
    _ elements: any ByteOwner, _ convert: (From) -> To
  ) -> (UnsafeMutablePointer<To>?, Int) {
    elements.withUnsafeBytes { bytes in
      let count = bytes.count / MemoryLayout<From>.size
      let list = allocate(To.self, count: count)
      for index in 0..<count {
        let element = bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<From>.size, as: From.self)
        (list + index).initialize(to: convert(element))
      }
      return (list, count)
    }
  }
}
