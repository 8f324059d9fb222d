import ModelGraph
import Testing

@testable import InferenceEngine

@Suite struct PoolingTests {
  /// A pooling in full, with its output's spatial extents worked out by hand.
  private struct Case: Sendable, CustomStringConvertible {
    var shape: Shape
    var kernel: [Int]
    var strides: [Int]
    var dilations: [Int]
    var begin: [Int]
    var end: [Int]
    var ceiling = false
    var extents: [Int]

    var description: String { "\(kernel) by \(strides) over \(shape)" }

    var attributes: [String: Attribute] {
      func ints(_ values: [Int]) -> Attribute { .ints(values.map { Int64($0) }) }
      return [
        "kernel_shape": ints(kernel), "strides": ints(strides), "dilations": ints(dilations), "pads": ints(begin + end),
        "ceil_mode": .int(ceiling ? 1 : 0),
      ]
    }
  }

  private static let cases = [
    Case(
      shape: [2, 21, 7, 9], kernel: [3, 2], strides: [2, 1], dilations: [1, 1], begin: [1, 1], end: [1, 0],
      extents: [4, 9]),
    Case(
      shape: [1, 64, 8, 8], kernel: [3, 3], strides: [2, 2], dilations: [1, 1], begin: [0, 0], end: [0, 0],
      ceiling: true, extents: [4, 4]),
    Case(
      shape: [2, 3, 10, 11], kernel: [2, 3], strides: [1, 2], dilations: [3, 2], begin: [2, 0], end: [0, 3],
      extents: [9, 5]),
    Case(
      shape: [2, 16, 5, 6, 7], kernel: [2, 2, 3], strides: [2, 1, 2], dilations: [1, 2, 1], begin: [0, 1, 1],
      end: [1, 0, 1], extents: [3, 5, 4]),
    Case(shape: [3, 5, 19], kernel: [4], strides: [3], dilations: [1], begin: [2], end: [1], extents: [7]),
    Case(
      shape: [1, 1, 7, 7], kernel: [2, 2], strides: [3, 3], dilations: [1, 1], begin: [0, 0], end: [0, 0],
      ceiling: true, extents: [3, 3]),
  ]

  /// Applies `combine` to what each window holds: the elements, and the number of taps inside the padded image.
  private func pooled(_ x: Tensor, _ pooling: Case, combine: ([Double], Int) -> Double) -> [Double] {
    let (values, spatial) = (x.doubles, Array(x.shape[2...]))
    let ones = spatial.map { _ in 1 }
    var result: [Double] = []
    for plane in 0..<x.shape[0] * x.shape[1] {
      for output in tuples(pooling.extents) {
        var taps: [Double] = []
        var inPadding = 0
        for tap in tuples(pooling.kernel) {
          let place = ones.indices.map {
            output[$0] * pooling.strides[$0] - pooling.begin[$0] + tap[$0] * pooling.dilations[$0]
          }
          if place.indices.allSatisfy({ place[$0] < spatial[$0] + pooling.end[$0] }) { inPadding += 1 }
          guard place.indices.allSatisfy({ place[$0] >= 0 && place[$0] < spatial[$0] }) else { continue }
          let offset = zip(place, spatial.rowMajorStrides).reduce(0) { $0 + $1.0 * $1.1 }
          taps.append(values[plane * spatial.elementCount + offset])
        }
        result.append(combine(taps, inPadding))
      }
    }
    return result
  }

  private func tuples(_ shape: Shape) -> [[Int]] {
    shape.reduce([[]]) { tuples, extent in tuples.flatMap { tuple in (0..<extent).map { tuple + [$0] } } }
  }

  @Test(arguments: OneNode.Variant.all)
  func poolsAgreeWithTheirDefinitions(variant: OneNode.Variant) throws {
    for pooling in Self.cases {
      let x = Tensor.numbers(pooling.shape)
      let shape = Array(pooling.shape[..<2]) + pooling.extents
      var node = OneNode(op: "MaxPool", attributes: pooling.attributes).with(variant)
      let maximum = pooled(x, pooling) { taps, _ in taps.max() ?? .nan }
      #expect(try node.run([x])[0].distance(from: maximum, shape: shape) == 0, "maximum of \(pooling)")
      node.op = "AveragePool"
      let average = pooled(x, pooling) { taps, _ in taps.reduce(0, +) / Double(taps.count) }
      #expect(try node.run([x])[0].distance(from: average, shape: shape) < 5e-7, "average of \(pooling)")
      node.attributes["count_include_pad"] = .int(1)
      let padded = pooled(x, pooling) { taps, count in taps.reduce(0, +) / Double(count) }
      #expect(try node.run([x])[0].distance(from: padded, shape: shape) < 5e-7, "average with padding of \(pooling)")
    }
  }

  @Test(arguments: OneNode.Variant.all)
  func maximumOfBytes(variant: OneNode.Variant) throws {
    let pooling = Self.cases[0]
    for type in [DataType.int8, .uint8] {
      let bytes = Tensor.numbers(pooling.shape).floats.map { UInt8(bitPattern: Int8($0 * 60)) }
      let x = Tensor(type: type, shape: pooling.shape, storage: TensorStorage(copying: bytes))
      let y = try OneNode(op: "MaxPool", attributes: pooling.attributes).with(variant).run([x])[0]
      #expect(y.type == type)
      let maximum = pooled(x, pooling) { taps, _ in taps.max() ?? .nan }
      #expect(y.distance(from: maximum, shape: [2, 21] + pooling.extents) == 0, "\(type)")
    }
  }

  @Test func samePaddingKeepsTheExtentsOfStrideOne() throws {
    for (padding, begin) in [("SAME_UPPER", 0), ("SAME_LOWER", 1)] {
      let x = Tensor.numbers([1, 4, 5, 5])
      let node = OneNode(
        op: "MaxPool",
        attributes: ["kernel_shape": .ints([2, 2]), "auto_pad": .string(padding)])
      let pooling = Case(
        shape: x.shape, kernel: [2, 2], strides: [1, 1], dilations: [1, 1], begin: [begin, begin],
        end: [1 - begin, 1 - begin], extents: [5, 5])
      let maximum = pooled(x, pooling) { taps, _ in taps.max() ?? .nan }
      #expect(try node.run([x])[0].distance(from: maximum, shape: x.shape) == 0, "\(padding)")
    }
  }

  @Test(arguments: OneNode.Variant.all)
  func globalPoolsTakeTheWholeImage(variant: OneNode.Variant) throws {
    for shape in [[2, 37, 7, 7], [3, 5, 11], [1, 16, 2, 3, 4], [2, 1000, 1, 1]] {
      let x = Tensor.numbers(shape)
      let spatial = Array(shape[2...])
      let ones = spatial.map { _ in 1 }
      let pooling = Case(
        shape: shape, kernel: spatial, strides: ones, dilations: ones, begin: ones.map { _ in 0 },
        end: ones.map { _ in 0 }, extents: ones)
      let average = pooled(x, pooling) { taps, count in taps.reduce(0, +) / Double(count) }
      let mean = try OneNode(op: "GlobalAveragePool").with(variant).run([x])[0]
      #expect(mean.distance(from: average, shape: shape[..<2] + ones) < 5e-7, "\(shape)")
      let maximum = pooled(x, pooling) { taps, _ in taps.max() ?? .nan }
      let most = try OneNode(op: "GlobalMaxPool").with(variant).run([x])[0]
      #expect(most.distance(from: maximum, shape: shape[..<2] + ones) == 0, "\(shape)")
    }
  }

  @Test func bitsDoNotDependOnBatchOrKernels() throws {
    let x = Tensor.numbers([4, 21, 7, 9])
    for (op, attributes) in [("AveragePool", Self.cases[0].attributes), ("GlobalAveragePool", [:])] {
      var reference: [UInt8]?
      for variant in OneNode.Variant.all {
        let node = OneNode(op: op, attributes: attributes).with(variant)
        let whole = try node.run([x])[0].bytes
        #expect(whole == reference ?? whole, "\(op), \(variant)")
        reference = whole
        let single = try (0..<4).flatMap { try node.run([x.items($0..<$0 + 1)])[0].bytes }
        #expect(single == whole, "\(op), \(variant)")
      }
    }
  }

  @Test func windowsBeyondThirtyTwoBitsAreRefused() {
    let node = OneNode(
      op: "AveragePool",
      attributes: [
        "kernel_shape": .ints([1_500_000_000, 2]), "pads": .ints([1_400_000_000, 0, 1_400_000_000, 0]),
        "strides": .ints([1_000_000_000, 1]),
      ])
    #expect(throws: EngineError.self) { try node.run([Tensor.numbers([1, 1, 4, 4])]) }
  }
}
