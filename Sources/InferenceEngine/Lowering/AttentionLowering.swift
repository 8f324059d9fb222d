import ModelGraph

/// Lowers fused scaled dot-product attention.
enum AttentionLowering {
  static let fusedOperators: [String: OperatorLowering.Lower] = [FusedOperator.attention.rawValue: lower]

  @Sendable private static func lower(_ node: Node, into lowering: inout Lowering) throws {
    guard let q = node.input(0), let k = node.input(1), let v = node.input(2), let output = node.output(0),
      let heads = node.int("num_heads"), let scale = node.float("scale")
    else {
      throw EngineError.unsupported(node: node.name, op: node.op, reason: "it lacks an input or attribute")
    }
    let query = try lowering.withUnitInnerStride(lowering.view(q))
    let key = try lowering.withUnitInnerStride(lowering.view(k))
    let value = try lowering.withUnitInnerStride(lowering.view(v))
    let shape = try lowering.shape(of: output)
    let (batch, queries, width) = (shape[0], shape[1], shape[2])
    let length = key.shape[1]
    guard query.shape[2] == width, key.shape[2] == width else {
      throw EngineError.unsupported(
        node: node.name, op: node.op, reason: "its keys are \(key.shape[2]) wide and its values \(width)")
    }
    let head = width / heads
    let mask = try AttentionMask(node.input(3), in: &lowering)
    let result = lowering.makeTensor(type: .float32, shape: shape)
    lowering.define(output, result)
    let target = lowering.target
    if target.family == .gpu {
      lowering.emit(
        KernelSpec("attention_gpu", "attention_gpu", ["HEAD": "\(head)"]).adding(mask.defines),
        [
          .input(query), .input(key), .input(value), .input(mask.view ?? query), .output(result),
          .local(byteCount: (length + 64) * 4), .int(queries), .int(length), .int(heads), .int(query.strides[1]),
          .int(key.strides[1]), .int(value.strides[1]), .int(width), .float(scale),
        ] + mask.arguments, global: [queries * 64, heads, batch], local: [64, 1, 1])
      return
    }

    let vectors = DenseTile.vectors(columns: head, target: target)
    let columns = vectors * target.vectorWidth
    let rows = min(queries, target.vectorWidth == 16 ? (vectors == 4 ? 6 : vectors == 3 ? 8 : 12) : 6)
    let keyBlocks = length.dividedRoundingUp(by: columns)
    let headBlocks = head.dividedRoundingUp(by: columns)
    let keys = lowering.makeTensor(type: .float32, shape: [batch * heads, keyBlocks, head, columns])
    let values = lowering.makeTensor(type: .float32, shape: [batch * heads, headBlocks, length, columns])
    let defines: [KernelSpec.Define] = [
      .init(name: "HEAD", value: "\(head)"), .init(name: "ROWS", value: "\(rows)"),
      .init(name: "V", value: "\(vectors)"),
    ]
    // Both functions come from one program.
    lowering.emit(
      KernelSpec("attention", "attention_pack").adding(defines + mask.defines),
      [
        .input(key), .input(value), .output(keys), .output(values), .int(length), .int(heads), .int(key.strides[1]),
        .int(value.strides[1]),
      ], global: [batch * heads])

    // Enough work-items for every compute unit; a chunk of queries shares one pass over keys and values.
    let wanted = max(1, (4 * target.computeUnits).dividedRoundingUp(by: batch * heads))
    let chunk = queries.dividedRoundingUp(by: wanted).roundedUp(to: rows)
    let chunks = queries.dividedRoundingUp(by: chunk)
    let scores = lowering.makeTensor(type: .float32, shape: [batch * heads * chunks, rows, keyBlocks * columns])
    lowering.emit(
      KernelSpec("attention", "attention").adding(defines + mask.defines),
      [
        .input(query), .input(keys), .input(values), .input(mask.view ?? query), .output(scores), .output(result),
        .int(queries), .int(length), .int(heads), .int(query.strides[1]), .int(width), .float(scale), .int(chunk),
      ] + mask.arguments, global: [batch * heads, chunks])
  }
}

/// An additive mask that broadcasts to `[N, heads, Sq, Sk]`, as the kernels take it: an offset and four strides.
private struct AttentionMask {
  let view: TensorView?
  private let strides: [Int]

  init(_ value: ValueID?, in lowering: inout Lowering) throws {
    var strides = [0, 0, 0, 0]
    view = try value.map { try lowering.view($0) }
    if let view {
      for axis in 0..<view.rank where view.shape[view.rank - 1 - axis] > 1 {
        strides[3 - axis] = view.strides[view.rank - 1 - axis]
      }
    }
    self.strides = strides
  }

  var defines: [KernelSpec.Define] { view == nil ? [] : [.init(name: "MASK", value: "1")] }
  var arguments: [Argument] { [.int(view?.offset ?? 0)] + strides.map { .int($0) } }
}

extension Lowering {
  /// The view when its rows of `[N, S, width]` are contiguous and items follow each other without gaps, else a copy.
  fileprivate mutating func withUnitInnerStride(_ view: TensorView) -> TensorView {
    let follows = view.shape[0] == 1 || view.strides[0] == view.strides[1] * view.shape[1]
    return view.offset == 0 && view.strides[2] == 1 && follows ? view : rowMajor(view)
  }
}
