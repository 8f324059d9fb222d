/// What a chain of multiplications, sums and normalisations by constants does to each channel: scale · x + shift.
struct ChannelAffine {
  private(set) var scale: [Double]
  private(set) var shift: [Double]

  static func identity(channels: Int) -> ChannelAffine {
    ChannelAffine(
      scale: [Double](repeating: 1, count: channels), shift: [Double](repeating: 0, count: channels))
  }

  var isFinite: Bool { (scale + shift).allSatisfy(\.isFinite) }
  var scales: Bool { scale.contains { $0 != 1 } }
  var shifts: Bool { shift.contains { $0 != 0 } }

  mutating func append(scale factors: [Double], shift terms: [Double]) {
    for channel in scale.indices {
      scale[channel] *= factors[channel]
      shift[channel] = shift[channel] * factors[channel] + terms[channel]
    }
  }

  // MARK: Normalisations

  /// A `BatchNormalization` at inference whose four vectors are constant.
  init?(batchNormalization node: Node, in graph: Graph) {
    guard node.domain == .onnx, node.op == "BatchNormalization", node.inputs.count == 5,
      node.int("training_mode") ?? 0 == 0, node.int("spatial") ?? 1 == 1,
      node.outputs.dropFirst().allSatisfy({ $0 == nil })
    else { return nil }
    var vectors: [[Double]] = []
    for input in node.inputs[1...] {
      guard let constant = graph.constant(input), constant.type.isFloatingPoint, constant.shape.count == 1 else {
        return nil
      }
      vectors.append(Lanes(constant).doubles)
    }
    let (gamma, beta, mean, variance) = (vectors[0], vectors[1], vectors[2], vectors[3])
    guard vectors.allSatisfy({ $0.count == gamma.count }) else { return nil }
    let epsilon = Double(node.float("epsilon") ?? 1e-5)
    let scale = zip(gamma, variance).map { $0 / ($1 + epsilon).squareRoot() }
    self.init(scale: scale, shift: gamma.indices.map { beta[$0] - mean[$0] * scale[$0] })
    guard isFinite else { return nil }
  }

  private init(scale: [Double], shift: [Double]) {
    self.scale = scale
    self.shift = shift
  }

  // MARK: Element-wise operators

  /// Where channels lie: `inner` axes after them, `rank` axes in all (a lower bound when it is not known).
  struct Layout {
    let channels: Int
    let inner: Int
    let rank: Int

    /// A constant as one number per channel; `nil` when it varies otherwise or would change the shape.
    func numbers(_ constant: Tensor) -> [Double]? {
      let axis = constant.shape.count - 1 - inner
      guard constant.type.isFloatingPoint, constant.shape.count <= rank else { return nil }
      for (position, extent) in constant.shape.enumerated() where extent != 1 {
        guard position == axis, extent == channels else { return nil }
      }
      let numbers = Lanes(constant).doubles
      return numbers.count == 1 ? [Double](repeating: numbers[0], count: channels) : numbers
    }
  }

  /// Appends `Add`, `Sub`, `Mul` or `Div` of `value` and a constant per channel, if the node is one.
  mutating func append(_ node: Node, of value: ValueID, layout: Layout, in graph: Graph) -> Bool {
    guard node.domain == .onnx, node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1] else {
      return false
    }
    let isFirst = a == value
    guard let numbers = graph.constant(isFirst ? b : a).flatMap(layout.numbers) else { return false }
    let ones = scale.map { _ in 1.0 }
    let zeros = scale.map { _ in 0.0 }
    switch node.op {
    case "Add": append(scale: ones, shift: numbers)
    case "Sub" where isFirst: append(scale: ones, shift: numbers.map { -$0 })
    case "Sub": append(scale: ones.map { -$0 }, shift: numbers)
    case "Mul": append(scale: numbers, shift: zeros)
    case "Div" where isFirst && !numbers.contains(0): append(scale: numbers.map { 1 / $0 }, shift: zeros)
    default: return false
    }
    return true
  }
}
