/// The messages of `proto/onnx.proto`. They do not contain themselves, which bounds the depth of every scan.
extension MessageSchema {
  static let model = MessageSchema(
    "ModelProto",
    [
      1: .number("ir_version"), 2: .string("producer_name"), 3: .string("producer_version"), 4: .string("domain"),
      5: .number("model_version"), 7: .one("graph", graph), 8: .many("opset_import", operatorSet),
      14: .many("metadata_props", stringEntry),
    ])

  static let operatorSet = MessageSchema("OperatorSetIdProto", [1: .string("domain"), 2: .number("version")])

  static let stringEntry = MessageSchema("StringStringEntryProto", [1: .string("key"), 2: .string("value")])

  static let graph = MessageSchema(
    "GraphProto",
    [
      1: .many("node", node), 2: .string("name"), 5: .many("initializer", tensor), 11: .many("input", valueInfo),
      12: .many("output", valueInfo), 13: .many("value_info", valueInfo),
      15: .refused("sparse_initializer", because: "sparse initializers are not supported"),
    ])

  static let node = MessageSchema(
    "NodeProto",
    [
      1: .string("input"), 2: .string("output"), 3: .string("name"), 4: .string("op_type"),
      5: .many("attribute", attribute), 7: .string("domain"),
    ])

  static let attribute = MessageSchema(
    "AttributeProto",
    [
      1: .string("name"), 2: .number("f", .fixed32), 3: .number("i"), 4: .bytes("s"), 5: .one("t", tensor),
      7: .numbers("floats", .fixed32), 8: .numbers("ints"), 9: .bytes("strings"), 10: .many("tensors", tensor),
      20: .number("type"), 21: .string("ref_attr_name"),
    ])

  static let tensor = MessageSchema(
    "TensorProto",
    [
      1: .numbers("dims"), 2: .number("data_type"),
      3: .refused("segment", because: "tensors in segments are not supported"),
      4: .payload("float_data", of: .fixed32), 5: .payload("int32_data", of: .varint),
      7: .payload("int64_data", of: .varint), 8: .string("name"), 9: .payload("raw_data", of: .lengthDelimited),
      10: .payload("double_data", of: .fixed64), 11: .payload("uint64_data", of: .varint),
      13: .many("external_data", stringEntry), 14: .number("data_location"),
    ])

  static let valueInfo = MessageSchema("ValueInfoProto", [1: .string("name"), 2: .one("type", type)])

  static let type = MessageSchema("TypeProto", [1: .one("tensor_type", tensorType)])

  static let tensorType = MessageSchema("TypeProto.Tensor", [1: .number("elem_type"), 2: .one("shape", shape)])

  static let shape = MessageSchema("TensorShapeProto", [1: .many("dim", dimension)])

  static let dimension = MessageSchema(
    "TensorShapeProto.Dimension", [1: .number("dim_value"), 2: .string("dim_param")])
}
