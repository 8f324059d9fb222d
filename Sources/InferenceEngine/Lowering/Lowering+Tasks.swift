import ModelGraph

extension Lowering {
  /// Launches a kernel whose last parameter is `chunk`: work-item i does tasks i * chunk ..< (i + 1) * chunk of `tasks`.
  ///
  /// On a CPU chunks are as large as some ten microseconds of work, but never so large that fewer than 64 work-items
  /// (four per compute unit, if that is more) share a long launch. On a GPU a work-item does one task.
  /// - Parameter cost: elements that a task touches.
  mutating func emit(_ kernel: KernelSpec, _ arguments: [Argument], tasks: Int, cost: Int) {
    guard tasks > 0 else { return }
    switch target.family {
    case .cpu:
      let most = max(64, 4 * target.computeUnits)
      let wanted = min(max(1, tasks * max(1, cost) / Self.chunkCost), most, tasks)
      let chunk = tasks.dividedRoundingUp(by: wanted)
      emit(kernel, arguments + [.int(chunk)], global: [tasks.dividedRoundingUp(by: chunk)])
    case .gpu:
      emit(kernel, arguments + [.int(1)], global: [tasks.roundedUp(to: 64)], local: [64])
    }
  }

  /// Elements that a CPU's core reads and combines in about ten microseconds.
  private static let chunkCost = 1 << 15

  /// A kernel parameter of a floating-point type that is the kernel's `T`.
  static func real(_ value: Float, as type: DataType) -> Argument {
    type == .float64 ? .double(Double(value)) : .float(value)
  }
}
