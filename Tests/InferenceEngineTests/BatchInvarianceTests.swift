import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime
import Testing

/// An item's bits must not depend on batch size, position or neighbours: it is what makes platforms interchangeable.
@Suite struct BatchInvarianceTests {
  private static let device = Result { try Device.select() }

  /// One fixture with enough items of every model.
  private static let fixtures: [ModelFixture] = {
    var seen: Set<String> = []
    return ModelFixture.all.filter { $0.group != "generated" || $0.name.hasSuffix("-3") || $0.name.hasSuffix("3x17") }
      .filter { seen.insert($0.model).inserted }
  }()

  @Test(arguments: fixtures)
  func givesTheSameBitsInAnyBatch(of fixture: ModelFixture) throws {
    let model = try fixture.loadModel(on: Self.device.get())
    let inputs = try fixture.loadInputs()
    let items = try #require(inputs.values.first?.shape.first)
    // Each item by itself is the reference.
    let alone = try (0..<min(items, 16)).map { item in
      try model.run(inputs.mapValues { $0.items(item..<(item + 1)) })
    }
    for size in [2, 3, 7, 16] {
      // A batch of `size` items taken in turn from those there are, starting at the second.
      let order = (0..<size).map { ($0 * 5 + 1) % alone.count }
      let batch = inputs.mapValues { tensor in gathered(tensor, order) }
      let outputs = try model.run(batch)
      for (name, output) in outputs {
        for (position, item) in order.enumerated() {
          let expected = try #require(alone[item][name])
          #expect(
            output.items(position..<(position + 1)).bytes == expected.bytes,
            "\(name) of item \(item) at position \(position) of \(size) has other bits than alone")
        }
      }
    }
  }

  /// A batch that goes through early layers in parts, as one does that fits into no cache.
  @Test(arguments: fixtures)
  func givesTheSameBitsInParts(of fixture: ModelFixture) throws {
    let device = try Self.device.get()
    let inputs = try fixture.loadInputs()
    let items = try #require(inputs.values.first?.shape.first)
    let batch = inputs.mapValues { gathered($0, (0..<6).map { ($0 + 1) % items }) }
    let whole = try fixture.loadModel(on: device) { $0.cacheByteCount = .max }
    let parted = try fixture.loadModel(on: device) { $0.cacheByteCount = 1 }
    let cuts = try parted.prepare(batch).cuts.map(\.name)
    let expected = try whole.run(batch)
    for outputs in [try parted.run(batch), try parted.run(batch, cuts: cuts)] {
      #expect(Set(outputs.keys) == Set(expected.keys))
      for (name, output) in outputs {
        #expect(output.bytes == expected[name]?.bytes, "\(name) has other bits in parts")
      }
    }
    // Small and odd images have no aligned windows, and sequences stay whole: of these two it is known.
    if fixture.model.hasPrefix("Tests/Workloads/vtest") {
      #expect(try parted.prepare(batch).steps.count > whole.prepare(batch).steps.count)
    }
  }

  private func gathered(_ tensor: Tensor, _ order: [Int]) -> Tensor {
    Tensor(
      type: tensor.type, shape: [order.count] + tensor.shape.dropFirst(),
      storage: TensorStorage(copying: order.flatMap { tensor.items($0..<($0 + 1)).bytes }))
  }
}
