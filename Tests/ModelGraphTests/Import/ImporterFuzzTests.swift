import Testing
import Wire

@testable import ModelGraph

/// Damaged models import or are refused; they never crash, hang or take much memory.
@Suite("Damaged models")
struct ImporterFuzzTests {
  /// Small, seeded, the same everywhere (splitmix64).
  private struct Randomness: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  /// A model that uses every part of the format that we read.
  private static func model(seed: UInt64) -> [UInt8] {
    var random = Randomness(state: seed)
    let depth = Int.random(in: 1...6, using: &random)
    return ModelBytes.model(opsets: [("", UInt64.random(in: 7...21, using: &random)), ("com.microsoft", 1)]) { graph in
      graph.append(field: 2, string: "fuzzed")
      graph.input("v0", dims: ["N", .unknown, 4])
      for layer in 0..<depth {
        let name = "w\(layer)"
        switch Int.random(in: 0..<4, using: &random) {
        case 0: graph.initializer(ModelBytes.tensor(name, [1, 2, 3, 4], dims: [2, 2]))
        case 1:
          graph.initializer(
            ModelBytes.tensor(name, type: 7, dims: [3]) { $0.append(field: 7, bytes: [1, 0x81, 0x02, 3]) })
        case 2: graph.initializer(ModelBytes.tensor(name, dims: [1]) { $0.append(field: 4, fixed32: 7) })
        default:
          let value = ModelBytes.tensor("", type: 10, dims: [2]) { $0.append(field: 5, bytes: [1, 2]) }
          graph.node(
            "Constant", [], [name],
            attributes: [ModelBytes.attribute("value", type: 4) { $0.append(field: 5, bytes: value) }])
        }
        let ints = ModelBytes.attribute("axes", type: 7) { $0.append(field: 8, bytes: [1, 2, 3]) }
        graph.node(
          "Add", ["v\(layer)", name], ["v\(layer + 1)"], name: "n\(layer)", attributes: layer == 0 ? [ints] : [])
        graph.value("v\(layer + 1)", dims: ["N", 4])
      }
      graph.node("Gelu", ["v\(depth)"], ["out"], domain: "com.microsoft")
      graph.output("out", dims: ["N"])
    }
  }

  private static func mutate(_ bytes: inout [UInt8], _ random: inout Randomness) {
    for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      let other = Int.random(in: 0..<bytes.count, using: &random)
      let span = min(place, other)..<max(place, other)
      switch Int.random(in: 0..<8, using: &random) {
      case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 2: bytes.removeSubrange(place...)
      case 3: bytes[place] = bytes[place] &+ 1  // off by one, where it is a length
      case 4: bytes.removeSubrange(span.prefix(16))
      case 5: bytes.insert(contentsOf: Array(bytes[span].prefix(64)), at: other)
      case 6: bytes.insert(contentsOf: [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], at: place)
      default: bytes.replaceSubrange(place..<min(bytes.count, place + 4), with: [0x80, 0x80, 0x80, 0x08])
      }
    }
  }

  /// Touches everything that a graph refers to: a payload out of bounds would fault here.
  private static func touch(_ graph: Graph) -> Int {
    var sum = 0
    for value in graph.values {
      sum += value.constant?.storage.withUnsafeBytes { $0.reduce(0) { $0 + Int($1) } } ?? 0
      sum += value.constant?.elementCount ?? 0
    }
    for node in graph.nodes { for case let id? in node.inputs + node.outputs { sum += graph[id].name.count } }
    return sum
  }

  @Test("are refused with an error or import", arguments: 0..<20)
  func mutations(batch: UInt64) {
    var random = Randomness(state: batch)
    var imported = 0
    for round in 0..<250 {
      var bytes = Self.model(seed: batch &* 1000 &+ UInt64(round % 10))
      Self.mutate(&bytes, &random)
      do throws(ImportError) {
        let graph = try ONNXImporter.importModel(bytes: bytes)
        #expect(Self.touch(graph) >= 0)
        imported += 1
      } catch {
        #expect(!error.description.isEmpty)
      }
    }
    #expect(imported < 250, "no mutation was noticed")
  }

  @Test("that are whole do import", arguments: 0..<50)
  func unchanged(seed: UInt64) throws {
    #expect(try Self.touch(ONNXImporter.importModel(bytes: Self.model(seed: seed))) > 0)
  }

  @Test("that are cut off anywhere are refused or import")
  func truncations() {
    let bytes = Self.model(seed: 1)
    for length in bytes.indices {
      if let graph = try? ONNXImporter.importModel(bytes: bytes[..<length]) { #expect(Self.touch(graph) >= 0) }
    }
  }

  @Test("of random bytes are refused")
  func noise() {
    var random = Randomness(state: 7)
    for _ in 0..<500 {
      let bytes = (0..<Int.random(in: 1...200, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(throws: ImportError.self) { try ONNXImporter.importModel(bytes: bytes) }
      #expect(throws: ImportError.self) { _ = try TensorFile(bytes: bytes + [0x0B]) }
    }
  }
}
