import ModelGraph
import OpenCLRuntime

/// Lowers matrix products: fused `Gemm` with packed weights, and `MatMul`/`Gemm` of computed tensors.
enum LinearLowering {
  static let operators: [String: OperatorLowering.Lower] = ["MatMul": matMul, "Gemm": gemm]
  static let fusedOperators: [String: OperatorLowering.Lower] = [FusedOperator.gemm.rawValue: fusedGemm]

  // MARK: Packed weights

  private static func fusedGemm(_ node: Node, into lowering: inout Lowering) throws {
    guard let a = node.input(0), let b = node.input(1), let output = node.output(0),
      let weights = lowering.graph.constant(b), weights.shape.count == 2
    else {
      throw EngineError.unsupported(node: node.name, op: node.op, reason: "its second input is no constant matrix")
    }
    let input = try lowering.rowMajor(a)
    let shape = try lowering.shape(of: output)
    let transposed = node.int("transB") ?? 0 != 0
    let (depth, columns) = (weights.shape[transposed ? 1 : 0], weights.shape[transposed ? 0 : 1])
    let rows = columns == 0 ? 0 : shape.elementCount / columns
    let target = lowering.target
    let tile = DenseTile(rows: rows, depth: depth, columns: columns, target: target)
    let block = tile.vectors * target.vectorWidth
    let blocks = columns.dividedRoundingUp(by: block)

    let packed = try lowering.weights.packed(
      weights, as: .init(name: "gemm\(transposed ? " transposed" : "") by \(block)"),
      count: DensePacking.packedCount(depth: depth, columns: columns, block: block)
    ) { source, target in
      let (kStride, columnStride) = transposed ? (1, depth) : (columns, 1)
      let storage = weights.storage
      let width = weights.type.byteWidth
      let release: @Sendable (Range<Int>) -> Void = { storage.releasePages(of: $0, bytesEach: width) }
      DensePacking.pack(
        source, into: target, matrices: 1, depth: depth, columns: columns, block: block,
        done: transposed && depth * block >= 1 << 18 ? release : nil
      ) { _, k, column in k * kStride + column * columnStride }
    }
    let bias = try lowering.paddedBias(lowering.graph.constant(node.input(2)), columns: columns, padded: blocks * block)
    let residual = try node.input(3).map { try lowering.rowMajor($0) }
    let result = lowering.makeTensor(type: .float32, shape: shape)

    var defines: [KernelSpec.Define] = [
      .init(name: "ROWS", value: "\(tile.rows)"), .init(name: "V", value: "\(tile.vectors)"),
      .init(name: "KBLOCK", value: "\(tile.depthBlock)"),
    ]
    if residual != nil { defines.append(.init(name: "RESIDUAL", value: "1")) }
    if let activation = Activation(of: node) {
      defines.append(.init(name: "ACTIVATE(x)", value: ActivationExpression.text(for: activation, of: "x")))
    }
    lowering.emitDense(
      defines,
      [
        .input(input), .input(lowering.constantView(packed)), .input(bias), .input(residual ?? bias), .output(result),
        .int(rows), .int(depth), .int(columns), .int(depth), .int(columns), .int(tile.chunk), .int(0), .int(0), .int(0),
        .int(0), .int8([]), .int8([]),
      ], output: result, rows: rows, blocks: blocks, launches: 1, tile: tile)
    lowering.define(output, result)
  }

  // MARK: Computed matrices

  private static func matMul(_ node: Node, into lowering: inout Lowering) throws {
    guard let a = node.input(0), let b = node.input(1), let output = node.output(0) else {
      throw EngineError.unsupported(node: node.name, op: node.op, reason: "it lacks an input or output")
    }
    var left = try lowering.view(a)
    var right = try lowering.view(b)
    // ONNX MatMul is numpy.matmul: vectors become matrices for the product only.
    if left.rank == 1 { left = left.inserting(axis: 0) }
    if right.rank == 1 { right = right.inserting(axis: 1) }
    try product(
      left, right, addend: nil, alpha: 1, beta: 0, shape: try lowering.shape(of: output), output: output, node: node,
      into: &lowering)
  }

  private static func gemm(_ node: Node, into lowering: inout Lowering) throws {
    guard let a = node.input(0), let b = node.input(1), let output = node.output(0) else {
      throw EngineError.unsupported(node: node.name, op: node.op, reason: "it lacks an input or output")
    }
    var left = try lowering.view(a)
    var right = try lowering.view(b)
    if node.int("transA") ?? 0 != 0 { left = left.transposingLastTwo() }
    if node.int("transB") ?? 0 != 0 { right = right.transposingLastTwo() }
    let addend = try node.input(2).map { try lowering.rowMajor($0) }
    try product(
      left, right, addend: addend, alpha: node.float("alpha") ?? 1, beta: node.float("beta") ?? 1,
      shape: try lowering.shape(of: output), output: output, node: node, into: &lowering)
  }

  private static func product(
    _ left: TensorView, _ right: TensorView, addend: TensorView?, alpha: Float, beta: Float, shape: Shape,
    output: ValueID, node: Node, into lowering: inout Lowering
  ) throws {
    guard left.type == .float32, right.type == .float32 else {
      throw EngineError.unsupported(
        node: node.name, op: node.op, reason: "matrices of \(left.type.rawValue) are not supported, only float")
    }
    let a = lowering.withContiguousRows(left)
    let b = lowering.withContiguousRows(right)
    let rank = max(a.rank, b.rank)
    let (rows, depth, columns) = (a.shape[a.rank - 2], a.shape[a.rank - 1], b.shape[b.rank - 1])
    var batchShape: Shape = []
    var aStrides: [Int] = []
    var bStrides: [Int] = []
    for axis in 0..<(rank - 2) {
      func extent(_ view: TensorView) -> (Int, Int) {
        let own = axis - (rank - view.rank)
        return own < 0 ? (1, 0) : (view.shape[own], view.shape[own] == 1 ? 0 : view.strides[own])
      }
      let (an, astride) = extent(a)
      let (bn, bstride) = extent(b)
      batchShape.append(an == 1 ? bn : an)
      aStrides.append(astride)
      bStrides.append(bstride)
    }
    let lead = 8 - batchShape.count
    guard lead >= 0 else {
      throw EngineError.unsupported(
        node: node.name, op: node.op, reason: "its rank is \(rank), at most 10 is supported")
    }
    func padded(_ values: [Int], _ filler: Int) -> [Int] { [Int](repeating: filler, count: lead) + values }

    let result = lowering.makeTensor(type: .float32, shape: shape)
    let target = lowering.target
    let tile = DenseTile(rows: rows, depth: depth, columns: columns, launches: batchShape.elementCount, target: target)
    var defines: [KernelSpec.Define] = [
      .init(name: "ROWS", value: "\(tile.rows)"), .init(name: "V", value: "\(tile.vectors)"),
    ]
    var addendRow = 0
    var addendColumn = 0
    if let addend {
      defines.append(.init(name: "ADDEND", value: "1"))
      if let last = addend.shape.last, last > 1 { addendColumn = 1 }
      if addend.rank == 2, addend.shape[0] > 1 { addendRow = addend.shape[1] }
    }
    let block = tile.vectors * target.vectorWidth
    let arguments: [Argument] = [
      .input(a), .input(b), .input(addend ?? a), .output(result), .int(rows), .int(depth), .int(columns),
      .int(a.strides[a.rank - 2]), .int(b.strides[b.rank - 2]), .int8(padded(batchShape, 1)),
      .int8(padded(aStrides, 0)), .int8(padded(bStrides, 0)), .float(alpha), .float(beta), .int(addendRow),
      .int(addendColumn), .int(tile.chunk),
    ]
    let batch = batchShape.elementCount
    switch target.family {
    case .cpu:
      lowering.emit(
        KernelSpec("matmul", "matmul").adding(defines), arguments,
        global: [columns.dividedRoundingUp(by: block), rows.dividedRoundingUp(by: tile.chunk), batch])
    case .gpu:
      let side = 16
      lowering.emit(
        KernelSpec("matmul_gpu", "matmul_gpu").adding(defines), arguments,
        global: [columns.roundedUp(to: side), rows.roundedUp(to: side), batch], local: [side, side, 1])
    }
    lowering.define(output, result)
  }
}

extension Lowering {
  /// A view whose last dimension is contiguous and whose first element is at offset 0; the view itself when it is so.
  fileprivate mutating func withContiguousRows(_ view: TensorView) -> TensorView {
    let isContiguous = view.shape[view.rank - 1] == 1 || view.strides[view.rank - 1] == 1
    return isContiguous && view.offset == 0 && view.strides.allSatisfy { $0 >= 0 } ? view : rowMajor(view)
  }
}

extension TensorView {
  /// The view with a dimension of extent 1 before `axis`.
  func inserting(axis: Int) -> TensorView {
    var view = self
    view.shape.insert(1, at: axis)
    view.strides.insert(axis < strides.count ? strides[axis] * shape[axis] : 1, at: axis)
    return view
  }

  func transposingLastTwo() -> TensorView {
    var view = self
    view.shape.swapAt(rank - 2, rank - 1)
    view.strides.swapAt(rank - 2, rank - 1)
    return view
  }
}
