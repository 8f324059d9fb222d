import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime
import Testing

/// The `light` models of PyPI `onnx`: real topologies with constant weights, and the outputs that ONNX's reference
/// evaluator gave for the input that its test runner makes.
@Suite(.serialized) struct LightModelTests {
  private static let device = Result { try Device.select() }
  private static let folder = NodeTestCase.root.appendingPathComponent("light")

  private static let models: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".onnx") }.map { String($0.dropLast(5)) }.sorted()
  }()

  @Test func areAllThere() {
    #expect(Self.models.count == 9, "run .ci/fixtures first")
  }

  @Test(arguments: models)
  func agreesWithTheReference(name: String) throws {
    var options = LoadedModel.Options()
    options.singleLaunch = false
    let model = try LoadedModel(
      path: Self.folder.appendingPathComponent("\(name).onnx").path, device: Self.device.get(), options: options)
    let input = model.graph.inputs[0]
    let shape = try #require(model.graph[input].shape).map { dimension in
      if case .fixed(let size) = dimension { size } else { 1 }
    }
    let count = shape.elementCount
    let ramp = Tensor((0..<count).map { Float(Double($0) / Double(count)) }, shape: shape)
    let output = try #require(try model.run([model.inputNames[0]: ramp])[model.outputNames[0]])
    let expected = try TensorFile(at: Self.folder.appendingPathComponent("\(name)_output_0.pb").path).tensor
    #expect(output.shape == expected.shape)
    // The tolerance of ONNX's own runner.
    for (a, b) in zip(output.floats, expected.floats) { #expect(abs(a - b) <= 1e-7 + 1e-3 * abs(b)) }
  }
}
