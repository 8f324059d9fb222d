import ModelGraph
import Testing

@testable import InferenceEngine

@Suite struct MovementTests {
  private static let types: [DataType] = [.uint8, .int16, .float32, .int64]

  /// Distinct elements, as far as the type can tell them apart.
  private static func counting(_ shape: Shape, type: DataType = .float32) -> Tensor {
    let numbers = (0..<shape.elementCount).map { $0 % 251 }
    let storage =
      switch type {
      case .float32: TensorStorage(copying: numbers.map { Float($0) })
      case .int64: TensorStorage(copying: numbers.map { Int64($0) })
      case .int16: TensorStorage(copying: numbers.map { Int16($0) })
      default: TensorStorage(copying: numbers.map { UInt8($0) })
      }
    return Tensor(type: type, shape: shape, storage: storage)
  }

  /// The elements of `x` at the places that `place` gives for each index of `shape`; `otherwise` where it gives `nil`.
  private static func picked(
    _ x: Tensor, shape: Shape, otherwise: Double = 7, _ place: ([Int]) -> [Int]?
  ) -> [Double] {
    let (values, strides) = (x.doubles, x.shape.rowMajorStrides)
    return (0..<shape.elementCount).map { flat in
      let index = zip(shape, shape.rowMajorStrides).map { flat / $1 % $0 }
      return place(index).map { values[zip($0, strides).reduce(0) { $0 + $1.0 * $1.1 }] } ?? otherwise
    }
  }

  @Test(arguments: [KernelTarget.Family.cpu, .gpu], types)
  func transposesEveryWay(family: KernelTarget.Family, type: DataType) throws {
    let orders = [
      [0, 1, 2, 3], [0, 2, 3, 1], [0, 3, 1, 2], [3, 2, 1, 0], [1, 0, 3, 2], [0, 2, 1, 3], [2, 3, 0, 1],
    ]
    for shape in [[2, 19, 9, 37], [1, 3, 33, 5], [3, 16, 1, 24], [1, 64, 1, 8]] {
      let x = Self.counting(shape, type: type)
      for order in orders {
        var node = OneNode(op: "Transpose", attributes: ["perm": .ints(order.map { Int64($0) })])
        node.family = family
        let y = try node.run([x])[0]
        #expect(y.bytes == x.permuted(order).bytes, "\(shape) in order \(order)")
      }
    }
  }

  @Test(arguments: OneNode.Variant.all)
  func reshapesInRowMajorOrderWhateverTheLayout(variant: OneNode.Variant) throws {
    let x = Self.counting([2, 6, 4, 5])
    for shape in [[2, 120], [240], [2, 3, 2, 20], [12, 4, 5], [2, 6, 20], [4, 60], [1, 240, 1]] {
      let y = try OneNode(op: "Reshape").with(variant).run([x, Tensor(shape.map { Int64($0) }, shape: [shape.count])])[
        0]
      #expect(y.shape == shape && y.floats == x.floats, "to \(shape)")
    }
  }

  @Test(arguments: OneNode.Variant.all)
  func slicesForwardAndBackward(variant: OneNode.Variant) throws {
    let x = Self.counting([2, 6, 7, 5])
    let operands = [[1, 5, 0], [6, -8, 5], [1, 2, 3], [2, -2, 3]].map { Tensor($0.map { Int64($0) }, shape: [3]) }
    let y = try OneNode(op: "Slice").with(variant).run([x] + operands)[0]
    #expect(y.shape == [2, 3, 3, 2])
    let expected = Self.picked(x, shape: y.shape) { [$0[0], 1 + 2 * $0[1], 5 - 2 * $0[2], 3 * $0[3]] }
    #expect(y.doubles == expected)
  }

  @Test(arguments: OneNode.Variant.all)
  func padsInEveryMode(variant: OneNode.Variant) throws {
    let x = Self.counting([2, 5, 4, 6])
    for (begins, ends) in [
      ([0, 0, 1, 2], [0, 0, 3, 1]), ([1, 2, 0, 3], [0, 1, 2, 2]), ([0, -1, 1, -2], [1, 0, -1, 2]),
    ] {
      let shape = x.shape.indices.map { x.shape[$0] + begins[$0] + ends[$0] }
      for mode in ["constant", "reflect", "edge", "wrap"] {
        let pads = Tensor((begins + ends).map { Int64($0) }, shape: [8])
        let node = OneNode(op: "Pad", attributes: ["mode": .string(mode)]).with(variant)
        guard mode != "reflect" || begins[0] + ends[0] < 2 else { continue }
        let y = try node.run([x, pads, mode == "constant" ? Tensor([Float(7)], shape: []) : nil])[0]
        let expected = Self.picked(x, shape: shape) { index in
          var place: [Int] = []
          for axis in index.indices {
            // Negative pads take elements away first; the modes look at what is left.
            let cut = max(0, -begins[axis])
            let extent = x.shape[axis] - cut - max(0, -ends[axis])
            var i = index[axis] - max(0, begins[axis])
            switch mode {
            case "edge": i = max(0, min(extent - 1, i))
            case "wrap": i = (i % extent + extent) % extent
            case "reflect": i = i < 0 ? -i : i >= extent ? 2 * (extent - 1) - i : i
            default: if i < 0 || i >= extent { return nil }
            }
            place.append(i + cut)
          }
          return place
        }
        #expect(y.shape == shape && y.doubles == expected, "\(mode) by \(begins) and \(ends)")
      }
    }
  }

  @Test func wrapsSeveralTimesAround() throws {
    let y = try OneNode(op: "Pad", attributes: ["mode": .string("wrap")])
      .run([Tensor([Float(1), 2, 3], shape: [3]), Tensor([Int64(8), 7], shape: [2])])[0]
    let expected: [Float] = (0..<18).map { Float(($0 + 1) % 3 + 1) }
    #expect(y.floats == expected)
  }

  @Test(arguments: OneNode.Variant.all)
  func tilesAlongEveryAxis(variant: OneNode.Variant) throws {
    let x = Self.counting([2, 3, 4, 5])
    for repeats in [[1, 1, 1, 1], [2, 1, 3, 1], [2, 3, 2, 4], [1, 2, 0, 1]] {
      let shape = zip(x.shape, repeats).map { $0 * $1 }
      let y = try OneNode(op: "Tile").with(variant).run([x, Tensor(repeats.map { Int64($0) }, shape: [4])])[0]
      #expect(y.shape == shape && y.doubles == Self.picked(x, shape: shape) { zip($0, x.shape).map { $0 % $1 } })
    }
  }

  @Test func tilesWithMoreLoopsThanAKernelTakes() throws {
    let x = Self.counting([2, 2, 2, 2, 2, 2])
    let y = try OneNode(op: "Tile").run([x, Tensor([Int64](repeating: 2, count: 6), shape: [6])])[0]
    let expected = Self.picked(x, shape: y.shape) { $0.map { $0 % 2 } }
    #expect(y.doubles == expected)
  }

  @Test(arguments: OneNode.Variant.all, ["DCR", "CRD"])
  func turnsChannelsIntoPixelsAndBack(variant: OneNode.Variant, mode: String) throws {
    let x = Self.counting([2, 12, 3, 5])
    let toSpace = OneNode(op: "DepthToSpace", attributes: ["blocksize": .int(2), "mode": .string(mode)])
    let y = try toSpace.with(variant).run([x])[0]
    let expected = Self.picked(x, shape: [2, 3, 6, 10]) { i in
      let (block, channel) = (i[2] % 2 * 2 + i[3] % 2, i[1])
      return [i[0], mode == "DCR" ? block * 3 + channel : channel * 4 + block, i[2] / 2, i[3] / 2]
    }
    #expect(y.shape == [2, 3, 6, 10] && y.doubles == expected)
    guard mode == "DCR" else { return }
    let back = try OneNode(op: "SpaceToDepth", attributes: ["blocksize": .int(2)]).with(variant).run([y])[0]
    #expect(back.shape == x.shape && back.bytes == x.bytes)
  }

  @Test(arguments: OneNode.Variant.all, [0, 1, 2, 3])
  func splitsAndJoins(variant: OneNode.Variant, axis: Int) throws {
    let x = Self.counting([3, 7, 4, 5])
    var split = OneNode(op: "Split", attributes: ["axis": .int(Int64(axis)), "num_outputs": .int(2)]).with(variant)
    split.outputs = 2
    let pieces = try split.run([x])
    #expect(pieces.map { $0.shape[axis] } == [(x.shape[axis] + 1) / 2, x.shape[axis] / 2])
    var join = OneNode(op: "Concat", attributes: ["axis": .int(Int64(axis))]).with(variant)
    join.firstConstant = 2
    #expect(try join.run(pieces)[0].bytes == x.bytes)
  }

  @Test(arguments: [KernelTarget.Family.cpu, .gpu], [-9, -1, 0, 2, 9])
  func keepsOneTriangle(family: KernelTarget.Family, shift: Int) throws {
    let x = Self.counting([2, 4, 5])
    for upper in [true, false] {
      var node = OneNode(op: "Trilu", attributes: ["upper": .int(upper ? 1 : 0)])
      node.family = family
      let y = try node.run([x, Tensor([Int64(shift)], shape: [])])[0]
      let kept = Self.picked(x, shape: x.shape, otherwise: 0) {
        (upper ? $0[2] >= $0[1] + shift : $0[2] <= $0[1] + shift) ? $0 : nil
      }
      #expect(y.doubles == kept)
    }
  }

  @Test(arguments: OneNode.Variant.all)
  func resizesToTheNearestElement(variant: OneNode.Variant) throws {
    let x = Self.counting([2, 5, 4, 6])
    let attributes: [String: Attribute] = [
      "coordinate_transformation_mode": .string("asymmetric"), "nearest_mode": .string("floor"),
    ]
    // Repetition, slice, and neither.
    for (height, width) in [(8, 18), (2, 3), (5, 4)] {
      let sizes = Tensor([2, 5, height, width].map { Int64($0) }, shape: [4])
      let y = try OneNode(op: "Resize", attributes: attributes).with(variant).run([x, nil, nil, sizes])[0]
      let expected = Self.picked(x, shape: y.shape) { [$0[0], $0[1], $0[2] * 4 / height, $0[3] * 6 / width] }
      #expect(y.shape == [2, 5, height, width] && y.doubles == expected)
    }
  }

  @Test(arguments: OneNode.Variant.all)
  func interpolatesBothAxes(variant: OneNode.Variant) throws {
    let x = Tensor.numbers([2, 5, 4, 6])
    let sizes = Tensor([Int64(2), 5, 7, 9], shape: [4])
    let node = OneNode(op: "Resize", attributes: ["mode": .string("linear")]).with(variant)
    let y = try node.run([x, nil, nil, sizes])[0]
    func taps(_ i: Int, _ from: Int, _ to: Int) -> (Int, Int, Double) {
      let place = max(0, min(Double(from - 1), (Double(i) + 0.5) * Double(from) / Double(to) - 0.5))
      return (Int(place), min(Int(place) + 1, from - 1), place - place.rounded(.down))
    }
    let values = x.doubles
    let expected = (0..<y.elementCount).map { flat -> Double in
      let (image, row, column) = (flat / 63 * 24, taps(flat / 9 % 7, 4, 7), taps(flat % 9, 6, 9))
      func at(_ r: Int, _ c: Int) -> Double { values[image + r * 6 + c] }
      let top = at(row.0, column.0) * (1 - column.2) + at(row.0, column.1) * column.2
      let bottom = at(row.1, column.0) * (1 - column.2) + at(row.1, column.1) * column.2
      return top * (1 - row.2) + bottom * row.2
    }
    #expect(y.distance(from: expected, shape: [2, 5, 7, 9]) < 1e-5)
  }
}
