/// How a window slides over spatial axes: shared by convolution and pooling.
struct Window {
  enum AutoPad: String, CaseIterable {
    case notSet = "NOTSET"
    case sameUpper = "SAME_UPPER"
    case sameLower = "SAME_LOWER"
    case valid = "VALID"
  }

  let kernel: [Int]
  let strides: [Int]
  let dilations: [Int]
  private(set) var padsBegin: [Int]
  private(set) var padsEnd: [Int]
  private(set) var outputExtents: Shape = []

  /// - Parameters:
  ///   - kernel: used when the attribute `kernel_shape` is absent; must equal it when it is there.
  ///   - input: spatial extents of the input, each at least 1.
  ///   - ceiling: whether a window that starts inside the input but does not fit still counts.
  init(_ context: NodeContext, kernel inferred: [Int]?, input: Shape, ceiling: Bool) throws(GraphError) {
    let rank = input.count
    let large = 1...NodeContext.attributeBound
    if try context.ints("kernel_shape") == nil {
      guard let inferred else { throw context.invalid(expected: "attribute kernel_shape", got: "none") }
      kernel = inferred
    } else {
      kernel = try context.list("kernel_shape", count: rank, in: large, default: 1)
    }
    guard inferred == nil || inferred == kernel, kernel.allSatisfy({ $0 >= 1 }) else {
      throw context.invalid(expected: "kernel_shape \(inferred ?? []) as the weights have it", got: "\(kernel)")
    }
    guard input.allSatisfy({ $0 >= 1 }) else {
      throw context.invalid(expected: "spatial extents of 1 or more", got: "\(input)")
    }
    strides = try context.list("strides", count: rank, in: large, default: 1)
    dilations = try context.list("dilations", count: rank, in: large, default: 1)
    let pads = try context.list("pads", count: 2 * rank, in: 0...NodeContext.attributeBound, default: 0)
    padsBegin = Array(pads[..<rank])
    padsEnd = Array(pads[rank...])
    try place(context, input: input, ceiling: ceiling, padding: try context.choice("auto_pad", default: AutoPad.notSet))
  }

  /// Resolves automatic padding and counts the windows.
  private mutating func place(
    _ context: NodeContext, input: Shape, ceiling: Bool, padding: AutoPad
  ) throws(GraphError) {
    if padding == .valid {
      padsBegin = input.map { _ in 0 }
      padsEnd = padsBegin
    }
    for axis in input.indices {
      // Each factor is below 2³¹, so nothing overflows.
      let reach = (kernel[axis] - 1) * dilations[axis] + 1
      if padding == .sameUpper || padding == .sameLower {
        let count = (input[axis] + strides[axis] - 1) / strides[axis]
        let total = max(0, (count - 1) * strides[axis] + reach - input[axis])
        padsBegin[axis] = padding == .sameUpper ? total / 2 : total - total / 2
        padsEnd[axis] = total - padsBegin[axis]
        outputExtents.append(count)
        continue
      }
      let room = input[axis] + padsBegin[axis] + padsEnd[axis] - reach
      guard room >= 0 else {
        throw context.invalid(
          expected: "a window of at most \(input[axis] + padsBegin[axis] + padsEnd[axis]) on spatial axis \(axis)",
          got: "\(reach)")
      }
      var count = room / strides[axis] + 1
      if ceiling, room % strides[axis] != 0, count * strides[axis] < input[axis] + padsBegin[axis] { count += 1 }
      outputExtents.append(count)
    }
  }
}
