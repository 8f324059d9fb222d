/// A polynomial in two unknowns, x and y: how a formula is compared whatever the order that its operators are written in.
struct Polynomial {
  struct Powers: Hashable {
    let x: Int
    let y: Int
  }

  private(set) var terms: [Powers: Double]

  init(_ terms: [Powers: Double]) { self.terms = terms.filter { $0.value != 0 } }

  static let x = Polynomial([Powers(x: 1, y: 0): 1])
  static let y = Polynomial([Powers(x: 0, y: 1): 1])
  static func constant(_ number: Double) -> Polynomial { Polynomial([Powers(x: 0, y: 0): number]) }

  /// The number when no unknown is in it.
  var number: Double? {
    if terms.isEmpty { return 0 }
    return terms.count == 1 ? terms[Powers(x: 0, y: 0)] : nil
  }

  static func + (a: Polynomial, b: Polynomial) -> Polynomial {
    Polynomial(a.terms.merging(b.terms, uniquingKeysWith: +))
  }

  static func * (a: Polynomial, b: Polynomial) -> Polynomial {
    var terms: [Powers: Double] = [:]
    for (p, c) in a.terms { for (q, d) in b.terms { terms[Powers(x: p.x + q.x, y: p.y + q.y), default: 0] += c * d } }
    return Polynomial(terms)
  }

  static func * (factor: Double, a: Polynomial) -> Polynomial { .constant(factor) * a }

  var degree: Int { terms.keys.map { $0.x + $0.y }.max() ?? 0 }

  /// Whether every coefficient is that of `other` as exporters round it.
  func isClose(to other: Polynomial, tolerance: Double) -> Bool {
    Set(terms.keys).union(other.terms.keys).allSatisfy {
      PatternMatcher.isClose(terms[$0] ?? 0, to: other.terms[$0] ?? 0, tolerance: tolerance)
    }
  }
}

extension PatternMatcher {
  /// A value as a polynomial of two others; the nodes that compute it are added to `nodes`.
  ///
  /// Operators are sums, products, quotients by numbers and powers, constants have one element. Depth is bounded, so
  /// the work is too.
  func polynomial(
    _ value: ValueID?, x: ValueID, y: ValueID? = nil, nodes: inout Set<Int>, depth: Int = 7
  ) -> Polynomial? {
    guard let value, depth > 0 else { return nil }
    if value == x { return .x }
    if value == y { return .y }
    if let constant = graph.constant(value) {
      return constant.type.isFloatingPoint ? scalar(value).map(Polynomial.constant) : nil
    }
    guard let index = producer(of: value, Self.arithmetic) else { return nil }
    var operands: [Polynomial] = []
    for (position, input) in node(index).inputs.enumerated() {
      // The exponent alone may be an integer.
      if node(index).op == "Pow", position == 1, let exponent = scalar(input) {
        operands.append(.constant(exponent))
        continue
      }
      guard let operand = polynomial(input, x: x, y: y, nodes: &nodes, depth: depth - 1) else { return nil }
      operands.append(operand)
    }
    guard let result = Self.combined(node(index).op, operands), result.degree <= 4 else { return nil }
    nodes.insert(index)
    return result
  }

  static let arithmetic: Set<String> = ["Add", "Sub", "Mul", "Div", "Pow", "Neg", "Sum"]

  private static func combined(_ op: String, _ operands: [Polynomial]) -> Polynomial? {
    if op == "Neg", operands.count == 1 { return -1 * operands[0] }
    guard operands.count == 2 else { return nil }
    let (a, b) = (operands[0], operands[1])
    switch op {
    case "Add", "Sum": return a + b
    case "Sub": return a + -1 * b
    case "Mul": return a * b
    case "Div": return b.number.flatMap { $0 == 0 ? nil : (1 / $0) * a }
    case "Pow":
      switch b.number {
      case 2: return a * a
      case 3: return a * a * a
      default: return nil
      }
    default: return nil
    }
  }
}
