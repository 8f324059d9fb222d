import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime
import Testing

/// Whole models against ONNX Runtime.
@Suite struct ModelTests {
  private static let device = Result { try Device.select() }

  @Test func hasFixtures() {
    #expect(!ModelFixture.all.isEmpty, "run .ci/fixtures first: it makes the models and ONNX Runtime's answers")
  }

  @Test(arguments: ModelFixture.all)
  func agreesWithONNXRuntime(on fixture: ModelFixture) throws {
    let model = try fixture.loadModel(on: Self.device.get())
    try compare(try model.run(fixture.loadInputs()), with: fixture)
  }

  @Test(arguments: ModelFixture.all.filter { $0.group == "generated" })
  func agreesWithoutFusion(on fixture: ModelFixture) throws {
    let model = try fixture.loadModel(on: Self.device.get()) { $0.fusion = false }
    try compare(try model.run(fixture.loadInputs()), with: fixture)
  }

  @Test(
    arguments: ModelFixture.all.filter {
      $0.group == "generated" && ($0.name.hasSuffix("-1") || $0.name.hasSuffix("1x32"))
    })
  func agreesWithGPUKernels(on fixture: ModelFixture) throws {
    let model = try fixture.loadModel(on: Self.device.get()) { $0.kernels = .gpu }
    try compare(try model.run(fixture.loadInputs()), with: fixture)
  }

  private func compare(_ outputs: [String: Tensor], with fixture: ModelFixture) throws {
    for (name, expected) in try fixture.loadOutputs() {
      let output = try #require(outputs[name], "no output \(name)")
      #expect(output.shape == expected.shape && output.type == expected.type)
      let (got, wanted) = (output.floats, expected.floats)
      let scale = max(1, wanted.map(abs).max() ?? 1)
      let worst = zip(got, wanted).map { abs($0 - $1) }.max() ?? 0
      #expect(worst <= fixture.tolerance * scale, "\(name) differs by \(worst), scale \(scale)")
      #expect(!got.contains { $0.isNaN })
      if fixture.group != "generated" {
        #expect(output.top == expected.top, "another top-1 in \(name)")
      }
    }
  }
}
