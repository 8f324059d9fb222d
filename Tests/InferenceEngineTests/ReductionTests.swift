import Foundation
import ModelGraph
import Testing

@testable import InferenceEngine

@Suite struct ReductionTests {
  private static let reductions: [String: @Sendable ([Double]) -> Double] = [
    "ReduceSum": { $0.reduce(0, +) },
    "ReduceMean": { $0.reduce(0, +) / Double($0.count) },
    "ReduceProd": { $0.reduce(1, *) },
    "ReduceMax": { $0.max() ?? -.infinity },
    "ReduceMin": { $0.min() ?? .infinity },
    "ReduceL1": { $0.reduce(0) { $0 + abs($1) } },
    "ReduceL2": { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() },
    "ReduceSumSquare": { $0.reduce(0) { $0 + $1 * $1 } },
    "ReduceLogSum": { log($0.reduce(0, +)) },
    "ReduceLogSumExp": { log($0.reduce(0) { $0 + exp($1) }) },
  ]

  private func expected(_ op: String, _ x: Tensor, axes: [Int], keepsDimensions: Bool) -> ([Double], Shape) {
    let kept = x.shape.indices.filter { !axes.contains($0) }
    let (strides, values) = (x.shape.rowMajorStrides, x.doubles)
    let set = axes.map { x.shape[$0] }.indices(strides: axes.map { strides[$0] })
    let result = kept.map { x.shape[$0] }.indices(strides: kept.map { strides[$0] }).map { start in
      Self.reductions[op]!(set.map { values[start + $0] })
    }
    let shape = x.shape.indices.compactMap { axes.contains($0) ? (keepsDimensions ? 1 : nil) : x.shape[$0] }
    return (result, shape)
  }

  private static let cases: [(shape: Shape, axes: [Int])] = [
    ([3, 37, 5, 7], [2, 3]), ([3, 37, 5, 7], [1]), ([3, 37, 5, 7], [3]), ([3, 37, 5, 7], [0, 2]),
    ([3, 6, 5, 7], [1, 3]), ([2, 3, 5, 2], [0, 1, 2, 3]), ([2, 33, 1, 1], [2, 3]), ([4, 130], [1]), ([130, 4], [0]),
    ([1, 1], [0]), ([17], [0]), ([2, 16, 7, 7], [2, 3]), ([2, 2, 3, 2, 3, 2], [1, 3, 5]),
  ]

  @Test(arguments: OneNode.Variant.all)
  func everyReductionAgreesWithItsDefinition(variant: OneNode.Variant) throws {
    for op in Self.reductions.keys.sorted() {
      for (index, (shape, axes)) in Self.cases.enumerated() {
        var x = Tensor.numbers(shape, seed: UInt64(index + 1))
        if op == "ReduceLogSum" { x = Tensor(x.floats.map(abs), shape: shape) }
        let node = OneNode(op: op, attributes: ["keepdims": .int(Int64(index % 2))]).with(variant)
        let (values, expectedShape) = expected(op, x, axes: axes, keepsDimensions: index % 2 == 1)
        let axesTensor = Tensor(axes.map { Int64($0) }, shape: [axes.count])
        let y = try node.run([x, axesTensor])[0]
        let distance = y.distance(from: values, shape: expectedShape)
        #expect(distance < 3e-6, "\(op) of \(shape) over \(axes): \(y.shape)")
      }
    }
  }

  @Test func sumsDoNotDependOnLayoutBatchOrKernel() throws {
    let x = Tensor.numbers([5, 37, 7, 9])
    let axes = Tensor([Int64(2), 3], shape: [2])
    for op in ["ReduceMean", "ReduceL2", "ReduceProd"] {
      var reference: [UInt8]?
      for variant in OneNode.Variant.all {
        let node = OneNode(op: op).with(variant)
        let whole = try node.run([x, axes])[0].bytes
        #expect(whole == reference ?? whole, "\(op), \(variant)")
        reference = whole
        let single = try (0..<5).flatMap { try node.run([x.items($0..<$0 + 1), axes])[0].bytes }
        #expect(single == whole, "\(op) item by item, \(variant)")
      }
    }
  }

  @Test func noAxesMeanAllAxesOrNone() throws {
    let x = Tensor.numbers([2, 3])
    let all = try OneNode(op: "ReduceSum").run([x])[0]
    #expect(all.shape == [1, 1])
    #expect(abs(all.doubles[0] - x.doubles.reduce(0, +)) < 1e-5)
    let noop = OneNode(op: "ReduceSum", attributes: ["noop_with_empty_axes": .int(1)])
    #expect(try noop.run([x, Tensor([Int64](), shape: [0])])[0].bytes == x.bytes)
    let squares = OneNode(op: "ReduceSumSquare", attributes: ["noop_with_empty_axes": .int(1)])
    #expect(try squares.run([x])[0].floats == x.floats.map { $0 * $0 })
  }

  @Test func emptySetsReduceToTheNeutralElement() throws {
    let x = Tensor([Float](), shape: [2, 0, 3])
    let neutral: [String: Float] = [
      "ReduceSum": 0, "ReduceProd": 1, "ReduceMax": -.infinity, "ReduceMin": .infinity, "ReduceL1": 0, "ReduceL2": 0,
      "ReduceSumSquare": 0, "ReduceLogSum": -.infinity, "ReduceLogSumExp": -.infinity,
    ]
    for (op, value) in neutral.sorted(by: { $0.key < $1.key }) {
      let y = try OneNode(op: op).run([x, Tensor([Int64(1)], shape: [1])])[0]
      #expect(y.shape == [2, 1, 3])
      #expect(y.floats == [Float](repeating: value, count: 6), "\(op)")
    }
  }

  @Test func integersStayIntegers() throws {
    let values: [Int32] = [7, -3, 2, 9, -8, 4]
    let axes = Tensor([Int64(1)], shape: [1])
    let cases: [(String, [Int64])] = [
      ("ReduceSum", [6, 5]), ("ReduceMean", [2, 1]), ("ReduceProd", [-42, -288]), ("ReduceMax", [7, 9]),
      ("ReduceMin", [-3, -8]), ("ReduceL1", [12, 21]), ("ReduceL2", [7, 12]), ("ReduceSumSquare", [62, 161]),
    ]
    for (op, expected) in cases {
      let narrow = try OneNode(op: op).run([Tensor(values, shape: [2, 3]), axes])[0]
      #expect(narrow.type == .int32 && narrow.integers == expected, "\(op) of int32")
      let wide = try OneNode(op: op).run([Tensor(values.map { Int64($0) }, shape: [2, 3]), axes])[0]
      #expect(wide.type == .int64 && wide.integers == expected, "\(op) of int64")
    }
    for type in [DataType.int8, .uint8] {
      let bytes = Tensor(type: type, shape: [2, 3], storage: TensorStorage(copying: values.map { UInt8($0 & 63) }))
      let most = try OneNode(op: "ReduceMax").run([bytes, axes])[0]
      #expect(most.type == type && most.integers == [61, 56])
    }
  }

  @Test func infinitiesAndNotANumberPassThrough() throws {
    let x = Tensor([-.infinity, -.infinity, 1, .infinity, 1, .nan], shape: [3, 2])
    let axes = Tensor([Int64(1)], shape: [1])
    let sums = try OneNode(op: "ReduceLogSumExp").run([x, axes])[0].floats
    #expect(sums[0] == -.infinity && sums[1] == .infinity && sums[2].isNaN)
    #expect(try OneNode(op: "ReduceMax").run([x, axes])[0].floats[2].isNaN)
  }
}
