/// Operators that make tensors from nothing or pick elements by index.
enum IndexingRules {
  static let rules: [String: OperatorRule] = [
    "Constant": OperatorRule(0) { (context) throws(GraphError) in
      let tensor = try constant(context)
      return [TensorType(tensor.type, tensor.shape)]
    },
    "ConstantOfShape": OperatorRule(1, shapeOperands: [0]) { (context) throws(GraphError) in
      [TensorType(try fill(context).type, try context.extents(0))]
    },
    "Range": OperatorRule(3, shapeOperands: [0, 1, 2]) { (context) throws(GraphError) in
      let (type, count) = try range(context)
      return [TensorType(type, [count])]
    },
    "Gather": OperatorRule(2, infer: gather),
    "GatherElements": OperatorRule(2, infer: gatherElements),
    "GatherND": OperatorRule(2, infer: gatherND),
  ]

  // MARK: Making

  /// The value of a `Constant`, whichever attribute it came in.
  static func constant(_ context: NodeContext) throws(GraphError) -> Tensor {
    switch context.node.attributes.first(where: { $0.key.hasPrefix("value") })?.value {
    case .tensor(let tensor)?: return tensor
    case .int(let value)?: return Tensor([value], shape: [])
    case .float(let value)?: return Tensor([value], shape: [])
    case .ints(let values)?: return Tensor(values, shape: [values.count])
    case .floats(let values)?: return Tensor(values, shape: [values.count])
    default: throw context.invalid(expected: "a value of numbers", got: "another kind of value")
    }
  }

  /// The one element that a `ConstantOfShape` repeats.
  static func fill(_ context: NodeContext) throws(GraphError) -> Tensor {
    guard let attribute = context.node.attributes["value"] else { return Tensor([Float(0)], shape: []) }
    guard case .tensor(let tensor) = attribute, tensor.elementCount == 1 else {
      throw context.invalid(expected: "value: a tensor of one element", got: "another value")
    }
    return tensor.reshaped(to: [])
  }

  /// The type and length of a `Range`.
  static func range(_ context: NodeContext) throws(GraphError) -> (DataType, Int) {
    let (first, _) = try context.sameTypeOperands(0, 1, of: .numeric)
    _ = try context.sameTypeOperands(0, 2, of: .numeric)
    var operands: [Tensor] = []
    for position in 0...2 {
      let tensor = try context.constant(position)
      guard tensor.elementCount == 1 else {
        throw context.invalid(expected: "input \(position): one number", got: "\(tensor.shape)")
      }
      operands.append(tensor)
    }
    let steps: Double
    if first.type.isFloatingPoint {
      let numbers = operands.map { Lanes($0).doubles[0] }
      steps = ((numbers[1] - numbers[0]) / numbers[2]).rounded(.up)
    } else {
      let numbers = operands.map { $0.integers[0] }
      guard numbers[2] != 0 else { throw context.invalid(expected: "a delta other than 0", got: "0") }
      let span = Int128(numbers[1]) - Int128(numbers[0])
      let delta = Int128(numbers[2])
      let (quotient, rest) = span.quotientAndRemainder(dividingBy: delta)
      steps = Double(quotient) + (rest != 0 && (rest > 0) == (delta > 0) ? 1 : 0)
    }
    guard steps.isFinite, steps <= Double(ModelLimits.elements) else {
      throw context.invalid(expected: "at most \(ModelLimits.elements) elements", got: "\(steps)")
    }
    return (first.type, Int(max(0, steps)))
  }

  // MARK: Picking

  private static func indices(_ context: NodeContext) throws(GraphError) -> TensorType {
    let indices = try context.operand(1)
    guard indices.type == .int64 || indices.type == .int32 else {
      throw context.invalid(expected: "indices of int32 or int64", got: "\(indices.type)")
    }
    return indices
  }

  private static func gather(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let x = try context.operand(0, rankAtLeast: 1)
    let indices = try indices(context)
    let axis = try context.axis(try context.int("axis", default: 0), rank: x.rank)
    return [TensorType(x.type, Array(x.shape[..<axis]) + indices.shape + Array(x.shape[(axis + 1)...]))]
  }

  private static func gatherElements(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let x = try context.operand(0, rankAtLeast: 1)
    let indices = try indices(context)
    let axis = try context.axis(try context.int("axis", default: 0), rank: x.rank)
    guard indices.rank == x.rank, x.shape.indices.allSatisfy({ $0 == axis || indices.shape[$0] <= x.shape[$0] }) else {
      throw context.invalid(
        expected: "indices of rank \(x.rank) inside \(x.shape) but for axis \(axis)", got: "\(indices.shape)")
    }
    return [TensorType(x.type, indices.shape)]
  }

  private static func gatherND(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let x = try context.operand(0, rankAtLeast: 1)
    let indices = try indices(context)
    let batch = try context.int("batch_dims", default: 0)
    guard indices.rank >= 1, let depth = indices.shape.last, batch >= 0, batch < min(x.rank, indices.rank), depth >= 1,
      depth <= x.rank - batch, x.shape[..<batch] == indices.shape[..<batch]
    else {
      throw context.invalid(
        expected: "indices [batch…, …, depth] with depth in 1...\(x.rank) less batch_dims",
        got: "\(indices.shape) with batch_dims \(batch) for \(x.shape)")
    }
    return [TensorType(x.type, Array(indices.shape.dropLast()) + Array(x.shape[(batch + depth)...]))]
  }
}
