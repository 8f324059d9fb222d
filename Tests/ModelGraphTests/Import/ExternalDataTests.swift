import Foundation
import Testing
import Wire

@testable import ModelGraph

@Suite("External data")
struct ExternalDataTests {
  /// A model whose initializer `w` (two floats) lies in another file, described by `entries`.
  private func model(_ entries: [(String, String)], dims: [Int64] = [2]) -> [UInt8] {
    ModelBytes.model { graph in
      graph.initializer(
        ModelBytes.tensor("w", dims: dims) { tensor in
          for (key, value) in entries {
            tensor.append(field: 13) {
              $0.append(field: 1, string: key)
              $0.append(field: 2, string: value)
            }
          }
          tensor.append(field: 14, varint: 1)
        })
      graph.output("w")
    }
  }

  /// Calls `body` with a directory that holds `weights/w.bin` with the floats 0, 1, 2, 3.
  private func withDirectory(_ body: (String) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    let weights = directory.appendingPathComponent("weights")
    try FileManager.default.createDirectory(at: weights, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let bytes = [0, 1, 2, 3].flatMap { ModelBytes.littleEndian(Float($0).bitPattern) }
    try Data(bytes).write(to: weights.appendingPathComponent("w.bin"))
    try body(directory.path)
  }

  @Test("is read from where it is said to be")
  func reads() throws {
    try withDirectory { directory in
      let cases: [([(String, String)], [Float])] = [
        ([("location", "weights/w.bin")], [0, 1]),
        ([("location", "weights/w.bin"), ("offset", "8"), ("length", "8")], [2, 3]),
        ([("location", "./weights/w.bin"), ("offset", "4"), ("checksum", "whatever")], [1, 2]),
      ]
      for (entries, expected) in cases {
        let path = directory + "/model.onnx"
        try Data(model(entries)).write(to: URL(fileURLWithPath: path))
        let graph = try ONNXImporter.importModel(at: path)
        let tensor = try #require(graph.constant(graph.outputs[0]))
        #expect(tensor.floats == expected)
        tensor.storage.releasePages()
        #expect(tensor.floats == expected)
      }
    }
  }

  @Test("is refused outside of the model's directory and past the end of its file")
  func refuses() throws {
    try withDirectory { directory in
      let file = ("location", "weights/w.bin")
      let cases: [[(String, String)]] = [
        [], [("location", "")], [("location", directory + "/weights/w.bin")], [("location", "../secret")],
        [("location", "weights/../../secret")], [("location", "weights/..")], [("location", "weights")],
        [("location", "missing.bin")], [file, ("offset", "12")], [file, ("offset", "-4")], [file, ("offset", "x")],
        [file, ("offset", "\(Int.max)")], [file, ("offset", "99999999999999999999")], [file, ("length", "4")],
        [file, ("length", "-8")],
      ]
      for entries in cases {
        #expect(throws: ImportError.self, "\(entries)") {
          try ONNXImporter.importModel(bytes: model(entries), directory: directory)
        }
      }
      #expect(throws: ImportError.self) {
        try ONNXImporter.importModel(bytes: model([file], dims: [1 << 30]), directory: directory)
      }
      #expect(throws: ImportError.self) { try ONNXImporter.importModel(bytes: model([file])) }
    }
  }

  @Test("in the model's own file is no more than bytes of that file")
  func selfReference() throws {
    try withDirectory { directory in
      let path = directory + "/model.onnx"
      try Data(model([("location", "model.onnx")])).write(to: URL(fileURLWithPath: path))
      let graph = try ONNXImporter.importModel(at: path)
      #expect(graph.constant(graph.outputs[0])?.elementCount == 2)
      try Data(model([("location", "model.onnx"), ("offset", "4000")])).write(to: URL(fileURLWithPath: path))
      #expect(throws: ImportError.self) { try ONNXImporter.importModel(at: path) }
    }
  }
}
