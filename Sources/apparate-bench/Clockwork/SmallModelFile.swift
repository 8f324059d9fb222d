import Foundation
import Wire

/// A classifier of 64 numbers with two dense layers and some 80 kB of random weights, as an ONNX file.
enum SmallModelFile {
  static let inputByteCount = 64 * 4

  /// Writes `NAME/1/model.onnx` into `root`.
  static func write(_ name: String, in root: URL, generator: inout some RandomNumberGenerator) throws {
    func random(_ dims: [Int]) -> [Float] {
      (0..<dims.reduce(1, *)).map { _ in Float.random(in: -0.2..<0.2, using: &generator) }
    }
    var constants: [(String, [Int], [Float])] = []
    for (name, dims) in [("w1", [64, 256]), ("b1", [256]), ("w2", [256, 16]), ("b2", [16])] {
      constants.append((name, dims, random(dims)))
    }
    var model = ProtobufWriter()
    model.append(field: 1, varint: 8)
    model.append(field: 8) { $0.append(field: 2, varint: 17) }
    model.append(field: 7) { graph in
      node("Gemm", ["x", "w1", "b1"], "h1", in: &graph)
      node("Relu", ["h1"], "h2", in: &graph)
      node("Gemm", ["h2", "w2", "b2"], "logits", in: &graph)
      node("Softmax", ["logits"], "y", in: &graph)
      graph.append(field: 2, string: "small")
      for (name, dims, numbers) in constants {
        graph.append(field: 5) { tensor in
          for extent in dims { tensor.append(field: 1, varint: UInt64(extent)) }
          tensor.append(field: 2, varint: 1)
          tensor.append(field: 8, string: name)
          tensor.append(field: 9, bytes: numbers.withUnsafeBytes { Array($0) })
        }
      }
      value("x", width: 64, field: 11, in: &graph)
      value("y", width: 16, field: 12, in: &graph)
    }
    let folder = root.appendingPathComponent("\(name)/1")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data(model.bytes).write(to: folder.appendingPathComponent("model.onnx"))
  }

  private static func node(_ op: String, _ inputs: [String], _ output: String, in graph: inout ProtobufWriter) {
    graph.append(field: 1) { node in
      for input in inputs { node.append(field: 1, string: input) }
      node.append(field: 2, string: output)
      node.append(field: 3, string: output)
      node.append(field: 4, string: op)
    }
  }

  private static func value(_ name: String, width: Int, field: UInt32, in graph: inout ProtobufWriter) {
    graph.append(field: field) { value in
      value.append(field: 1, string: name)
      value.append(field: 2) { type in
        type.append(field: 1) { tensor in
          tensor.append(field: 1, varint: 1)
          tensor.append(field: 2) { shape in
            shape.append(field: 1) { $0.append(field: 2, string: "batch") }
            shape.append(field: 1) { $0.append(field: 1, varint: UInt64(width)) }
          }
        }
      }
    }
  }
}
