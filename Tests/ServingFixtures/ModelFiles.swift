import Foundation
import Wire

/// The folder of real models that the official client's scenarios call.
///
/// - `half_plus_two` (version 123): y = x / 2 + 2, [N, 1]; what TensorFlow-Serving's own tests call. With signatures.
/// - `street` (version 1): the ResNet-18 of the workloads, with labels.
/// - `wide` (version 3): two outputs and inputs of other types.
/// - `broken` (version 1): a file that is no model.
public enum ModelFiles {
  public static let workloads = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Workloads")

  public static func write(to root: URL) throws {
    func folder(_ path: String) throws -> URL {
      let folder = root.appendingPathComponent(path)
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      return folder
    }
    let half = try folder("half_plus_two/00000123")
    try Data(OnnxText.halfPlusTwo).write(to: half.appendingPathComponent("model.onnx"))
    try Data(signatures.utf8).write(to: half.appendingPathComponent("signatures.pbtxt"))
    let street = try folder("street/1")
    try FileManager.default.createSymbolicLink(
      at: street.appendingPathComponent("model.onnx"),
      withDestinationURL: workloads.appendingPathComponent("vtest-resnet18.onnx"))
    try Data("none\none\nseveral\n".utf8).write(to: street.appendingPathComponent("labels.txt"))
    try Data(OnnxText.wide).write(to: try folder("wide/3").appendingPathComponent("model.onnx"))
    try Data("no model".utf8).write(to: try folder("broken/1").appendingPathComponent("model.onnx"))
  }

  private static let signatures = """
    signature_def { key: "regress_x_to_y" value {
      inputs { key: "inputs" value { name: "x" dtype: DT_FLOAT } }
      outputs { key: "outputs" value { name: "y:0" } }
      method_name: "tensorflow/serving/regress" } }
    signature_def { key: "classify_x_to_y" value {
      inputs { key: "inputs" value { name: "x" } }
      outputs { key: "scores" value { name: "y" } }
      method_name: "tensorflow/serving/classify" } }
    """
}

/// Small ONNX files, written field by field; numbers are those of `onnx.proto`.
public enum OnnxText {
  /// y = 0.5 · x + 2 on [N, 1].
  public static let halfPlusTwo = model(
    nodes: [("Mul", ["x", "half"], ["h"]), ("Add", ["h", "two"], ["y"])], floats: [("half", 0.5), ("two", 2)],
    inputs: [("x", 1, [nil, 1])], outputs: [("y", 1, [nil, 1])])

  /// sum = a + b (float [N, 2]), and the int64 input [N, 3] as it came.
  public static let wide = model(
    nodes: [("Add", ["a", "b"], ["sum"]), ("Identity", ["c"], ["same"])], floats: [],
    inputs: [("a", 1, [nil, 2]), ("b", 1, [nil, 2]), ("c", 7, [nil, 3])],
    outputs: [("sum", 1, [nil, 2]), ("same", 7, [nil, 3])])

  private typealias Declaration = (name: String, type: UInt64, shape: [UInt64?])

  private static func model(
    nodes: [(op: String, inputs: [String], outputs: [String])], floats: [(name: String, value: Float)],
    inputs: [Declaration], outputs: [Declaration]
  ) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.append(field: 1, varint: 8)
    writer.append(field: 8) { $0.append(field: 2, varint: 17) }
    writer.append(field: 7) { graph in
      for node in nodes {
        graph.append(field: 1) { message in
          for input in node.inputs { message.append(field: 1, string: input) }
          for output in node.outputs { message.append(field: 2, string: output) }
          message.append(field: 4, string: node.op)
        }
      }
      graph.append(field: 2, string: "test")
      for float in floats {
        graph.append(field: 5) { tensor in
          tensor.append(field: 1, varint: 1)
          tensor.append(field: 2, varint: 1)
          tensor.append(field: 4, fixed32: float.value.bitPattern)
          tensor.append(field: 8, string: float.name)
        }
      }
      for input in inputs { graph.append(field: 11) { declare(input, to: &$0) } }
      for output in outputs { graph.append(field: 12) { declare(output, to: &$0) } }
    }
    return writer.bytes
  }

  private static func declare(_ value: Declaration, to writer: inout ProtobufWriter) {
    writer.append(field: 1, string: value.name)
    writer.append(field: 2) { type in
      type.append(field: 1) { tensor in
        tensor.append(field: 1, varint: value.type)
        tensor.append(field: 2) { shape in
          for extent in value.shape {
            shape.append(field: 1) { dimension in
              if let extent {
                dimension.append(field: 1, varint: extent)
              } else {
                dimension.append(field: 2, string: "N")
              }
            }
          }
        }
      }
    }
  }
}
