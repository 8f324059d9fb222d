import ModelGraph
import Serving
import Wire

/// Makes a signature's inputs of `tf.Example`s: the feature of an input's name holds its elements, row-major.
///
/// TensorFlow's models parse examples inside of their graphs; ours take tensors, so the signature itself is the feature
/// specification. Numbers may be a float list or an integer list; a bytes list of one value is the elements as raw
/// little-endian bytes, which suits images. Texts are those of TensorFlow's ParseExample.
enum ExampleDecoder {
  static func inputs(
    _ specs: [TensorSpec], of examples: [any ExampleFeatures]
  ) throws(TensorFlowStatus) -> [String: Tensor] {
    guard !specs.isEmpty else { throw .invalid("Expected one input Tensor.") }
    var tensors: [String: Tensor] = [:]
    for spec in specs { tensors[spec.name] = try tensor(spec, of: examples) }
    return tensors
  }

  private static func tensor(
    _ spec: TensorSpec, of examples: [any ExampleFeatures]
  ) throws(TensorFlowStatus) -> Tensor {
    let type = spec.type.tensorFlowType.name
    var values: [ExampleFeature] = []
    for example in examples {
      let feature: ExampleFeature?
      do throws(WireError) { feature = try example.feature(spec.name) } catch {
        throw TensorFlowStatus(unreadable: "tensorflow.Example", error)
      }
      guard let feature else {
        throw .invalid(
          "Name: <unknown>, Feature: \(spec.name) (data type: \(type)) is required but could not be found.")
      }
      values.append(feature)
    }
    let counts = values.map { elementCount($0, of: spec.type) }
    let extents = try itemExtents(spec, count: counts.first ?? 0)
    let count = extents.elementCount
    if let index = counts.firstIndex(where: { $0 != count }) {
      throw .invalid(
        "Name: <unknown>, Key: \(spec.name), Index: \(index).  Number of \(type) values != expected.  values size: "
          + "\(counts[index]) but output shape: [\(extents.map(String.init).joined(separator: ","))]")
    }
    let width = count * spec.type.byteWidth
    let storage = TensorStorage(byteCount: examples.count * width) { memory in
      for (row, value) in values.enumerated() where width > 0 {
        write(
          value, as: spec.type, to: UnsafeMutableRawBufferPointer(rebasing: memory[(row * width)..<((row + 1) * width)])
        )
      }
    }
    return Tensor(type: spec.type, shape: [examples.count] + extents, storage: storage)
  }

  private static func elementCount(_ feature: ExampleFeature, of type: DataType) -> Int {
    if case .bytes(let values) = feature {
      let bytes = values.reduce(0) { $0 + $1.count }
      return bytes % type.byteWidth == 0 ? bytes / type.byteWidth : -1
    }
    return feature.count
  }

  /// The extents of one item; one that the signature leaves open is what is left of the first example's values.
  private static func itemExtents(_ spec: TensorSpec, count: Int) throws(TensorFlowStatus) -> [Int] {
    guard let shape = spec.shape else { return [max(0, count)] }
    let known = shape.dropFirst().compactMap { $0 }.elementCount
    let open = shape.dropFirst().count { $0 == nil }
    guard open <= 1 else {
      throw .invalid("Feature: \(spec.name) has \(open) unknown dimensions; an Example can give at most one")
    }
    return shape.dropFirst().map { $0 ?? (known > 0 ? max(0, count) / known : 0) }
  }

  private static func write(_ feature: ExampleFeature, as type: DataType, to memory: UnsafeMutableRawBufferPointer) {
    switch feature {
    case .bytes(let values):
      var offset = 0
      for value in values {
        UnsafeMutableRawBufferPointer(rebasing: memory[offset..<(offset + value.count)]).copyBytes(from: value)
        offset += value.count
      }
    case .floats(let values):
      for (index, value) in values.enumerated() { store(Double(value), as: type, to: memory, at: index) }
    case .integers(let values):
      for (index, value) in values.enumerated() { store(value, as: type, to: memory, at: index) }
    }
  }

  private static func store(_ value: Double, as type: DataType, to memory: UnsafeMutableRawBufferPointer, at index: Int)
  {
    let offset = index * type.byteWidth
    switch type {
    case .float32: memory.storeBytes(of: Float(value), toByteOffset: offset, as: Float.self)
    case .float64: memory.storeBytes(of: value, toByteOffset: offset, as: Double.self)
    case .float16: memory.storeBytes(of: Float(value).halfBits, toByteOffset: offset, as: UInt16.self)
    default: store(Int64(exactly: value.rounded(.towardZero)) ?? 0, as: type, to: memory, at: index)
    }
  }

  private static func store(_ value: Int64, as type: DataType, to memory: UnsafeMutableRawBufferPointer, at index: Int)
  {
    let offset = index * type.byteWidth
    switch type {
    case .float32, .float64, .float16: store(Double(value), as: type, to: memory, at: index)
    case .bool: memory.storeBytes(of: value == 0 ? 0 : 1, toByteOffset: offset, as: UInt8.self)
    case .int8, .uint8:
      memory.storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: offset, as: UInt8.self)
    case .int16, .uint16:
      memory.storeBytes(of: UInt16(truncatingIfNeeded: value), toByteOffset: offset, as: UInt16.self)
    case .int32, .uint32:
      memory.storeBytes(of: UInt32(truncatingIfNeeded: value), toByteOffset: offset, as: UInt32.self)
    case .int64, .uint64: memory.storeBytes(of: value, toByteOffset: offset, as: Int64.self)
    }
  }
}
