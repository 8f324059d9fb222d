import ModelGraph

/// Lowers softmax and the normalisations.
enum NormalizationLowering {
  static let operators: [String: OperatorLowering.Lower] = [
    "Softmax": softmax, "LogSoftmax": softmax, "LayerNormalization": layerNormalization,
    "BatchNormalization": batchNormalization, "InstanceNormalization": instanceNormalization,
    "GroupNormalization": groupNormalization, "LRN": localResponseNormalization,
  ]

  // MARK: Softmax

  private static func softmax(_ node: Node, into lowering: inout Lowering) throws {
    let (input, output) = try operands(of: node)
    let geometry = try SoftmaxGeometry(of: node, in: lowering.graph)
    var view = try lowering.view(input)
    var (outer, inner) = (geometry.outer, geometry.inner)
    var layout = Layout.rowMajor
    if node.opset >= 13, view.isChannelsLast, !view.isRowMajor {
      // The same sets, in the order of memory.
      layout = .channelsLast
      let order = layout.order(rank: view.rank)
      let axis = node.int("axis") ?? -1
      let position = order.firstIndex(of: axis < 0 ? axis + view.rank : axis) ?? 0
      outer = order[..<position].reduce(1) { $0 * view.shape[$1] }
      inner = order[(position + 1)...].reduce(1) { $0 * view.shape[$1] }
    } else {
      view = lowering.rowMajor(view)
    }
    let result = lowering.makeTensor(type: view.type, shape: view.shape, layout: layout)
    emitSoftmax(
      of: view, to: result, outer: outer, count: geometry.extent, inner: inner, logarithm: node.op == "LogSoftmax",
      into: &lowering)
    lowering.define(output, result)
  }

  private static func emitSoftmax(
    of view: TensorView, to result: TensorView, outer: Int, count: Int, inner: Int, logarithm: Bool,
    into lowering: inout Lowering
  ) {
    guard count > 0 else { return }
    func kernel(_ form: Reduction.Form) -> KernelSpec {
      var defines: [KernelSpec.Define] = [
        .init(name: "T", value: view.type.openCLName), .init(name: form.rawValue, value: "1"),
      ]
      if view.type == .float32 { defines.append(.init(name: "SINGLE", value: "1")) }
      if logarithm { defines.append(.init(name: "LOG", value: "1")) }
      return KernelSpec("softmax", "softmax_" + form.rawValue.lowercased()).adding(defines)
    }
    let operands: [Argument] = [.input(view), .output(result)]
    if lowering.target.family == .gpu {
      lowering.emit(
        kernel(.any), operands + [.int(outer * inner), .int(count), .int(inner)], elements: outer * inner)
    } else if inner == 1 {
      lowering.emit(kernel(.dense), operands + [.int(outer), .int(count)], tasks: outer, cost: 4 * count)
    } else {
      let blocks = outer * inner.dividedRoundingUp(by: lowering.target.vectorWidth)
      lowering.emit(
        kernel(.sideBySide), operands + [.int(blocks), .int(count), .int(inner)], tasks: blocks,
        cost: 4 * count * lowering.target.vectorWidth)
    }
  }

  // MARK: By the elements' own moments

  private static func layerNormalization(_ node: Node, into lowering: inout Lowering) throws {
    let (input, output) = try operands(of: node)
    let view = try lowering.rowMajor(input)
    let axis = node.int("axis") ?? -1
    let first = axis < 0 ? axis + view.rank : axis
    let normalized = Array(view.shape[first...])
    let sets = view.shape[..<first].reduce(1, *)
    let count = normalized.elementCount
    let scale = try parameter(node, at: 1, spreadOver: normalized, type: view.type, into: &lowering)
    let bias =
      node.input(2) == nil ? nil : try parameter(node, at: 2, spreadOver: normalized, type: view.type, into: &lowering)
    let result = lowering.makeTensor(type: view.type, shape: view.shape)

    let wantsMoments = node.output(1) != nil || node.output(2) != nil
    if wantsMoments, view.type != .float32 {
      throw EngineError.unsupported(node: node.name, op: node.op, reason: "moments of \(view.type) are not computed")
    }
    let momentsShape = view.shape[..<first] + normalized.map { _ in 1 }
    let means = wantsMoments ? lowering.makeTensor(type: .float32, shape: Array(momentsShape)) : result
    let deviations = wantsMoments ? lowering.makeTensor(type: .float32, shape: Array(momentsShape)) : result
    var defines: [KernelSpec.Define] = [.init(name: "T", value: view.type.openCLName)]
    if bias != nil { defines.append(.init(name: "BIAS", value: "1")) }
    if wantsMoments { defines.append(.init(name: "MOMENTS", value: "1")) }
    lowering.emit(
      KernelSpec("layer_normalization", "layer_normalization").adding(defines),
      [
        .input(view), .input(scale), .input(bias ?? scale), .output(result), .output(means), .output(deviations),
        .int(sets), .int(count), Lowering.real(node.float("epsilon") ?? 1e-5, as: view.type),
      ], tasks: sets, cost: 2 * count)
    lowering.define(output, result)
    lowering.define(node.output(1), means)
    lowering.define(node.output(2), deviations)
  }

  private static func instanceNormalization(_ node: Node, into lowering: inout Lowering) throws {
    let (input, output) = try operands(of: node)
    let view = try lowering.rowMajor(input)
    let channels = view.shape[1]
    let scale = try parameter(node, at: 1, spreadOver: [channels], type: view.type, into: &lowering)
    let bias = try parameter(node, at: 2, spreadOver: [channels], type: view.type, into: &lowering)
    lowering.define(
      output, emitGroups(of: view, groups: channels, scale: scale, bias: bias, node: node, into: &lowering))
  }

  private static func groupNormalization(_ node: Node, into lowering: inout Lowering) throws {
    let (input, output) = try operands(of: node)
    let view = try lowering.rowMajor(input)
    let groups = max(1, node.int("num_groups") ?? 1)
    // Weights are per group before opset 21; they spread over the channels of the group.
    let perGroup = node.opset < 21
    let spread = perGroup ? [groups, view.shape[1] / groups] : [view.shape[1]]
    let scale = try parameter(node, at: 1, spreadOver: spread, alongFirst: perGroup, type: view.type, into: &lowering)
    let bias = try parameter(node, at: 2, spreadOver: spread, alongFirst: perGroup, type: view.type, into: &lowering)
    lowering.define(
      output, emitGroups(of: view, groups: groups, scale: scale, bias: bias, node: node, into: &lowering))
  }

  private static func emitGroups(
    of view: TensorView, groups: Int, scale: TensorView, bias: TensorView, node: Node, into lowering: inout Lowering
  ) -> TensorView {
    let result = lowering.makeTensor(type: view.type, shape: view.shape)
    let channels = view.shape[1] / groups
    let count = view.shape[2...].reduce(1, *)
    lowering.emit(
      KernelSpec("layer_normalization", "group_normalization", ["T": view.type.openCLName]),
      [
        .input(view), .input(scale), .input(bias), .output(result), .int(view.shape[0] * groups), .int(groups),
        .int(channels), .int(count), Lowering.real(node.float("epsilon") ?? 1e-5, as: view.type),
      ], tasks: view.shape[0] * groups, cost: 2 * channels * count)
    return result
  }

  // MARK: By given moments

  private static func batchNormalization(_ node: Node, into lowering: inout Lowering) throws {
    let (input, output) = try operands(of: node)
    guard node.int("training_mode") ?? 0 == 0, node.outputs.dropFirst().allSatisfy({ $0 == nil }) else {
      throw EngineError.unsupported(node: node.name, op: node.op, reason: "training is not computed")
    }
    var view = try lowering.view(input)
    let channels = view.shape[1]
    let isChannelsLast = view.isChannelsLast && !view.isRowMajor
    if !isChannelsLast { view = lowering.rowMajor(view) }
    let result = lowering.makeTensor(
      type: view.type, shape: view.shape, layout: isChannelsLast ? .channelsLast : .rowMajor)
    var arguments: [Argument] = [.input(view)]
    for position in 1...4 {
      arguments.append(
        .input(try parameter(node, at: position, spreadOver: [channels], type: view.type, into: &lowering)))
    }
    arguments.append(.output(result))

    let epsilon = Lowering.real(node.float("epsilon") ?? 1e-5, as: view.type)
    let count = isChannelsLast ? 1 : view.shape[2...].reduce(1, *)
    func kernel(_ function: String) -> KernelSpec {
      KernelSpec("normalization", "batch_normalization_" + function, ["T": view.type.openCLName])
    }
    if lowering.target.family == .gpu {
      lowering.emit(
        kernel("any"), arguments + [.int(view.elementCount), .int(channels), .int(count), epsilon],
        elements: view.elementCount)
    } else if count == 1 {
      let pixels = channels == 0 ? 0 : view.elementCount / channels
      lowering.emit(
        kernel("pixels"), arguments + [.int(pixels), .int(channels), epsilon], tasks: pixels, cost: 2 * channels)
    } else {
      let planes = view.shape[0] * channels
      lowering.emit(
        kernel("planes"), arguments + [.int(planes), .int(channels), .int(count), epsilon], tasks: planes,
        cost: 2 * count)
    }
    lowering.define(output, result)
  }

  // MARK: By neighbouring channels

  private static func localResponseNormalization(_ node: Node, into lowering: inout Lowering) throws {
    let (input, output) = try operands(of: node)
    let view = try lowering.view(input)
    let image = view.rank >= 3 ? lowering.channelsLast(view) : lowering.rowMajor(view)
    let channels = view.shape[1]
    let size = node.int("size") ?? 1
    // What lies beyond the channels adds nothing.
    let (before, after) = (min((size - 1) / 2, max(0, channels - 1)), min(size / 2, max(0, channels - 1)))
    guard before + after <= 1024 else {
      throw EngineError.unsupported(
        node: node.name, op: node.op, reason: "a window of \(before + after + 1) channels; at most 1025 are supported")
    }
    let beta = node.float("beta") ?? 0.75
    var defines: [KernelSpec.Define] = [
      .init(name: "T", value: view.type.openCLName), .init(name: "BEFORE", value: "\(before)"),
      .init(name: "AFTER", value: "\(after)"),
    ]
    if beta == 0.75 { defines.append(.init(name: "BETA_075", value: "1")) }
    let result = lowering.makeTensor(type: view.type, shape: view.shape, layout: .channelsLast)
    let pixels = channels == 0 ? 0 : view.elementCount / channels
    let arguments: [Argument] = [
      .input(image), .output(result), .int(pixels), .int(channels),
      Lowering.real(node.float("bias") ?? 1, as: view.type),
      Lowering.real((node.float("alpha") ?? 1e-4) / Float(size), as: view.type), Lowering.real(beta, as: view.type),
    ]
    let spec = KernelSpec("lrn", "lrn").adding(defines)
    switch lowering.target.family {
    case .cpu: lowering.emit(spec, arguments, tasks: pixels, cost: 16 * channels)
    case .gpu: lowering.emit(spec, arguments + [.int(1)], elements: view.elementCount)
    }
    lowering.define(output, result)
  }

  // MARK: Operands

  private static func operands(of node: Node) throws -> (input: ValueID, output: ValueID) {
    guard let input = node.input(0), let output = node.output(0) else {
      throw EngineError.unsupported(node: node.name, op: node.op, reason: "it lacks an input or output")
    }
    return (input, output)
  }

  /// A weight or given moment as a dense row-major tensor of `shape`, to which it broadcasts.
  /// - Parameter alongFirst: it has one element for each index of the first axis of `shape`.
  private static func parameter(
    _ node: Node, at position: Int, spreadOver shape: Shape, alongFirst: Bool = false, type: DataType,
    into lowering: inout Lowering
  ) throws -> TensorView {
    guard let value = node.input(position) else {
      throw EngineError.unsupported(node: node.name, op: node.op, reason: "it lacks input \(position)")
    }
    var view = try lowering.view(value)
    guard view.type == type else {
      throw EngineError.unsupported(
        node: node.name, op: node.op, reason: "input \(position) is \(view.type), the input to normalise is \(type)")
    }
    if alongFirst {
      view.shape += [Int](repeating: 1, count: shape.count - view.rank)
      view.strides += [Int](repeating: 0, count: shape.count - view.strides.count)
    }
    var spread = view
    spread.shape = shape
    spread.strides = [Int](repeating: 0, count: shape.count)
    for (axis, extent) in view.shape.enumerated().suffix(shape.count) where extent != 1 {
      spread.strides[axis + shape.count - view.rank] = view.strides[axis]
    }
    return lowering.rowMajor(spread)
  }
}
