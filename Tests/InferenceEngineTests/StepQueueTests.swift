import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime
import Testing

/// A segment in one launch gives the bits of a launch for each kernel.
@Suite struct StepQueueTests {
  private static let device = Result { try Device.select() }

  /// One fixture of each model that exits are tried on.
  private static let fixtures: [ModelFixture] = {
    var seen: Set<String> = []
    return ModelFixture.all.filter { $0.group != "generated" && $0.group != "light" }
      .filter { seen.insert($0.model).inserted }
  }()

  @Test(arguments: fixtures)
  func givesTheBitsOfSingleLaunches(for fixture: ModelFixture) throws {
    let device = try Self.device.get()
    let single = try fixture.loadModel(on: device)
    let queued = try fixture.loadModel(on: device) { $0.singleLaunch = true }
    let inputs = try fixture.loadInputs().mapValues { $0.items(0..<1) }
    #expect(try queued.prepare(inputs).usesSingleLaunch)
    let cuts = try queued.prepare(inputs).cuts.map(\.name)
    let expected = try single.run(inputs)
    for round in 0..<20 {
      // Whole, and in segments.
      let outputs = try queued.run(inputs, cuts: round % 2 == 0 ? [] : cuts)
      for (name, output) in outputs {
        #expect(output.bytes == expected[name]?.bytes, "\(name) has other bits in round \(round)")
      }
    }
  }

  @Test func twoBatchSizesTakeTurns() throws {
    let device = try Self.device.get()
    let fixture = try #require(Self.fixtures.first)
    let single = try fixture.loadModel(on: device)
    let queued = try fixture.loadModel(on: device) { $0.singleLaunch = true }
    let inputs = try fixture.loadInputs()
    for size in [1, 2, 1, 2, 2, 1] {
      let batch = inputs.mapValues { $0.items(0..<size) }
      #expect(try queued.prepare(batch).usesSingleLaunch)
      #expect(try queued.run(batch).mapValues(\.bytes) == single.run(batch).mapValues(\.bytes))
    }
  }
}
