import Testing

@testable import Wire

@Suite("Messages of classification, status and reload")
struct ServiceMessageTests {
  private let example = Example([
    "f": .floats([1, 2.5]), "i": .integers([-1, 1 << 40]), "b": .bytes([[1, 2], []]), "none": .floats([]),
  ])

  private func request(_ input: (inout ProtobufWriter) -> Void) throws -> (OwnedBytes, InferenceRequestMessage) {
    var writer = ProtobufWriter()
    writer.append(field: 1) { $0.append(field: 1, string: "m") }
    writer.append(field: 2, message: input)
    let owner = OwnedBytes(copying: writer.bytes)
    return (owner, try owner.withUnsafeBytes { bytes in try InferenceRequestMessage(reading: bytes) })
  }

  @Test("give the features of examples")
  func examples() throws {
    let (owner, request) = try request { input in
      input.append(field: 1) { list in
        list.append(field: 1, bytes: example.encoded)
        list.append(field: 1, bytes: Example().encoded)
      }
    }
    #expect(request.modelSpec?.name == "m")
    #expect(request.input.count == 2)
    let examples = request.input.examples(in: owner)
    for (name, feature) in example.features { #expect(try examples[0].feature(name) == feature) }
    #expect(try examples[0].feature("other") == nil)
    #expect(try examples[1].feature("f") == nil)
  }

  @Test("let an example's own features win over the context's")
  func context() throws {
    let (owner, request) = try request { input in
      input.append(field: 2) { list in
        list.append(field: 1, bytes: Example(["f": .floats([7])]).encoded)
        list.append(field: 2, bytes: example.encoded)
      }
    }
    let examples = request.input.examples(in: owner)
    #expect(examples.count == 1)
    #expect(try examples[0].feature("f") == .floats([7]))
    #expect(try examples[0].feature("i") == example.features["i"])
  }

  @Test("hold numbers that are not packed, and the last kind of list that was written")
  func lists() throws {
    var encoded = ProtobufWriter()
    encoded.append(field: 1) { features in
      features.append(field: 1) { entry in
        entry.append(field: 1, string: "f")
        entry.append(field: 2) { feature in
          feature.append(field: 3) { $0.append(field: 1, varint: 5) }
          feature.append(field: 2) { list in
            list.append(field: 1, fixed32: Float(1).bitPattern)
            list.append(field: 1, fixed32: Float(2).bitPattern)
          }
        }
      }
    }
    let (owner, request) = try request { input in input.append(field: 1) { $0.append(field: 1, bytes: encoded.bytes) } }
    #expect(try request.input.examples(in: owner)[0].feature("f") == .floats([1, 2]))
  }

  @Test("never make the reader crash, however they are damaged")
  func damaged() throws {
    var random = SystemlessGenerator(seed: 13)
    var writer = ProtobufWriter()
    writer.append(field: 1) { task in
      task.append(field: 1) { $0.append(field: 1, string: "m") }
      task.append(field: 2, string: "tensorflow/serving/classify")
    }
    writer.append(field: 2) { input in
      input.append(field: 2) { list in
        list.append(field: 1, bytes: example.encoded)
        list.append(field: 2, bytes: example.encoded)
      }
    }
    for _ in 0..<10_000 {
      var bytes = writer.bytes
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
      }
      let owner = OwnedBytes(copying: bytes)
      try? owner.withUnsafeBytes { bytes in
        let request = try MultiInferenceRequestMessage(reading: bytes)
        for example in request.input.examples(in: owner) {
          for name in ["f", "i", "b"] { _ = try example.feature(name) }
        }
        _ = try ReloadConfigRequestMessage(reading: bytes)
      }
    }
  }

  @Test("hold a list of models to reload")
  func reload() throws {
    var writer = ProtobufWriter()
    writer.append(field: 1) { config in
      config.append(field: 1) { list in
        list.append(field: 1) { model in
          model.append(field: 1, string: "a")
          model.append(field: 2, string: "/models/a")
          model.append(field: 4, string: "tensorflow")
          model.append(field: 7) { policy in
            policy.append(field: 102) { specific in
              specific.append(field: 1, varint: 42)
              specific.append(field: 1, varint: 43)
            }
          }
          model.append(field: 8) { label in
            label.append(field: 1, string: "stable")
            label.append(field: 2, varint: 42)
          }
        }
        list.append(field: 1) { model in
          model.append(field: 1, string: "b")
          model.append(field: 7) { policy in policy.append(field: 100) { $0.append(field: 1, varint: 2) } }
        }
      }
    }
    writer.append(field: 2, string: "metric")
    let request = try writer.bytes.withUnsafeBytes { try ReloadConfigRequestMessage(reading: $0) }
    #expect(request.metricNames == ["metric"])
    let models = try #require(request.models)
    #expect(
      models[0]
        == .init(
          name: "a", basePath: "/models/a", type: 0, platform: "tensorflow", versionPolicy: .specific([42, 43]),
          labels: ["stable": 42]))
    #expect(models[1].versionPolicy == .latest(count: 2))
    #expect(try ReloadConfigRequestMessage(reading: UnsafeRawBufferPointer(start: nil, count: 0)).models == nil)
  }
}
