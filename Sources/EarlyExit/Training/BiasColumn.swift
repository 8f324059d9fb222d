/// Weights [rows, depth] and biases [rows] as one matrix [rows, depth + 1] whose last column holds the biases: what an
/// optimiser sees, with inputs that end in a one.
enum BiasColumn {
  static func joined(_ weight: [Float], bias: [Float]) -> [Float] {
    let depth = weight.count / bias.count
    var joined: [Float] = []
    joined.reserveCapacity(weight.count + bias.count)
    for (row, value) in bias.enumerated() {
      joined += weight[row * depth..<(row + 1) * depth]
      joined.append(value)
    }
    return joined
  }

  static func separated(_ joined: some Collection<Float>, rows: Int) -> (weight: [Float], bias: [Float]) {
    let joined = Array(joined)
    let depth = joined.count / rows - 1
    var weight: [Float] = []
    weight.reserveCapacity(rows * depth)
    var bias: [Float] = []
    for row in 0..<rows {
      let start = row * (depth + 1)
      weight += joined[start..<start + depth]
      bias.append(joined[start + depth])
    }
    return (weight, bias)
  }

  /// Row-major `values` [items, depth] with a one after each row.
  static func withOnes(_ values: [Float], items: Int) -> [Float] {
    joined(values, bias: [Float](repeating: 1, count: items))
  }
}
