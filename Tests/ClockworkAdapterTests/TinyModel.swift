import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime
import Wire

/// Small models on disk, in the layout that workers look for: `NAME/VERSION/model.onnx`.
final class TinyModels {
  let root: URL

  init() throws {
    root = FileManager.default.temporaryDirectory.appendingPathComponent("clockwork-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: root) }

  /// softmax(x W): `x` is [N, features], `y` [N, 4].
  func addClassifier(_ name: String, version: Int = 1, features: Int = 8, seed: UInt64 = 1) throws {
    let weights = Self.numbers(features * 4, seed: seed)
    let bytes = Self.model { graph in
      graph.append(field: 1, bytes: Self.node("MatMul", ["x", "w"], ["product"]))
      graph.append(field: 1, bytes: Self.node("Softmax", ["product"], ["y"]))
      graph.append(field: 2, string: "tiny")
      graph.append(field: 5, bytes: Self.constant("w", dims: [features, 4], weights))
      graph.append(field: 11, bytes: Self.value("x", dims: [nil, features]))
      graph.append(field: 12, bytes: Self.value("y", dims: [nil, 4]))
    }
    try write(bytes, name, version)
  }

  /// Two inputs whose second axis is open, two outputs: `sum` = a + b, `difference` = a - b, all [N, length].
  func addPair(_ name: String, shapes: String? = nil) throws {
    let bytes = Self.model { graph in
      graph.append(field: 1, bytes: Self.node("Add", ["a", "b"], ["sum"]))
      graph.append(field: 1, bytes: Self.node("Sub", ["a", "b"], ["difference"]))
      graph.append(field: 2, string: "pair")
      for input in ["a", "b"] { graph.append(field: 11, bytes: Self.value(input, dims: [nil, nil])) }
      for output in ["sum", "difference"] { graph.append(field: 12, bytes: Self.value(output, dims: [nil, nil])) }
    }
    try write(bytes, name, 1)
    if let shapes {
      try Data(shapes.utf8).write(to: root.appendingPathComponent("\(name)/1/clockwork.json"))
    }
  }

  func addBroken(_ name: String) throws { try write([1, 2, 3], name, 1) }

  private func write(_ bytes: [UInt8], _ name: String, _ version: Int) throws {
    let folder = root.appendingPathComponent("\(name)/\(version)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data(bytes).write(to: folder.appendingPathComponent("model.onnx"))
  }

  func path(_ name: String, version: Int = 1) -> String {
    root.appendingPathComponent("\(name)/\(version)/model.onnx").path
  }

  /// The bytes of `count` inputs of a classifier.
  static func inputs(_ count: Int, features: Int = 8, seed: UInt64 = 7) -> [UInt8] {
    numbers(count * features, seed: seed).withUnsafeBytes { Array($0) }
  }

  /// What the classifier answers, by the engine itself.
  func expected(_ name: String, _ inputs: [UInt8], features: Int = 8) throws -> [UInt8] {
    var options = LoadedModel.Options()
    options.singleLaunch = false
    let model = try LoadedModel(path: path(name), device: try Device.select(), options: options)
    let count = inputs.count / (features * 4)
    let tensor = Tensor(type: .float32, shape: [count, features], storage: TensorStorage(copying: inputs))
    return try model.run(["x": tensor])["y"]?.storage.withUnsafeBytes { Array($0) } ?? []
  }

  static func numbers(_ count: Int, seed: UInt64) -> [Float] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / Float(1 << 22) - 2
    }
  }

  // MARK: ONNX

  private static func message(_ fields: (inout ProtobufWriter) -> Void) -> [UInt8] {
    var writer = ProtobufWriter()
    fields(&writer)
    return writer.bytes
  }

  private static func model(_ graph: (inout ProtobufWriter) -> Void) -> [UInt8] {
    message { writer in
      writer.append(field: 1, varint: 8)
      writer.append(field: 8) { $0.append(field: 2, varint: 17) }
      writer.append(field: 7, message: graph)
    }
  }

  private static func node(_ op: String, _ inputs: [String], _ outputs: [String]) -> [UInt8] {
    message { writer in
      for input in inputs { writer.append(field: 1, string: input) }
      for output in outputs { writer.append(field: 2, string: output) }
      writer.append(field: 3, string: "node \(outputs[0])")
      writer.append(field: 4, string: op)
    }
  }

  private static func constant(_ name: String, dims: [Int], _ elements: [Float]) -> [UInt8] {
    message { writer in
      for extent in dims { writer.append(field: 1, varint: UInt64(extent)) }
      writer.append(field: 2, varint: 1)
      writer.append(field: 8, string: name)
      writer.append(field: 9, bytes: elements.withUnsafeBytes { Array($0) })
    }
  }

  /// A float32 value; `nil` is an open axis.
  private static func value(_ name: String, dims: [Int?]) -> [UInt8] {
    message { writer in
      writer.append(field: 1, string: name)
      writer.append(field: 2) { type in
        type.append(field: 1) { tensor in
          tensor.append(field: 1, varint: 1)
          tensor.append(field: 2) { shape in
            for (axis, extent) in dims.enumerated() {
              shape.append(field: 1) { dimension in
                if let extent {
                  dimension.append(field: 1, varint: UInt64(extent))
                } else {
                  dimension.append(field: 2, string: "axis\(axis)")
                }
              }
            }
          }
        }
      }
    }
  }
}
