import ModelGraph
import Testing

@testable import InferenceEngine

@Suite struct IndexingTests {
  private static let families: [KernelTarget.Family] = [.cpu, .gpu]

  @Test(arguments: OneNode.Variant.all, [0, 1, 2, 3])
  func gathersAlongEveryAxisAndClampsWhatIsOutside(variant: OneNode.Variant, axis: Int) throws {
    let x = Tensor.numbers([4, 5, 6, 7])
    let given: [Int64] = [2, -1, 0, 100, -100, 3]
    let picks = given.map { Int(max(0, min(Int64(x.shape[axis]) - 1, $0 < 0 ? $0 + Int64(x.shape[axis]) : $0))) }
    var node = OneNode(op: "Gather", attributes: ["axis": .int(Int64(axis))]).with(variant)
    node.firstConstant = 2
    let y = try node.run([x, Tensor(given, shape: [2, 3])])[0]
    let (outer, inner) = (x.shape[..<axis].reduce(1, *), x.shape[(axis + 1)...].reduce(1, *))
    let values = x.floats
    let expected = (0..<outer).flatMap { o in
      picks.flatMap { pick in (0..<inner).map { values[(o * x.shape[axis] + pick) * inner + $0] } }
    }
    var shape = x.shape
    shape.replaceSubrange(axis...axis, with: [2, 3])
    #expect(y.shape == shape && y.floats == expected)
  }

  @Test func oneKnownIndexIsASlice() throws {
    let x = Tensor.numbers([3, 4, 5])
    let y = try OneNode(op: "Gather", attributes: ["axis": .int(1)]).run([x, Tensor([Int64(-1)], shape: [])])[0]
    let expected: [Float] = (0..<3).flatMap { Array(x.floats[($0 * 20 + 15)..<($0 * 20 + 20)]) }
    #expect(y.shape == [3, 5] && y.floats == expected)
    let kept = try OneNode(op: "Gather", attributes: ["axis": .int(1)]).run([x, Tensor([Int64(3)], shape: [1, 1])])[0]
    #expect(kept.shape == [3, 1, 1, 5] && kept.floats == y.floats)
  }

  @Test(arguments: OneNode.Variant.all)
  func gathersElements(variant: OneNode.Variant) throws {
    let x = Tensor.numbers([2, 3, 4])
    var node = OneNode(op: "GatherElements", attributes: ["axis": .int(1)]).with(variant)
    node.firstConstant = 2
    let indices: [Int32] = [0, 1, 2, -1, 9, -9, 0, 0]
    let y = try node.run([x, Tensor(indices, shape: [2, 1, 4])])[0]
    let rows = [0, 1, 2, 2, 2, 0, 0, 0]
    let expected: [Float] = (0..<8).map { x.floats[$0 / 4 * 12 + rows[$0] * 4 + $0 % 4] }
    #expect(y.floats == expected)
  }

  @Test(arguments: families)
  func gathersByTuples(family: KernelTarget.Family) throws {
    let x = Tensor.numbers([2, 3, 4, 5])
    var node = OneNode(op: "GatherND", attributes: ["batch_dims": .int(1)])
    (node.firstConstant, node.family) = (2, family)
    let y = try node.run([x, Tensor([Int64(0), 1, -1, 99, 2, -4, 1, 0], shape: [2, 2, 2])])[0]
    // Rows of 5: batch * 12 + first * 4 + second.
    let rows: [Int] = [1, 11, 20, 16]
    let expected: [Float] = rows.flatMap { Array(x.floats[($0 * 5)..<($0 * 5 + 5)]) }
    #expect(y.shape == [2, 2, 5] && y.floats == expected)
  }

  @Test(arguments: families, [true, false])
  func ranksLikeAStableSort(family: KernelTarget.Family, largest: Bool) throws {
    for (shape, axis, k) in [
      ([3, 50, 4], 1, 7), ([3, 50, 4], 1, 50), ([2, 300], 1, 40), ([9], 0, 1), ([4, 5], 0, 0),
    ] {
      // Few distinct values: many ties.
      let x = Tensor(Tensor.numbers(shape).floats.map { ($0 * 4).rounded() }, shape: shape)
      var node = OneNode(op: "TopK", attributes: ["axis": .int(Int64(axis)), "largest": .int(largest ? 1 : 0)])
      (node.outputs, node.family) = (2, family)
      let results = try node.run([x, Tensor([Int64(k)], shape: [1])])
      let (values, inner) = (x.floats, shape[(axis + 1)...].reduce(1, *))
      var (expected, places) = ([Float](repeating: 0, count: results[0].elementCount), [Int64]())
      places = expected.map { _ in 0 }
      for set in 0..<(shape[..<axis].reduce(inner, *)) {
        let (start, to) = (set / inner * shape[axis] * inner + set % inner, set / inner * k * inner + set % inner)
        let order = (0..<shape[axis]).sorted {
          let (a, b) = (values[start + $0 * inner], values[start + $1 * inner])
          return a == b ? $0 < $1 : (a > b) == largest
        }
        for i in 0..<k {
          expected[to + i * inner] = values[start + order[i] * inner]
          places[to + i * inner] = Int64(order[i])
        }
      }
      #expect(results[0].floats == expected && results[1].integers == places, "\(k) of \(shape)")
    }
  }

  @Test(arguments: OneNode.Variant.all)
  func findsTheFirstOrLastExtreme(variant: OneNode.Variant) throws {
    let x = Tensor(Tensor.numbers([2, 9, 3, 4]).floats.map { ($0 * 2).rounded() }, shape: [2, 9, 3, 4])
    for (op, last) in [("ArgMax", false), ("ArgMax", true), ("ArgMin", false), ("ArgMin", true)] {
      for axis in 0..<4 {
        let y = try OneNode(
          op: op, attributes: ["axis": .int(Int64(axis)), "select_last_index": .int(last ? 1 : 0), "keepdims": .int(0)]
        ).with(variant).run([x])[0]
        let inner = x.shape[(axis + 1)...].reduce(1, *)
        let expected = (0..<y.elementCount).map { flat -> Int64 in
          let set = (0..<x.shape[axis]).map { x.floats[(flat / inner * x.shape[axis] + $0) * inner + flat % inner] }
          let best = op == "ArgMax" ? set.max() : set.min()
          return Int64((last ? set.lastIndex(of: best!) : set.firstIndex(of: best!))!)
        }
        #expect(y.integers == expected, "\(op) along \(axis)")
      }
    }
  }

  @Test(arguments: families)
  func sumsUpInEitherDirection(family: KernelTarget.Family) throws {
    let x = Tensor([Int32(1), 2, 3, 4, 5, 6], shape: [2, 3])
    let expected: [([Int64], Int64, Int64)] = [
      ([1, 3, 6, 4, 9, 15], 0, 0), ([0, 1, 3, 0, 4, 9], 1, 0), ([6, 5, 3, 15, 11, 6], 0, 1),
      ([5, 3, 0, 11, 6, 0], 1, 1),
    ]
    for (sums, exclusive, reverse) in expected {
      var node = OneNode(op: "CumSum", attributes: ["exclusive": .int(exclusive), "reverse": .int(reverse)])
      node.family = family
      #expect(try node.run([x, Tensor([Int64(-1)], shape: [])])[0].integers == sums)
    }
  }
}
