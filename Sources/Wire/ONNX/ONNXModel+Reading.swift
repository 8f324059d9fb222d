internal import CMessages

extension ONNXModel {
  /// Reads the model in `source`; payloads stay there, as ranges of it. O(structure), whatever the size of the weights.
  public init(reading source: some ByteOwner) throws(WireError) {
    let skeleton = try source.withUnsafeBytes { (bytes) throws(WireError) in
      try SkeletonScanner.skeleton(of: bytes, as: .model)
    }
    let message = try UnpackedMessage(
      skeleton, unpack: onnx__model_proto__unpack, free: onnx__model_proto__free_unpacked)
    self = try message.read { (model) throws(WireError) in try ONNXModel(model) }
  }
}

extension ONNXTensor {
  /// Reads a file that holds one serialized tensor.
  public init(reading source: some ByteOwner) throws(WireError) {
    let skeleton = try source.withUnsafeBytes { (bytes) throws(WireError) in
      try SkeletonScanner.skeleton(of: bytes, as: .tensor)
    }
    let message = try UnpackedMessage(
      skeleton, unpack: onnx__tensor_proto__unpack, free: onnx__tensor_proto__free_unpacked)
    self = try message.read { (tensor) throws(WireError) in try ONNXTensor(tensor) }
  }
}

extension ONNXModel {
  fileprivate init(_ message: Onnx__ModelProto) throws(WireError) {
    irVersion = message.has_ir_version != 0 ? message.ir_version : nil
    producer = [text(message.producer_name), text(message.producer_version)].filter { !$0.isEmpty }
      .joined(separator: " ")
    operatorSets = each(message.opset_import, message.n_opset_import).map {
      ONNXOperatorSet(domain: text($0.domain), version: $0.version)
    }
    metadata = entries(message.metadata_props, message.n_metadata_props)
    graph = if let graph = message.graph { try ONNXGraph(graph.pointee) } else { nil }
  }
}

extension ONNXGraph {
  fileprivate init(_ message: Onnx__GraphProto) throws(WireError) {
    name = text(message.name)
    nodes = try each(message.node, message.n_node).map { (node) throws(WireError) in try ONNXNode(node) }
    initializers = try each(message.initializer, message.n_initializer).map { (tensor) throws(WireError) in
      try ONNXTensor(tensor)
    }
    inputs = each(message.input, message.n_input).map { ONNXValue($0) }
    outputs = each(message.output, message.n_output).map { ONNXValue($0) }
    values = each(message.value_info, message.n_value_info).map { ONNXValue($0) }
  }
}

extension ONNXNode {
  fileprivate init(_ message: Onnx__NodeProto) throws(WireError) {
    name = text(message.name)
    domain = text(message.domain)
    op = text(message.op_type)
    inputs = UnsafeBufferPointer(start: message.input, count: message.n_input).map { text($0) }
    outputs = UnsafeBufferPointer(start: message.output, count: message.n_output).map { text($0) }
    attributes = try each(message.attribute, message.n_attribute).map { (attribute) throws(WireError) in
      try ONNXAttribute(attribute)
    }
  }
}

extension ONNXAttribute {
  fileprivate init(_ message: Onnx__AttributeProto) throws(WireError) {
    name = text(message.name)
    type = message.type
    reference = text(message.ref_attr_name)
    float = message.has_f != 0 ? message.f : nil
    int = message.has_i != 0 ? message.i : nil
    string = message.has_s != 0 ? bytes(message.s) : nil
    tensor = if let tensor = message.t { try ONNXTensor(tensor.pointee) } else { nil }
    floats = Array(UnsafeBufferPointer(start: message.floats, count: message.n_floats))
    ints = Array(UnsafeBufferPointer(start: message.ints, count: message.n_ints))
    strings = UnsafeBufferPointer(start: message.strings, count: message.n_strings).map { bytes($0) }
    tensors = try each(message.tensors, message.n_tensors).map { (tensor) throws(WireError) in
      try ONNXTensor(tensor)
    }
  }
}

extension ONNXTensor {
  fileprivate init(_ message: Onnx__TensorProto) throws(WireError) {
    name = text(message.name)
    dimensions = Array(UnsafeBufferPointer(start: message.dims, count: message.n_dims))
    dataType = message.data_type
    isExternal = message.data_location == 1
    externalData = entries(message.external_data, message.n_external_data)
    payloads = try each(message.borrowed, message.n_borrowed).map { (place) throws(WireError) in
      try ONNXPayload(place)
    }
    if message.n_float_data > 0 {
      let elements = UnsafeBufferPointer(start: message.float_data, count: message.n_float_data)
      payloads.append(.loose(.floats(Array(elements))))
    }
    if message.n_double_data > 0 {
      let elements = UnsafeBufferPointer(start: message.double_data, count: message.n_double_data)
      payloads.append(.loose(.doubles(Array(elements))))
    }
    if message.n_int32_data > 0 {
      let elements = UnsafeBufferPointer(start: message.int32_data, count: message.n_int32_data)
      payloads.append(.loose(.int32s(Array(elements))))
    }
    if message.n_int64_data > 0 {
      let elements = UnsafeBufferPointer(start: message.int64_data, count: message.n_int64_data)
      payloads.append(.loose(.int64s(Array(elements))))
    }
    if message.n_uint64_data > 0 {
      let elements = UnsafeBufferPointer(start: message.uint64_data, count: message.n_uint64_data)
      payloads.append(.loose(.uint64s(Array(elements))))
    }
  }
}

extension ONNXPayload {
  /// The scanner wrote this place and checked it; `field` is the number of a payload field of `TensorProto`.
  fileprivate init(_ place: Onnx__BorrowedPayload) throws(WireError) {
    let range = Int(place.offset)..<Int(place.offset + place.length)
    switch place.field {
    case 4: self = .floats(range)
    case 5: self = .packedInt32s(range)
    case 7: self = .packedInt64s(range)
    case 9: self = .raw(range)
    case 10: self = .doubles(range)
    case 11: self = .packedUInt64s(range)
    default:
      throw .malformed(byteOffset: range.lowerBound, expected: "a payload field of TensorProto", got: "\(place.field)")
    }
  }
}

extension ONNXValue {
  fileprivate init(_ message: Onnx__ValueInfoProto) {
    name = text(message.name)
    tensorType = message.type?.pointee.tensor_type.map { ONNXTensorType($0.pointee) }
  }
}

extension ONNXTensorType {
  fileprivate init(_ message: Onnx__TypeProto__Tensor) {
    elementType = message.elem_type
    dimensions = message.shape.map { each($0.pointee.dim, $0.pointee.n_dim).map { ONNXDimension($0) } }
  }
}

extension ONNXDimension {
  fileprivate init(_ message: Onnx__TensorShapeProto__Dimension) {
    extent = message.has_dim_value != 0 ? message.dim_value : nil
    parameter = message.dim_param.map { text($0) }
  }
}

private func entries(
  _ messages: UnsafeMutablePointer<UnsafeMutablePointer<Onnx__StringStringEntryProto>?>?, _ count: Int
) -> [ONNXStringEntry] {
  each(messages, count).map { ONNXStringEntry(key: text($0.key), value: text($0.value)) }
}

private func bytes(_ data: ProtobufCBinaryData) -> [UInt8] {
  Array(UnsafeBufferPointer(start: data.data, count: data.len))
}
