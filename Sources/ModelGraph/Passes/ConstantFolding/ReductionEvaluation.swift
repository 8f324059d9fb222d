/// Evaluates reductions and running sums.
enum ReductionEvaluation {
  static let table: [String: Evaluator.Evaluate] = [
    "ReduceSum": reduce, "ReduceProd": reduce, "ReduceMax": reduce, "ReduceMin": reduce, "ReduceMean": reduce,
    "CumSum": cumulativeSum,
  ]

  private static func reduce(_ context: NodeContext, _ types: [TensorType]) throws(GraphError) -> [Tensor]? {
    let x = try context.constant(0)
    guard x.type != .uint64 else { return nil }
    let geometry = try ReduceAxes(context)
    let groups = grouped(x, geometry)
    let size = geometry.groupCount
    let count = types[0].shape.elementCount
    let op = context.node.op
    switch Lanes(groups) {
    case .integers(let values):
      let results = reduced(values, groups: count, size: size, op, add: { $0 &+ $1 }, multiply: { $0 &* $1 })
      guard let results else { return nil }
      let means = op == "ReduceMean" ? results.map { $0 / Int64(size) } : results
      return [Lanes.integers(means).tensor(type: x.type, shape: types[0].shape)]
    case let lanes:
      let results = reduced(lanes.doubles, groups: count, size: size, op, add: { $0 + $1 }, multiply: { $0 * $1 })
      guard let results else { return nil }
      let means = op == "ReduceMean" ? results.map { $0 / Double(size) } : results
      return [Lanes.doubles(means).tensor(type: x.type, shape: types[0].shape)]
    }
  }

  /// The elements with those of one group next to each other.
  private static func grouped(_ x: Tensor, _ geometry: ReduceAxes) -> Tensor {
    let order = x.shape.indices.filter { !geometry.axes.contains($0) } + geometry.axes
    if order == Array(x.shape.indices) { return x }
    let strides = x.shape.rowMajorStrides
    return x.window(shape: order.map { x.shape[$0] }, strides: order.map { strides[$0] })
  }

  /// `nil` when the group is empty and the reduction of nothing has no value.
  private static func reduced<Element: Comparable & ExpressibleByIntegerLiteral>(
    _ values: [Element], groups: Int, size: Int, _ op: String, add: (Element, Element) -> Element,
    multiply: (Element, Element) -> Element
  ) -> [Element]? {
    guard size > 0 || op == "ReduceSum" || op == "ReduceProd" || groups == 0 else { return nil }
    return (0..<groups).map { group in
      let elements = values[(group * size)..<((group + 1) * size)]
      return switch op {
      case "ReduceProd": elements.reduce(1, multiply)
      case "ReduceMax": elements.dropFirst().reduce(elements.first ?? 0) { max($0, $1) }
      case "ReduceMin": elements.dropFirst().reduce(elements.first ?? 0) { min($0, $1) }
      default: elements.reduce(0, add)
      }
    }
  }

  private static func cumulativeSum(_ context: NodeContext, _ types: [TensorType]) throws(GraphError) -> [Tensor]? {
    let x = try context.constant(0)
    let axis = try context.axis(try context.integer(1), rank: x.shape.count)
    let exclusive = try context.flag("exclusive", default: false)
    let backwards = try context.flag("reverse", default: false)
    let extent = x.shape[axis]
    let inner = x.shape[(axis + 1)...].reduce(1, *)
    func sums<Element>(_ values: [Element], zero: Element, add: (Element, Element) -> Element) -> [Element] {
      var result = values
      for start in values.indices where (start / inner) % extent == 0 {
        var total = zero
        for step in 0..<extent {
          let index = start + (backwards ? extent - 1 - step : step) * inner
          let next = add(total, values[index])
          result[index] = exclusive ? total : next
          total = next
        }
      }
      return result
    }
    let result: Lanes =
      switch Lanes(x) {
      case .integers(let values): .integers(sums(values, zero: 0) { $0 &+ $1 })
      case .floats(let values): .floats(sums(values, zero: 0) { $0 + $1 })
      case .doubles(let values): .doubles(sums(values, zero: 0) { $0 + $1 })
      }
    return [result.tensor(type: x.type, shape: x.shape)]
  }
}
