import Foundation
import ModelGraph
import Testing

@testable import InferenceEngine

@Suite struct ElementwiseTests {
  private static let shapes: [(Shape, Shape)] = [
    ([2, 19, 5, 7], [2, 19, 5, 7]), ([2, 19, 5, 7], [1, 19, 1, 1]), ([2, 19, 5, 7], [19, 1, 1]), ([2, 19, 5, 7], [7]),
    ([2, 19, 5, 7], []), ([2, 19, 5, 7], [2, 19, 1, 1]), ([2, 19, 5, 7], [2, 1, 5, 1]),
    ([2, 19, 1, 7], [1, 19, 5, 1]),
    ([3, 64, 9, 9], [64, 9, 9]), ([1, 40, 1, 1], [1, 1, 1, 40]), ([2, 3, 4, 5], [2, 1, 1, 1, 1]), ([0, 3, 2], [3, 1]),
  ]

  @Test(arguments: OneNode.Variant.all, [1, 2])
  func broadcastsEveryWay(variant: OneNode.Variant, firstConstant: Int) throws {
    for (a, b) in Self.shapes {
      let (x, y) = (Tensor.numbers(a, seed: 1), Tensor.numbers(b, seed: 2))
      var node = OneNode(op: "Sub").with(variant)
      node.firstConstant = firstConstant
      let shape = Lowering.broadcast(a, b)
      func place(_ index: [Int], in operand: Shape) -> Int {
        zip(operand, operand.rowMajorStrides).enumerated().reduce(0) { sum, axis in
          sum + (axis.element.0 == 1 ? 0 : index[axis.offset + shape.count - operand.count] * axis.element.1)
        }
      }
      let expected = (0..<shape.elementCount).map { flat -> Float in
        let index = zip(shape, shape.rowMajorStrides).map { flat / $1 % $0 }
        return x.floats[place(index, in: a)] - y.floats[place(index, in: b)]
      }
      let result = try node.run([x, y])[0]
      #expect(result.shape == shape && result.floats == expected, "\(a) - \(b)")
    }
  }

  @Test(arguments: OneNode.Variant.all)
  func joinsOperandsOfDifferentLayouts(variant: OneNode.Variant) throws {
    let (x, y) = (Tensor.numbers([2, 33, 9, 8]), Tensor.numbers([2, 33, 9, 8], seed: 2))
    var node = OneNode(op: "Mul").with(variant)
    node.firstConstant = 2
    let expected: [Float] = zip(x.floats, y.floats).map { $0 * $1 }
    #expect(try node.run([x, y])[0].floats == expected)
  }

  private static let functions: [String: @Sendable (Double) -> Double] = [
    "Exp": { exp($0) }, "Tanh": { tanh($0) }, "Erf": { erf($0) }, "Sigmoid": { 1 / (1 + exp(-$0)) },
    "Softplus": { max($0, 0) + log1p(exp(-abs($0))) }, "Elu": { $0 < 0 ? expm1($0) : $0 },
    "Mish": { $0 * tanh(max($0, 0) + log1p(exp(-abs($0)))) }, "Sin": { sin($0) }, "Atan": { atan($0) },
    "HardSigmoid": { max(0, min(1, Double(Float(0.2)) * $0 + 0.5)) },
    "LeakyRelu": { $0 < 0 ? Double(Float(0.01)) * $0 : $0 },
    "Softsign": { $0 / (1 + abs($0)) },
    "Round": { $0.rounded(.toNearestOrEven) },
  ]

  /// Enough for 4 units in the last place of a float, or 30 of a double.
  @Test(arguments: functions.keys.sorted(), [DataType.float32, .float64])
  func isAccurateOverTheWholeRange(op: String, type: DataType) throws {
    let numbers = (-4000...4000).map { Double($0) / 200 } + [1e-30, -1e-30, 1e-7, 80, -80].map { Double(Float($0)) }
    let x =
      type == .float64
      ? Tensor(type: .float64, shape: [numbers.count], storage: TensorStorage(copying: numbers))
      : Tensor(numbers.map { Float($0) }, shape: [numbers.count])
    let y = try OneNode(op: op).run([x])[0]
    let results = type == .float64 ? y.storage.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) } : y.doubles
    let given = type == .float64 ? numbers : x.doubles
    let tolerance = type == .float64 ? 7e-15 : 5e-7
    for (x, result) in zip(given, results) {
      let expected = Self.functions[op]!(x)
      #expect(abs(result - expected) <= tolerance * abs(expected) + 1e-40, "\(op)(\(x)) of \(type)")
    }
  }

  @Test func specialNumbersPassThrough() throws {
    let x = Tensor([.nan, .infinity, -.infinity, -0.0, 3], shape: [5])
    let limits = [Tensor([Float(-1)], shape: []), Tensor([Float(1)], shape: [])]
    let clipped = try OneNode(op: "Clip").run([x] + limits)[0].floats
    #expect(clipped[0].isNaN && Array(clipped[1...]) == [1, -1, -0.0, 1])
    for op in ["Relu", "Exp", "Tanh", "Erf", "Sigmoid", "Elu", "Softplus", "LeakyRelu", "Gelu", "Sign"] {
      #expect(try OneNode(op: op).run([x])[0].floats[0].isNaN, "\(op)")
    }
    for op in ["Max", "Min"] { #expect(try OneNode(op: op).run([x, limits[0]])[0].floats[0].isNaN, "\(op)") }
    #expect(try OneNode(op: "Exp").run([x])[0].floats[1...2] == [.infinity, 0])
    #expect(try OneNode(op: "Tanh").run([x])[0].floats[1...2] == [1, -1])
  }

  @Test func dividesIntegersWithoutTrapping() throws {
    var node = OneNode(op: "Div")
    node.firstConstant = 2
    let x = Tensor([Int32.min, 7, -7, 7, 0], shape: [5])
    let y = Tensor([Int32(-1), -1, 2, 0, 3], shape: [5])
    #expect(try node.run([x, y])[0].integers == [Int64(Int32.min), -7, -3, 0, 0])
    node.op = "Mod"
    #expect(try node.run([x, y])[0].integers == [0, 0, 1, 0, 0])
    node.attributes = ["fmod": .int(1)]
    #expect(try node.run([x, y])[0].integers == [0, 0, -1, 0, 0])
    func bytes(_ values: [UInt8]) -> Tensor {
      Tensor(type: .uint8, shape: [values.count], storage: TensorStorage(copying: values))
    }
    for attributes: [String: Attribute] in [[:], ["fmod": .int(1)]] {
      node.attributes = attributes
      #expect(try node.run([bytes([7, 255, 9]), bytes([255, 255, 0])])[0].integers == [7, 0, 0])
    }
    node = OneNode(op: "Div")
    node.firstConstant = 2
    #expect(try node.run([bytes([7, 255, 9]), bytes([255, 255, 0])])[0].integers == [0, 1, 0])
  }

  @Test func shiftsByMoreThanTheWidthGiveZero() throws {
    let x = Tensor(type: .uint32, shape: [3], storage: TensorStorage(copying: [UInt32(1), 5, 6]))
    let y = Tensor(type: .uint32, shape: [3], storage: TensorStorage(copying: [UInt32(31), 32, 4_000_000_000]))
    let result = try OneNode(op: "BitShift", attributes: ["direction": .string("LEFT")]).run([x, y])[0]
    #expect(result.integers == [1 << 31, 0, 0])
  }

  @Test func raisesIntegersExactly() throws {
    let x = Tensor([Int64(3), -2, 2, -1, 0, 10], shape: [6])
    let exponents = Tensor([Int64(39), 63, -1, -3, 0, 18], shape: [6])
    let powers: [Int64] = [4_052_555_153_018_976_267, .min, 0, -1, 1, 1_000_000_000_000_000_000]
    #expect(try OneNode(op: "Pow").run([x, exponents])[0].integers == powers)
    let real = Tensor([Float(2), 2, 3, 2, 0.5, 2], shape: [6])
    #expect(try OneNode(op: "Pow").run([x, real])[0].integers == [9, 4, 8, 1, 0, 100])
  }

  @Test func castsSaturateAndRound() throws {
    func cast(_ x: Tensor, to type: DataType, code: Int64) throws -> Tensor {
      let result = try OneNode(op: "Cast", attributes: ["to": .int(code)]).run([x])[0]
      #expect(result.type == type)
      return result
    }
    let x = Tensor([-1.9, 1.9, 300, 1e20, -1e20, 0.3, .nan], shape: [7])
    #expect(try cast(x, to: .int32, code: 6).integers == [-1, 1, 300, 2_147_483_647, -2_147_483_648, 0, 0])
    #expect(try cast(x, to: .uint8, code: 2).integers == [0, 1, 255, 255, 0, 0, 0])
    #expect(try cast(x, to: .bool, code: 9).integers == [1, 1, 1, 1, 1, 1, 1])
    let halves = try cast(Tensor([1.0004883, 1.0014648, 65519, 65520, 3e-8, 1e-8], shape: [6]), to: .float16, code: 10)
    #expect(halves.floats == [1, 1.0019531, 65504, .infinity, 5.9604645e-8, 0])
    let wide = try cast(Tensor([Int64(257), -1], shape: [2]), to: .uint8, code: 2)
    #expect(wide.integers == [1, 255])
  }
}
