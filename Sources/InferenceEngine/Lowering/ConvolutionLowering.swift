import ModelGraph
import OpenCLRuntime

/// Lowers convolutions. The algorithm is chosen by the layer alone, never by the batch:
/// depthwise, Winograd, matrix product (1×1), direct, and one slow kernel that can do everything.
enum ConvolutionLowering {
  static let operators: [String: OperatorLowering.Lower] = ["Conv": lower]
  static let fusedOperators: [String: OperatorLowering.Lower] = [FusedOperator.conv.rawValue: lower]

  @Sendable static func lower(_ node: Node, into lowering: inout Lowering) throws {
    let layer = try ConvolutionLayer(node, in: lowering)
    let image = try lowering.view(layer.input)
    // A residual is read where the output is written, so it must lie the same way.
    let residual = try node.input(3).map { try lowering.channelsLast($0) }
    let output: TensorView
    if layer.isFast {
      switch layer.algorithm(for: lowering.target, winograd: lowering.tuning.winograd) {
      case .depthwise: output = try lowering.depthwise(layer, image: image)
      case .winograd(let filter):
        output = try lowering.winograd(layer, filter: filter, image: image, residual: residual)
      case .dense: output = try lowering.dense(layer, image: image, residual: residual)
      }
    } else {
      output = try lowering.anyConvolution(layer, image: image, residual: residual)
    }
    lowering.define(node.output(0), output)
  }
}

/// The figures of one convolution, with 1-D images as images of height 1.
struct ConvolutionLayer {
  enum Algorithm { case depthwise, winograd(WinogradFilter), dense }

  let input: ValueID
  let weightValue: ValueID
  let biasValue: ValueID?
  let weights: Tensor?
  let bias: Tensor?
  let activation: Activation?
  let geometry: ConvolutionGeometry
  let inputShape: Shape
  let outputShape: Shape
  let hasResidual: Bool

  init(_ node: Node, in lowering: Lowering) throws {
    guard let input = node.input(0), let weightValue = node.input(1), let output = node.output(0) else {
      throw EngineError.unsupported(node: node.name, op: node.op, reason: "it lacks an input or output")
    }
    self.input = input
    self.weightValue = weightValue
    biasValue = node.input(2)
    weights = lowering.graph.constant(weightValue)
    bias = lowering.graph.constant(biasValue)
    activation = Activation(of: node)
    geometry = try ConvolutionGeometry(of: node, in: lowering.graph)
    inputShape = try lowering.shape(of: input)
    outputShape = try lowering.shape(of: output)
    hasResidual = node.input(3) != nil
    guard try lowering.type(of: input).deviceType == .float32 else {
      throw EngineError.unsupported(node: node.name, op: node.op, reason: "only float tensors can be convolved")
    }
  }

  var batch: Int { inputShape[0] }
  var channels: Int { inputShape[1] }
  var outputs: Int { outputShape[1] }
  var groups: Int { geometry.groups }
  var spatialRank: Int { inputShape.count - 2 }

  private func pair(_ values: [Int], missing: Int) -> (Int, Int) {
    spatialRank == 1 ? (missing, values[0]) : (values[0], values[1])
  }
  var kernel: (h: Int, w: Int) { pair(geometry.kernel, missing: 1) }
  var strides: (h: Int, w: Int) { pair(geometry.strides, missing: 1) }
  var dilations: (h: Int, w: Int) { pair(geometry.dilations, missing: 1) }
  var padsBegin: (h: Int, w: Int) { pair(geometry.padsBegin, missing: 0) }
  var padsEnd: (h: Int, w: Int) { pair(geometry.padsEnd, missing: 0) }
  var size: (h: Int, w: Int) { pair(Array(inputShape[2...]), missing: 1) }
  var outputSize: (h: Int, w: Int) { pair(Array(outputShape[2...]), missing: 1) }
  var outputPixels: Int { batch * outputSize.h * outputSize.w }
  var paddedSize: (h: Int, w: Int) {
    (size.h + padsBegin.h + padsEnd.h, size.w + padsBegin.w + padsEnd.w)
  }
  /// Whether a kernel row is contiguous in a channels-last image and short.
  var isOfShortRuns: Bool { groups == 1 && dilations.w == 1 && kernel.w > 1 && kernel.w * channels <= 32 }
  var isPadded: Bool { (geometry.padsBegin + geometry.padsEnd).contains { $0 != 0 } }

  /// Whether a fast kernel can run it: weights known, at most two spatial dimensions, no cropping, something to compute.
  var isFast: Bool {
    weights != nil && (biasValue == nil || bias != nil) && spatialRank <= 2
      && (geometry.padsBegin + geometry.padsEnd).allSatisfy { $0 >= 0 }
      && !inputShape.contains(0) && !outputShape.contains(0)
  }

  func algorithm(for target: KernelTarget, winograd: Bool) -> Algorithm {
    let width = target.vectorWidth
    if groups == channels, outputs == channels, groups > 1, channels >= width, !hasResidual { return .depthwise }
    if winograd, target.family == .cpu, kernel == (3, 3), strides == (1, 1), dilations == (1, 1), groups == 1,
      channels % width == 0, outputs % width == 0, channels >= 2 * width
    {
      let pixels = outputSize.h * outputSize.w
      // F(4×4) saves most products, but its filters are four times the weights: with few tiles, reading them costs more
      // than the products saved. F(2×2) has filters of 16/9 the size.
      let steps = pixels >= 256 || (pixels >= 64 && channels * outputs <= 1 << 16) ? [4, 2] : pixels >= 36 ? [2] : []
      if let step = steps.first(where: isAccurate) { return .winograd(WinogradFilter(step: step)) }
    }
    return .dense
  }

  private func isAccurate(step: Int) -> Bool {
    weights?.withFloats {
      WinogradFilter(step: step).relativeError(of: $0, inputs: channels, outputs: outputs) <= WinogradFilter.tolerance
    } ?? false
  }
}

extension Lowering {
  private func activationDefine(_ activation: Activation?) -> [KernelSpec.Define] {
    guard let activation else { return [] }
    return [.init(name: "ACTIVATE(x)", value: ActivationExpression.text(for: activation, of: "x"))]
  }

  /// A bias padded with zeros to whole column blocks; all zeros when there is none.
  mutating func paddedBias(_ bias: Tensor?, columns: Int, padded: Int, groups: Int = 1) throws -> TensorView {
    let perGroup = columns / groups
    let tensor = bias ?? Tensor([Float](repeating: 0, count: columns), shape: [columns])
    let packing = WeightStore.Packing(name: bias == nil ? "no bias \(padded) x\(groups)" : "bias \(padded) x\(groups)")
    let fill = { (source: UnsafeBufferPointer<Float>, target: UnsafeMutableBufferPointer<Float>) in
      target.initialize(repeating: 0)
      for group in 0..<groups {
        for column in 0..<perGroup { target[group * padded + column] = source[group * perGroup + column] }
      }
    }
    let buffer =
      try bias == nil
      ? weights.shared(packing, count: groups * padded) { $0.initialize(repeating: 0) }
      : weights.packed(tensor, as: packing, count: groups * padded, pack: fill)
    return constantView(buffer)
  }

  // MARK: Depthwise

  fileprivate mutating func depthwise(_ layer: ConvolutionLayer, image: TensorView) throws -> TensorView {
    guard let filters = layer.weights else { preconditionFailure("a fast layer has constant weights") }
    let input = channelsLast(image)
    let output = makeTensor(type: .float32, shape: layer.outputShape, layout: .channelsLast)
    let channels = layer.channels
    let taps = layer.kernel.h * layer.kernel.w
    let packed = try weights.packed(filters, as: .init(name: "depthwise"), count: taps * channels) { source, target in
      for tap in 0..<taps {
        for channel in 0..<channels { target[tap * channels + channel] = source[channel * taps + tap] }
      }
    }
    let bias = try paddedBias(layer.bias, columns: channels, padded: channels)
    let pixels = depthwiseTile(layer)
    let function = target.family == .cpu ? "depthwise" : "depthwise_gpu"
    let spec = KernelSpec(
      function, function,
      [
        "KH": "\(layer.kernel.h)", "KW": "\(layer.kernel.w)", "SH": "\(layer.strides.h)", "SW": "\(layer.strides.w)",
        "DH": "\(layer.dilations.h)", "DW": "\(layer.dilations.w)", "PIXELS": "\(pixels)",
      ]
    ).adding(activationDefine(layer.activation))
    let rows = layer.batch * layer.outputSize.h
    let arguments: [Argument] = [
      .input(input), .input(constantView(packed)), .input(bias), .output(output), .int(rows),
    ]
    let size: Argument = .int8([
      layer.size.h, layer.size.w, layer.outputSize.h, layer.outputSize.w, layer.padsBegin.h, layer.padsBegin.w,
      channels,
    ])
    switch target.family {
    case .cpu:
      let group = depthwiseGroup(layer)
      let groups = channels.dividedRoundingUp(by: group)
      let chunk = rows.dividedRoundingUp(by: (8 * target.computeUnits).dividedRoundingUp(by: groups))
      emit(
        spec, arguments + [.int(group), .int(chunk), size], global: [groups, rows.dividedRoundingUp(by: chunk)])
    case .gpu:
      emit(spec, arguments + [size], elements: rows * layer.outputSize.w * channels)
    }
    return output
  }

  /// Channels of a work-item: whole cache lines, of which the rows that one row of outputs reads take most of a first-level
  /// cache.
  private func depthwiseGroup(_ layer: ConvolutionLayer) -> Int {
    let channels = layer.channels
    guard channels % target.vectorWidth == 0 else { return channels }
    let fitting = 24 * 1024 / (4 * layer.kernel.h * layer.size.w)
    return min(channels, max(16, fitting / 16 * 16))
  }

  /// Outputs of a tile along a row, at most all: as many as registers hold with the inputs they read, with few past the row's end.
  private func depthwiseTile(_ layer: ConvolutionLayer) -> Int {
    let registers = target.vectorWidth == 16 ? 30 : 15
    let reach = (layer.kernel.w - 1) * layer.dilations.w + 1
    let fitting = (1...min(7, layer.outputSize.w)).filter { $0 + ($0 - 1) * layer.strides.w + reach < registers }
    func waste(_ pixels: Int) -> Double {
      let tiles = layer.outputSize.w.dividedRoundingUp(by: pixels)
      // Inputs of a tile are loaded once for all its outputs.
      let loads = Double((pixels - 1) * layer.strides.w + reach) / Double(layer.kernel.w)
      return Double(tiles) * (Double(pixels) + loads)
    }
    return fitting.min { waste($0) < waste($1) } ?? 1
  }

  // MARK: Direct and 1×1

  fileprivate mutating func dense(
    _ layer: ConvolutionLayer, image: TensorView, residual: TensorView?
  ) throws -> TensorView {
    guard let filters = layer.weights else { preconditionFailure("a fast layer has constant weights") }
    let (kh, kw) = layer.kernel
    let groups = layer.groups
    let channels = layer.channels / groups
    let outputs = layer.outputs / groups
    let depth = kh * kw * channels
    let rows = layer.outputPixels
    let isProduct = (kh, kw) == (1, 1) && layer.strides == (1, 1) && !layer.isPadded
    let tile = DenseTile(rows: rows, depth: depth, columns: outputs, launches: groups, target: target)
    let block = tile.vectors * target.vectorWidth
    let blocks = outputs.dividedRoundingUp(by: block)

    let packed = try weights.packed(
      filters, as: .init(name: "direct \(kh)x\(kw) \(channels)->\(outputs) x\(groups) by \(block)"),
      count: DensePacking.packedCount(matrices: groups, depth: depth, columns: outputs, block: block)
    ) { source, target in
      DensePacking.pack(
        source, into: target, matrices: groups, depth: depth, columns: outputs, block: block
      ) { group, k, column in
        let (tap, channel) = k.quotientAndRemainder(dividingBy: channels)
        return ((group * outputs + column) * channels + channel) * kh * kw + tap
      }
    }
    let bias = try paddedBias(layer.bias, columns: layer.outputs, padded: blocks * block, groups: groups)
    let output = makeTensor(type: .float32, shape: layer.outputShape, layout: .channelsLast)

    if target.family == .cpu, residual == nil, layer.isOfShortRuns {
      emitRows(
        layer, image: image, weights: constantView(packed), bias: bias, output: output, vectors: tile.vectors)
      return output
    }
    var defines: [KernelSpec.Define] = [
      .init(name: "ROWS", value: "\(tile.rows)"), .init(name: "V", value: "\(tile.vectors)"),
    ]
    let input: TensorView
    var size: [Int] = []
    var taps: [Int] = []
    if isProduct {
      input = channelsLast(image)
      defines.append(.init(name: "KBLOCK", value: "\(tile.depthBlock)"))
    } else {
      let padded = layer.paddedSize
      input = layer.isPadded ? paddedImage(layer, image: image) : channelsLast(image)
      // A kernel row is one contiguous run when its taps are neighbours and a group is a whole pixel.
      let contiguous = groups == 1 && layer.dilations.w == 1
      defines.append(.init(name: "CONVOLUTION", value: "1"))
      size = [
        layer.outputSize.h, layer.outputSize.w, layer.strides.h, layer.strides.w, padded.h, padded.w, layer.channels,
      ]
      taps = [
        kh, contiguous ? 1 : kw, contiguous ? kw * channels : channels, layer.dilations.h, layer.dilations.w,
      ]
    }
    if residual != nil { defines.append(.init(name: "RESIDUAL", value: "1")) }
    emitDense(
      defines + activationDefine(layer.activation),
      [
        .input(input), .input(constantView(packed)), .input(bias), .input(residual ?? bias), .output(output),
        .int(rows), .int(depth), .int(outputs), .int(channels), .int(layer.outputs), .int(tile.chunk), .int(channels),
        .int(blocks * block * depth), .int(blocks * block), .int(outputs), .int8(size), .int8(taps),
      ], output: output, rows: rows, blocks: blocks, launches: groups, tile: tile)
    return output
  }

  /// A convolution whose kernel rows are few floats each, see `convolution_row.cl`.
  private mutating func emitRows(
    _ layer: ConvolutionLayer, image: TensorView, weights: TensorView, bias: TensorView, output: TensorView,
    vectors: Int
  ) {
    let (height, width) = layer.outputSize
    // As many outputs as there are registers for, with few past the row's end.
    let candidates = DenseTile.rowCandidates(vectors: vectors, target: target).flatMap { [$0, $0 - 1] }
    let tile =
      candidates.filter { $0 <= width }.min { first, second in
        width.dividedRoundingUp(by: first) * (first + 1) < width.dividedRoundingUp(by: second) * (second + 1)
      } ?? width
    let spec = KernelSpec(
      "convolution_row", "convolution_row",
      [
        "ROWS": "\(tile)", "V": "\(vectors)", "KH": "\(layer.kernel.h)", "RUN": "\(layer.kernel.w * layer.channels)",
        "SH": "\(layer.strides.h)", "DH": "\(layer.dilations.h)", "STEP": "\(layer.strides.w * layer.channels)",
      ]
    ).adding(activationDefine(layer.activation))
    let input = layer.isPadded ? paddedImage(layer, image: image) : channelsLast(image)
    let rows = layer.batch * height
    let size: Argument = .int8([height, width, layer.paddedSize.h, layer.paddedSize.w * layer.channels])
    emit(
      spec,
      [.input(input), .input(weights), .input(bias), .output(output), .int(rows), .int(layer.outputs), size],
      tasks: rows, cost: width * layer.outputs * layer.kernel.h * layer.kernel.w * layer.channels / target.vectorWidth)
  }

  /// A channels-last copy of the image with a border of zeros.
  private mutating func paddedImage(_ layer: ConvolutionLayer, image: TensorView) -> TensorView {
    let size = layer.paddedSize
    let shape = [layer.batch, layer.channels, size.h, size.w]
    let padded = makeTensor(type: .float32, shape: shape, layout: .channelsLast)
    let strides = image.strides.count == 3 ? [image.strides[0], image.strides[1], 0, image.strides[2]] : image.strides
    let spec = KernelSpec(
      "pad_image", "pad_image",
      [
        "C": "\(layer.channels)", "H": "\(layer.size.h)", "W": "\(layer.size.w)", "PT": "\(layer.padsBegin.h)",
        "PL": "\(layer.padsBegin.w)", "HP": "\(size.h)", "WP": "\(size.w)", "SN": "\(strides[0])",
        "SC": "\(strides[1])", "SH": "\(strides[2])", "SW": "\(strides[3])",
      ])
    let rows = layer.batch * size.h
    let chunk = rows.dividedRoundingUp(by: 4 * target.computeUnits)
    emit(
      spec, [.input(image), .output(padded), .int(image.offset), .int(rows), .int(chunk)],
      global: [rows.dividedRoundingUp(by: chunk)])
    return padded
  }

  // MARK: Winograd

  fileprivate mutating func winograd(
    _ layer: ConvolutionLayer, filter: WinogradFilter, image: TensorView, residual: TensorView?
  ) throws -> TensorView {
    guard let filters = layer.weights else { preconditionFailure("a fast layer has constant weights") }
    let input = channelsLast(image)
    let output = makeTensor(type: .float32, shape: layer.outputShape, layout: .channelsLast)
    let tilesPerColumn = layer.outputSize.h.dividedRoundingUp(by: filter.step)
    let tilesPerRow = layer.outputSize.w.dividedRoundingUp(by: filter.step)
    let tiles = layer.batch * tilesPerColumn * tilesPerRow
    let vectors = DenseTile.vectors(columns: layer.outputs, target: target)
    let block = vectors * target.vectorWidth
    let blocks = layer.outputs.dividedRoundingUp(by: block)
    let schedule = WinogradSchedule(
      tiles: tiles, points: filter.points, channels: layer.channels, outputs: layer.outputs, vectors: vectors,
      target: target)

    let packed = try weights.packed(
      filters, as: .init(name: "winograd \(filter.step) \(layer.channels)->\(layer.outputs) by \(block)"),
      count: DensePacking.packedCount(
        matrices: filter.points, depth: layer.channels, columns: layer.outputs, block: block)
    ) { filter.pack($0, into: $1, inputs: layer.channels, outputs: layer.outputs, block: block) }
    let bias = try paddedBias(layer.bias, columns: layer.outputs, padded: blocks * block)

    let size: Argument = .int8([
      layer.size.h, layer.size.w, layer.outputSize.h, layer.outputSize.w, tilesPerColumn, tilesPerRow,
      layer.padsBegin.h, layer.padsBegin.w,
    ])
    let product: [KernelSpec.Define] =
      [
        .init(name: "ROWS", value: "\(schedule.rows)"), .init(name: "V", value: "\(vectors)"),
      ] + target.weightDefines
    let epilogue =
      (residual == nil ? [] : [KernelSpec.Define(name: "RESIDUAL", value: "1")]) + activationDefine(layer.activation)

    switch schedule.stages {
    case .fused(let items):
      let scratch = makeTensor(
        type: .float32, shape: [items, filter.points, schedule.tilesPerItem, layer.channels + layer.outputs])
      emit(
        KernelSpec("winograd", "winograd", ["STAGE_ALL": "1", "SIDE": "\(filter.side)"]).adding(product + epilogue),
        [
          .input(input), .input(constantView(packed)), .input(bias), .input(residual ?? bias), .output(output),
          .output(scratch), .int(tiles), .int(tiles.dividedRoundingUp(by: schedule.tilesPerItem)),
          .int(schedule.tilesPerItem),
          .int(layer.channels), .int(layer.outputs), size,
        ], global: [items])
    case .separate:
      let transformed = makeTensor(type: .float32, shape: [filter.points, tiles, layer.channels])
      let products = makeTensor(type: .float32, shape: [filter.points, tiles, layer.outputs])
      let chunk = tiles.dividedRoundingUp(by: 4 * target.computeUnits)
      let items = tiles.dividedRoundingUp(by: chunk)
      let rowChunk = min(192, tiles).roundedUp(to: schedule.rows)
      emit(
        KernelSpec("winograd", "winograd_input", ["STAGE_INPUT": "1", "SIDE": "\(filter.side)"]),
        [.input(input), .output(transformed), .int(tiles), .int(chunk), .int(layer.channels), size], global: [items])
      emit(
        KernelSpec("dense", "dense", ["KBLOCK": "1024"]).adding(product),
        [
          .input(transformed), .input(constantView(packed)), .input(try zeros(blocks * block)), .input(bias),
          .output(products), .int(tiles), .int(layer.channels), .int(layer.outputs), .int(layer.channels),
          .int(layer.outputs), .int(rowChunk), .int(tiles * layer.channels), .int(blocks * block * layer.channels),
          .int(0), .int(tiles * layer.outputs), .int8([]), .int8([]),
        ], global: [blocks, tiles.dividedRoundingUp(by: rowChunk), filter.points])
      emit(
        KernelSpec("winograd", "winograd_output", ["STAGE_OUTPUT": "1", "SIDE": "\(filter.side)"]).adding(epilogue),
        [
          .input(products), .input(bias), .input(residual ?? bias), .output(output), .int(tiles), .int(chunk),
          .int(layer.outputs), size,
        ], global: [items])
    }
    return output
  }

  /// `count` zeros on the device.
  mutating func zeros(_ count: Int) throws -> TensorView {
    constantView(
      try weights.shared(.init(name: "zeros \(count)"), count: count) { $0.initialize(repeating: 0) })
  }

  // MARK: Anything else

  fileprivate mutating func anyConvolution(
    _ layer: ConvolutionLayer, image: TensorView, residual: TensorView?
  ) throws -> TensorView {
    let output = makeTensor(type: .float32, shape: layer.outputShape, layout: .channelsLast)
    let filters = rowMajor(try view(layer.weightValue))
    let bias = try layer.biasValue.map { rowMajor(try view($0)) }
    var defines = activationDefine(layer.activation)
    if bias != nil { defines.append(.init(name: "BIAS", value: "1")) }
    if residual != nil { defines.append(.init(name: "RESIDUAL", value: "1")) }
    let missing = 3 - layer.spatialRank
    guard missing >= 0 else {
      throw EngineError.unsupported(
        node: currentNode, op: "Conv", reason: "it has \(layer.spatialRank) spatial dimensions, at most 3 are supported"
      )
    }
    func spatial(_ values: [Int], _ filler: Int) -> [Int] { [Int](repeating: filler, count: missing) + values }
    func image5(_ values: [Int], _ filler: Int) -> [Int] { Array(values[..<2]) + spatial(Array(values[2...]), filler) }
    emit(
      KernelSpec("convolution_any", "convolution_any").adding(defines),
      [
        .input(image), .input(filters), .input(bias ?? filters), .input(residual ?? filters), .output(output),
        .int(image.offset), .int8(image5(layer.inputShape, 1)), .int8(image5(image.strides, 0)),
        .int8(image5(layer.outputShape, 1)), .int8(image5(output.strides, 0)), .int8(spatial(layer.geometry.kernel, 1)),
        .int8(spatial(layer.geometry.strides, 1)), .int8(spatial(layer.geometry.dilations, 1)),
        .int8(spatial(layer.geometry.padsBegin, 0)), .int(layer.groups),
      ], elements: layer.outputShape.elementCount)
    return output
  }
}
