import Foundation
import ModelGraph
import Testing

@testable import InferenceEngine

/// Matrix products with constant weights, and attention, against the definition in double precision.
@Suite struct LinearTests {
  struct Product: Sendable, CustomStringConvertible {
    var rows: Int
    var depth: Int
    var columns: Int
    var transposed = false
    var residual = false
    var activation: Activation?

    var description: String { "\(rows)×\(depth)×\(columns)\(transposed ? " transposed" : "")" }
  }

  private static let products = [
    Product(rows: 1, depth: 33, columns: 3),
    Product(rows: 7, depth: 20, columns: 64, activation: Activation(.gelu)),
    Product(rows: 13, depth: 65, columns: 50, transposed: true, residual: true, activation: Activation(.relu)),
    Product(rows: 40, depth: 1100, columns: 17, transposed: true),
    Product(rows: 5, depth: 2100, columns: 33, residual: true, activation: Activation(.tanh)),
  ]

  @Test(arguments: products, [KernelTarget.Family.cpu, .gpu])
  func multipliesByConstantMatrices(_ product: Product, family: KernelTarget.Family) throws {
    let (m, k, n) = (product.rows, product.depth, product.columns)
    let a = Tensor.numbers([m, k], seed: 1)
    let b = Tensor.numbers(product.transposed ? [n, k] : [k, n], seed: 2)
    let bias = Tensor.numbers([n], seed: 3)
    let residual = product.residual ? Tensor.numbers([m, n], seed: 4) : nil
    var attributes = product.activation?.attributes ?? [:]
    if product.transposed { attributes["transB"] = .int(1) }
    var node = OneNode(op: FusedOperator.gemm.rawValue, domain: .apparate, opset: 1, attributes: attributes)
    (node.family, node.constants) = (family, [1, 2])
    let result = try node.run([a, b, bias, residual])[0]

    let (left, right, biases, added) = (a.doubles, b.doubles, bias.doubles, residual?.doubles)
    var expected: [Double] = []
    for row in 0..<m {
      for column in 0..<n {
        var sum = biases[column] + (added?[row * n + column] ?? 0)
        for inner in 0..<k {
          sum += left[row * k + inner] * right[product.transposed ? column * k + inner : inner * n + column]
        }
        expected.append(product.activation.map { $0.applied(to: sum) } ?? sum)
      }
    }
    #expect(result.shape == [m, n])
    let worst = zip(result.doubles, expected).map { abs($0 - $1) }.max() ?? 0
    #expect(worst <= 1e-5 * Double(k).squareRoot(), "differs by \(worst)")
  }

  @Test(arguments: [KernelTarget.Family.cpu, .gpu])
  func multipliesComputedMatrices(family: KernelTarget.Family) throws {
    let (left, right): (Shape, Shape) = ([2, 1, 13, 21], [3, 21, 18])
    let a = Tensor.numbers(left, seed: 1)
    let b = Tensor.numbers(right, seed: 2)
    var node = OneNode(op: "MatMul")
    (node.family, node.constants) = (family, [])
    let result = try node.run([a, b])[0]
    let (x, y) = (a.doubles, b.doubles)
    var expected: [Double] = []
    for (item, matrix) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
      for row in 0..<13 {
        for column in 0..<18 {
          expected.append(
            (0..<21).reduce(0) { $0 + x[(item * 13 + row) * 21 + $1] * y[(matrix * 21 + $1) * 18 + column] })
        }
      }
    }
    #expect(result.distance(from: expected, shape: [2, 3, 13, 18]) <= 1e-4)
  }

  struct Heads: Sendable, CustomStringConvertible {
    var items: Int
    var queries: Int
    var keys: Int
    var heads: Int
    var depth: Int
    var mask: Shape?

    var description: String { "\(items)×\(heads) heads, \(queries)×\(keys)×\(depth)" }
  }

  private static let attentions = [
    Heads(items: 1, queries: 5, keys: 5, heads: 2, depth: 8),
    Heads(items: 2, queries: 17, keys: 17, heads: 3, depth: 16, mask: [2, 1, 1, 17]),
    Heads(items: 1, queries: 9, keys: 33, heads: 2, depth: 20, mask: [1, 1, 9, 33]),
    Heads(items: 2, queries: 12, keys: 12, heads: 1, depth: 7),
  ]

  @Test(arguments: attentions, [KernelTarget.Family.cpu, .gpu])
  func attends(_ shape: Heads, family: KernelTarget.Family) throws {
    let width = shape.heads * shape.depth
    let q = Tensor.numbers([shape.items, shape.queries, width], seed: 1)
    let k = Tensor.numbers([shape.items, shape.keys, width], seed: 2)
    let v = Tensor.numbers([shape.items, shape.keys, width], seed: 3)
    let mask = shape.mask.map { Tensor.numbers($0, seed: 4) }
    let scale = 1 / Double(shape.depth).squareRoot()
    var node = OneNode(
      op: FusedOperator.attention.rawValue, domain: .apparate, opset: 1,
      attributes: [
        "num_heads": .int(Int64(shape.heads)), "scale": .float(Float(scale)),
      ])
    (node.family, node.constants) = (family, [])
    let result = try node.run([q, k, v, mask])[0]

    let (queries, keys, values, masks) = (q.doubles, k.doubles, v.doubles, mask?.doubles)
    var expected = [Double](repeating: 0, count: shape.items * shape.queries * width)
    for item in 0..<shape.items {
      for head in 0..<shape.heads {
        for query in 0..<shape.queries {
          var weights = (0..<shape.keys).map { key -> Double in
            var score = 0.0
            for d in 0..<shape.depth {
              score +=
                queries[(item * shape.queries + query) * width + head * shape.depth + d]
                * keys[(item * shape.keys + key) * width + head * shape.depth + d]
            }
            let rows = shape.mask?[2] == 1 ? 1 : shape.queries
            let items = shape.mask?[0] == 1 ? 0 : item
            return score * scale + (masks?[(items * rows + (rows == 1 ? 0 : query)) * shape.keys + key] ?? 0)
          }
          let most = weights.max() ?? 0
          weights = weights.map { exp($0 - most) }
          let total = weights.reduce(0, +)
          for d in 0..<shape.depth {
            let place = (item * shape.queries + query) * width + head * shape.depth + d
            for key in 0..<shape.keys {
              expected[place] +=
                weights[key] / total * values[(item * shape.keys + key) * width + head * shape.depth + d]
            }
          }
        }
      }
    }
    #expect(result.shape == [shape.items, shape.queries, width])
    let worst = zip(result.doubles, expected).map { abs($0 - $1) }.max() ?? 0
    #expect(worst <= 2e-5, "differs by \(worst)")
  }
}
