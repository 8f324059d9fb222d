import ModelGraph

/// Lowers pooling over channels-last images; a pool over the whole image is a reduction.
enum PoolingLowering {
  static let operators: [String: OperatorLowering.Lower] = [
    "MaxPool": slide, "AveragePool": slide, "GlobalMaxPool": reduce, "GlobalAveragePool": reduce,
  ]

  private static func reduce(_ node: Node, into lowering: inout Lowering) throws {
    let (input, output) = try operands(of: node)
    let geometry = try PoolingGeometry(of: node, in: lowering.graph)
    let result = lowering.reduce(
      try lowering.view(input), axes: Array(2..<2 + geometry.spatialRank),
      as: geometry.kind == .maximum ? .maximum : .mean)
    lowering.define(output, result.reshapedRowMajor(to: geometry.outputShape))
  }

  private static func slide(_ node: Node, into lowering: inout Lowering) throws {
    let (input, output) = try operands(of: node)
    guard node.output(1) == nil else {
      throw EngineError.unsupported(node: node.name, op: node.op, reason: "its output Indices is not computed")
    }
    let geometry = try PoolingGeometry(of: node, in: lowering.graph)
    try checkIndices(of: geometry, node: node)
    let image = try lowering.channelsLast(input)
    let result = lowering.makeTensor(type: image.type, shape: geometry.outputShape, layout: .channelsLast)
    let pixels = geometry.batch * geometry.outputExtents.elementCount

    func spatial(_ values: [Int], filling value: Int) -> [Int] {
      [Int](repeating: value, count: 3 - values.count) + values
    }
    let arguments: [Argument] = [
      .input(image), .output(result),
      .int8(
        spatial(geometry.inputExtents, filling: 1) + [geometry.channels] + spatial(geometry.outputExtents, filling: 1)),
      .int8(spatial(geometry.kernel, filling: 1) + spatial(geometry.strides, filling: 1)),
      .int8(spatial(geometry.dilations, filling: 1)),
      .int8(spatial(geometry.padsBegin, filling: 0) + spatial(geometry.padsEnd, filling: 0)),
      .int(pixels),
    ]
    let spec = kernel(geometry, type: image.type)
    switch lowering.target.family {
    case .cpu:
      lowering.emit(spec, arguments, tasks: pixels, cost: geometry.channels * geometry.kernel.elementCount)
    case .gpu:
      lowering.emit(spec, arguments + [.int(1)], elements: pixels * geometry.channels)
    }
    lowering.define(output, result)
  }

  private static func kernel(_ geometry: PoolingGeometry, type: DataType) -> KernelSpec {
    var defines: [KernelSpec.Define] = [.init(name: "T", value: type.openCLName)]
    switch geometry.kind {
    case .maximum:
      defines.append(.init(name: "MAXIMUM", value: "1"))
      defines.append(.init(name: "LOWEST", value: type.lowest))
    case .average:
      defines.append(.init(name: "AVERAGE", value: "1"))
      if geometry.countsPadding { defines.append(.init(name: "COUNT_PADDING", value: "1")) }
    }
    return KernelSpec("pooling", "pool").adding(defines)
  }

  private static func operands(of node: Node) throws -> (input: ValueID, output: ValueID) {
    guard let input = node.input(0), let output = node.output(0) else {
      throw EngineError.unsupported(node: node.name, op: node.op, reason: "it lacks an input or output")
    }
    return (input, output)
  }

  /// Kernels index with 32 bits, also in the padding.
  private static func checkIndices(of geometry: PoolingGeometry, node: Node) throws {
    let limit = ModelLimits.elements / 4
    var taps = 1
    for axis in geometry.kernel.indices {
      let reach = (geometry.kernel[axis] - 1).multipliedReportingOverflow(by: geometry.dilations[axis])
      let sizes = [
        geometry.inputExtents[axis], geometry.padsBegin[axis], geometry.padsEnd[axis], geometry.strides[axis],
        geometry.dilations[axis], reach.overflow ? .max : reach.partialValue,
      ]
      let volume = taps.multipliedReportingOverflow(by: geometry.kernel[axis])
      taps = volume.partialValue
      guard sizes.allSatisfy({ $0 <= limit }), !volume.overflow, taps <= limit else {
        throw EngineError.unsupported(
          node: node.name, op: node.op, reason: "windows, strides and pads must keep indices under \(limit)")
      }
    }
  }
}
