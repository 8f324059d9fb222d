import InferenceEngine
import ModelGraph
import OpenCLRuntime
import Testing

/// Weights that leave the device and come back.
@Suite struct WeightResidencyTests {
  private static let device = Result { try Device.select() }
  private static let fixtures = ModelFixture.all.filter {
    ["d1", "d2"].contains($0.group) && !$0.name.contains("movie")
  }

  @Test(arguments: fixtures.prefix(3), [false, true])
  func givesTheSameBitsAfterwards(_ fixture: ModelFixture, inOneLaunch: Bool) throws {
    let model = try fixture.loadModel(on: Self.device.get()) { $0.singleLaunch = inOneLaunch }
    let inputs = try fixture.loadInputs()
    let batches = [inputs, inputs.mapValues { $0.items(0..<1) }]
    let before = try batches.map { try model.run($0) }
    let byteCount = model.weightByteCount
    #expect(byteCount > 0)
    for _ in 0..<2 {
      try model.releaseWeights()
      #expect(throws: EngineError.self, "a run without weights") { try model.run(inputs) }
      try model.releaseWeights()  // nothing to do
      try model.loadWeights()
      try model.loadWeights()
      for (batch, expected) in zip(batches, before) {
        let outputs = try model.run(batch)
        for (name, tensor) in expected { #expect(outputs[name]?.bytes == tensor.bytes, "\(name) has other bits") }
      }
      #expect(model.weightByteCount == byteCount)
    }
  }

  @Test func newShapesMayComeAfterwards() throws {
    let fixture = try #require(Self.fixtures.first)
    let model = try fixture.loadModel(on: Self.device.get())
    let inputs = try fixture.loadInputs()
    let alone = try model.run(inputs.mapValues { $0.items(0..<1) })
    try model.releaseWeights()
    try model.loadWeights()
    let pair = try model.run(inputs.mapValues { $0.items(0..<2) })
    for (name, tensor) in alone { #expect(pair[name]?.items(0..<1).bytes == tensor.bytes) }
  }
}
