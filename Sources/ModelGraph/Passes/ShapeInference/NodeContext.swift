/// A node with the types and constants of its operands: what shape inference and geometries read.
///
/// All readers throw an error that names the node; none traps, whatever the attributes say.
struct NodeContext {
  let node: Node
  let graph: Graph

  /// Bound of attributes and of shape operands once read; far from overflow in sums and products of two.
  static let attributeBound = ModelLimits.elements

  init(_ node: Node, _ graph: Graph) {
    self.node = node
    self.graph = graph
  }

  var opset: Int { node.opset }

  func invalid(expected: String, got: String) -> GraphError {
    .invalid(node: node.name, op: node.op, expected: expected, got: got)
  }

  // MARK: Operands

  func has(_ position: Int) -> Bool { node.input(position) != nil }

  func operand(_ position: Int) throws(GraphError) -> TensorType {
    guard let id = node.input(position) else {
      throw invalid(expected: "an input at position \(position)", got: "\(node.inputs.count) inputs")
    }
    guard let type = graph[id].type, let shape = graph[id].fixedShape else {
      throw .undefinedValue(node: node.name, value: graph[id].name)
    }
    return TensorType(type, shape)
  }

  func shape(_ position: Int) throws(GraphError) -> Shape { try operand(position).shape }
  func type(_ position: Int) throws(GraphError) -> DataType { try operand(position).type }

  /// An operand of rank at least `least`.
  func operand(_ position: Int, rankAtLeast least: Int) throws(GraphError) -> TensorType {
    let operand = try operand(position)
    guard operand.rank >= least else {
      throw invalid(expected: "input \(position) of rank \(least) or more", got: "shape \(operand.shape)")
    }
    return operand
  }

  /// Checks that an optional operand has exactly this shape.
  func require(_ position: Int, shape expected: Shape) throws(GraphError) {
    guard has(position) else { return }
    let got = try shape(position)
    guard got == expected else { throw invalid(expected: "input \(position) of shape \(expected)", got: "\(got)") }
  }

  /// The constant at a position; the operand must exist.
  func constant(_ position: Int) throws(GraphError) -> Tensor {
    _ = try operand(position)
    guard let id = node.input(position), let constant = graph.constant(id) else {
      throw .dataDependentShape(node: node.name, input: node.input(position).map { graph[$0].name } ?? "")
    }
    return constant
  }

  /// The elements of a constant integer operand that says axes, extents or counts. At most `limit` elements.
  func integers(_ position: Int, limit: Int = 1024) throws(GraphError) -> [Int] {
    let tensor = try constant(position)
    guard !tensor.type.isFloatingPoint, tensor.type != .bool, tensor.shape.count <= 1 else {
      throw invalid(expected: "input \(position): a list of integers", got: "\(tensor.type) \(tensor.shape)")
    }
    guard tensor.elementCount <= limit else {
      throw invalid(expected: "input \(position): at most \(limit) numbers", got: "\(tensor.elementCount)")
    }
    return tensor.integers.map { Int($0) }
  }

  /// One constant integer.
  func integer(_ position: Int) throws(GraphError) -> Int {
    let values = try integers(position)
    guard values.count == 1 else {
      throw invalid(expected: "input \(position): one integer", got: "\(values.count)")
    }
    return values[0]
  }

  // MARK: Attributes

  private func wrongKind(_ name: String, _ kind: String) -> GraphError {
    invalid(expected: "attribute \(name) to be \(kind)", got: "another kind of attribute")
  }

  func int(_ name: String, default fallback: Int) throws(GraphError) -> Int { try int(name) ?? fallback }

  func int(_ name: String) throws(GraphError) -> Int? {
    guard let attribute = node.attributes[name] else { return nil }
    guard case .int(let value) = attribute else { throw wrongKind(name, "an integer") }
    return Int(value)
  }

  func flag(_ name: String, default fallback: Bool) throws(GraphError) -> Bool {
    let value = try int(name, default: fallback ? 1 : 0)
    guard value == 0 || value == 1 else { throw invalid(expected: "\(name) 0 or 1", got: "\(value)") }
    return value == 1
  }

  func float(_ name: String, default fallback: Float) throws(GraphError) -> Float {
    guard let attribute = node.attributes[name] else { return fallback }
    guard case .float(let value) = attribute else { throw wrongKind(name, "a number") }
    return value
  }

  func string(_ name: String, default fallback: String) throws(GraphError) -> String {
    guard let attribute = node.attributes[name] else { return fallback }
    guard case .string(let value) = attribute else { throw wrongKind(name, "a string") }
    return value
  }

  /// A string attribute that names a case of an enumeration.
  func choice<Choice>(
    _ name: String, default fallback: Choice
  ) throws(GraphError) -> Choice where Choice: RawRepresentable<String> & CaseIterable {
    let text = try string(name, default: fallback.rawValue)
    guard let choice = Choice(rawValue: text) else {
      let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw invalid(expected: "\(name) to be one of \(known)", got: "\"\(text)\"")
    }
    return choice
  }

  func ints(_ name: String) throws(GraphError) -> [Int]? {
    guard let attribute = node.attributes[name] else { return nil }
    guard case .ints(let values) = attribute else { throw wrongKind(name, "a list of integers") }
    return values.map { Int($0) }
  }

  func floats(_ name: String) throws(GraphError) -> [Float]? {
    guard let attribute = node.attributes[name] else { return nil }
    guard case .floats(let values) = attribute else { throw wrongKind(name, "a list of numbers") }
    return values
  }

  /// Integers that are an attribute before opset `since` and the operand at `position` from then on.
  func integers(
    attribute: String, orInput position: Int, since: Int
  ) throws(GraphError) -> [Int]? {
    if opset < since {
      guard !has(position) else {
        throw invalid(expected: "\(attribute) as an attribute before opset \(since)", got: "an input")
      }
      return try ints(attribute)
    }
    guard node.attributes[attribute] == nil else {
      throw invalid(expected: "\(attribute) as an input from opset \(since) on", got: "an attribute")
    }
    return has(position) ? try integers(position) : nil
  }

  // MARK: Axes and extents

  /// `axis` counted from the front; it may be given from the back.
  func axis(_ axis: Int, rank: Int) throws(GraphError) -> Int {
    guard axis >= -rank, axis < rank else {
      throw invalid(expected: "an axis in -\(rank)..<\(rank)", got: "\(axis)")
    }
    return axis < 0 ? axis + rank : axis
  }

  /// Distinct axes counted from the front, in the order given.
  func axes(_ axes: [Int], rank: Int) throws(GraphError) -> [Int] {
    var result: [Int] = []
    for given in axes {
      let axis = try axis(given, rank: rank)
      guard !result.contains(axis) else { throw invalid(expected: "distinct axes", got: "\(axes)") }
      result.append(axis)
    }
    return result
  }

  /// The integers of an attribute: `count` of them, all in `range`.
  func list(_ name: String, count: Int, in range: ClosedRange<Int>, default fallback: Int) throws(GraphError) -> [Int] {
    guard let values = try ints(name) else { return [Int](repeating: fallback, count: count) }
    guard values.count == count, values.allSatisfy(range.contains) else {
      throw invalid(expected: "\(name): \(count) integers in \(range)", got: "\(values.prefix(16))")
    }
    return values
  }

  func broadcast(_ a: Shape, _ b: Shape) throws(GraphError) -> Shape {
    guard let shape = Shape.broadcast(a, b) else {
      throw invalid(expected: "shapes that broadcast", got: "\(a) and \(b)")
    }
    return shape
  }

  /// Fails unless `shape` broadcasts to `target` without changing it.
  func require(_ shape: Shape, broadcastsTo target: Shape) throws(GraphError) {
    guard Shape.broadcast(shape, target) == target else {
      throw invalid(expected: "a shape that broadcasts to \(target)", got: "\(shape)")
    }
  }

  /// Fails unless the shape keeps ``ModelLimits``.
  func require(withinLimits shape: Shape) throws(GraphError) {
    guard shape.checkedElementCount != nil else {
      throw invalid(
        expected: "a rank of up to \(ModelLimits.rank) and up to \(ModelLimits.elements) elements", got: "\(shape)")
    }
  }
}
