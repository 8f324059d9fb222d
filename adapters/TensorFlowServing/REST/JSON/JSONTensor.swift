import ModelGraph
import Wire

/// Makes tensors of nested lists. Rules and texts: TensorFlow Serving's `json_tensor.cc`.
struct JSONTensor {
  private let type: DataType
  private var elements: ElementBuffer

  /// - Parameter capacity: how many elements there will be, as far as one knows; more may come.
  init(type: DataType, capacity: Int) {
    self.type = type
    elements = ElementBuffer(byteWidth: type.byteWidth, capacity: capacity)
  }

  var count: Int { elements.count }

  /// - Precondition: the shape has as many elements as were added.
  func tensor(shape: Shape) -> Tensor { Tensor(type: type, shape: shape, storage: elements.storage) }

  /// The shape that a value has if its lists are regular: the lengths of the first lists of each level.
  static func shape(of value: JSONValue) -> Shape {
    var shape: Shape = []
    var first = value
    while first.isArray {
      shape.append(first.count)
      guard first.count > 0 else { break }
      first = JSONValue(document: first.document, index: first.index + 1)
    }
    return shape
  }

  /// Adds the elements of a value, row-major.
  ///
  /// - Parameter shape: the value's; see ``shape(of:)``.
  mutating func add(_ value: JSONValue, shape: Shape) throws(TensorFlowStatus) {
    try add(value, shape: shape, level: 0)
  }

  private mutating func add(_ value: JSONValue, shape: Shape, level: Int) throws(TensorFlowStatus) {
    guard value.isArray else {
      guard level == shape.count else {
        throw .invalid(
          "JSON Value: \(value.errorText) found at incorrect level: \(level + 1) in the JSON DOM. Expected at level: \(shape.count)"
        )
      }
      try append(value)
      return
    }
    guard level < shape.count else {
      throw .invalid("Encountered list at unexpected level: \(level) expected < \(shape.count)")
    }
    guard value.count == shape[level] else {
      throw .invalid(
        "Encountered list at unexpected size: \(value.count) at level: \(level) expected size: \(shape[level])")
    }
    if level == shape.count - 1, type == .float32, addFloats(value) { return }
    for element in value.elements { try add(element, shape: shape, level: level + 1) }
  }

  /// A list of numbers, which is what there is most of, in one go.
  ///
  /// - Returns: false, and nothing is added, when there is something else in it.
  private mutating func addFloats(_ list: JSONValue) -> Bool {
    let start = list.index + 1
    return list.document.nodes.withUnsafeBufferPointer { nodes in
      elements.append(count: list.count) { memory in
        let floats = memory.bindMemory(to: Float.self)
        for position in 0..<floats.count {
          let node = nodes[start + position]
          switch node.kind {
          case .double: floats[position] = Float(Double(bitPattern: node.payload))
          case .integer: floats[position] = Float(Double(Int64(bitPattern: node.payload)))
          case .unsigned: floats[position] = Float(Double(node.payload))
          default: return false
          }
        }
        return true
      }
    }
  }

  // MARK: One element

  private mutating func append(_ value: JSONValue) throws(TensorFlowStatus) {
    if value.isObject { throw typeError(value) }
    switch type {
    case .float32: elements.append(Float(try required(value.double, of: value)))
    case .float64: elements.append(try required(value.double, of: value))
    // A number of 32 bits; what the tensor's type does not hold of it is cut off.
    case .int32: elements.append(Int32(try int32(value)))
    case .int16: elements.append(Int16(truncatingIfNeeded: try int32(value)))
    case .int8: elements.append(Int8(truncatingIfNeeded: try int32(value)))
    case .uint8: elements.append(UInt8(truncatingIfNeeded: try int32(value)))
    case .int64: elements.append(try required(value.integer, of: value))
    case .uint32: elements.append(try required(value.unsigned.flatMap { UInt32(exactly: $0) }, of: value))
    case .uint64: elements.append(try required(value.unsigned, of: value))
    case .bool: elements.append(try required(value.bool, of: value) ? UInt8(1) : 0)
    case .float16, .uint16:
      throw TensorFlowStatus(
        .unimplemented, "Conversion of JSON Value: \(value.errorText) to type: \(type.tensorFlowType.name)")
    }
  }

  private func int32(_ value: JSONValue) throws(TensorFlowStatus) -> Int32 {
    try required(value.integer.flatMap { Int32(exactly: $0) }, of: value)
  }

  private func required<T>(_ converted: T?, of value: JSONValue) throws(TensorFlowStatus) -> T {
    guard let converted else { throw typeError(value) }
    return converted
  }

  private func typeError(_ value: JSONValue) -> TensorFlowStatus {
    .invalid(
      "JSON Value: \(value.errorText) Type: \(value.typeName) is not of expected type: \(type.tensorFlowType.name)")
  }
}

/// Elements of one width, one after the other.
private struct ElementBuffer {
  /// Whoever holds a part of it holds it all. Written by one owner, and never again once it is a tensor's.
  private final class Memory: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int) { bytes = .allocate(byteCount: max(64, byteCount), alignment: 64) }
    deinit { bytes.deallocate() }
  }

  private let byteWidth: Int
  private var memory: Memory
  private(set) var count = 0

  init(byteWidth: Int, capacity: Int) {
    self.byteWidth = byteWidth
    memory = Memory(byteCount: byteWidth * capacity)
  }

  var storage: TensorStorage {
    TensorStorage(borrowing: UnsafeRawBufferPointer(rebasing: memory.bytes[..<(count * byteWidth)]), from: memory)
  }

  mutating func append<Element: BitwiseCopyable>(_ element: Element) {
    reserve(1)
    memory.bytes.storeBytes(of: element, toByteOffset: count * byteWidth, as: Element.self)
    count += 1
  }

  /// - Parameter fill: writes the elements, or returns false.
  mutating func append(count added: Int, fill: (UnsafeMutableRawBufferPointer) -> Bool) -> Bool {
    reserve(added)
    let start = count * byteWidth
    let isFilled = fill(UnsafeMutableRawBufferPointer(rebasing: memory.bytes[start..<(start + added * byteWidth)]))
    if isFilled { count += added }
    return isFilled
  }

  private mutating func reserve(_ added: Int) {
    let needed = (count + added) * byteWidth
    guard needed > memory.bytes.count else { return }
    let larger = Memory(byteCount: max(needed, 2 * memory.bytes.count))
    larger.bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory.bytes[..<(count * byteWidth)]))
    memory = larger
  }
}
