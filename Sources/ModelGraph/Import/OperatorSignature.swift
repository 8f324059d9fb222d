/// How many inputs and outputs an operator has in a range of operator sets.
struct OperatorSignature: Sendable {
  /// Stands for "as many as one likes" as an upper bound.
  static let unlimited = Int(Int32.max)

  let inputs: ClosedRange<Int>
  let outputs: ClosedRange<Int>
  let opsets: ClosedRange<Int>

  init(
    inputs: ClosedRange<Int> = 1...1, outputs: ClosedRange<Int> = 1...1,
    opsets: ClosedRange<Int> = SupportedOperators.opsets
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.opsets = opsets
  }
}
