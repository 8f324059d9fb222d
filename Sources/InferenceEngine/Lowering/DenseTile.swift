import ModelGraph

/// The shape of a micro-kernel of `dense.cl`, and how its work is split into work-items.
///
/// `columns` decides how weights are packed, so it depends on the layer only; the other figures may follow the batch:
/// they change speed and no bit of a result.
struct DenseTile: Sendable, Hashable {
  /// Rows of the register tile.
  let rows: Int
  /// Vectors of the register tile; `vectors * vectorWidth` columns.
  let vectors: Int
  /// Rows of one work-item.
  let chunk: Int
  /// Elements of depth between passes over a chunk.
  let depthBlock: Int

  /// Vectors per packed column block for a layer with `columns` outputs: as many as the accumulators allow without
  /// computing many columns that do not exist.
  static func vectors(columns: Int, target: KernelTarget) -> Int {
    if target.family == .gpu { return gpuTile / target.vectorWidth }
    let available = columns.dividedRoundingUp(by: target.vectorWidth)
    // With 32 registers (VW 16): 6 x 4, 8 x 3 and 12 x 2 tiles; with 16 registers: 6 x 2 and 4 x 3.
    guard target.vectorWidth == 16 else { return available % 3 == 0 ? 3 : min(2, available) }
    if available % 4 == 0 { return 4 }
    if available % 3 == 0 { return 3 }
    if available % 2 == 0 { return 2 }
    return available == 1 ? 1 : available > 6 ? 4 : available == 5 ? 3 : 2
  }

  /// Rows that give `vectors` columns enough independent sums to hide the latency of fma.
  static func rowCandidates(vectors: Int, target: KernelTarget) -> [Int] {
    guard target.vectorWidth == 16 else { return vectors == 3 ? [4, 3] : vectors == 2 ? [6, 5, 4] : [12, 8] }
    return switch vectors {
    case 4: [6, 5, 4]
    case 3: [8, 7, 6]
    case 2: [12, 10, 8, 7]
    default: [14, 12, 8]
    }
  }

  /// Results of this size and more leave the caches before anybody reads them.
  static let streamedBytes = 12 << 20

  /// Rows and columns of a work-group's tile in `dense_gpu.cl`.
  static let gpuTile = 64

  init(rows count: Int, depth: Int, columns: Int, launches: Int = 1, target: KernelTarget) {
    vectors = Self.vectors(columns: columns, target: target)
    let candidates = Self.rowCandidates(vectors: vectors, target: target)
    if count <= candidates[0] {
      rows = max(1, count)
    } else {
      // The largest tile that fills the rows together with tiles of one row less, as `dense` cuts them.
      rows = candidates.first { count.dividedRoundingUp(by: $0) * ($0 - 1) <= count } ?? candidates[0]
    }

    // Work-items: at least four per compute unit when the work allows, each with rows enough to use its weights.
    let blocks = columns.dividedRoundingUp(by: vectors * target.vectorWidth) * launches
    let wanted = max(1, (8 * target.computeUnits).dividedRoundingUp(by: blocks))
    // The rows of a chunk should stay in the second-level cache while all columns pass: 256 KiB.
    let cached = max(rows, (1 << 16) / max(1, depth))
    var chunk = min(count.dividedRoundingUp(by: wanted), max(cached, 4 * rows))
    // Weights that do not fit a cache are streamed once per chunk: then fewer, longer chunks.
    if depth * columns > 1 << 19 { chunk = max(chunk, min(count.dividedRoundingUp(by: wanted), 192)) }
    self.chunk = max(1, chunk).roundedUp(to: rows)
    depthBlock = 1024
  }

  func blocks(columns: Int, target: KernelTarget) -> Int {
    columns.dividedRoundingUp(by: vectors * target.vectorWidth)
  }
}

extension Lowering {
  /// Launches `dense` (or its GPU variant) over `launches` products that share figures; arguments as in `dense.cl`.
  mutating func emitDense(
    _ defines: [KernelSpec.Define], _ arguments: [Argument], output: TensorView, rows: Int, blocks: Int, launches: Int,
    tile: DenseTile
  ) {
    var defines = defines + target.weightDefines
    let isAligned = output.shape.count >= 2 && output.strides.allSatisfy { $0 == 1 || $0 % target.vectorWidth == 0 }
    if target.family == .cpu, isAligned, output.elementCount * 4 >= DenseTile.streamedBytes {
      defines.append(.init(name: "STREAM", value: "1"))
    }
    switch target.family {
    case .cpu:
      emit(
        KernelSpec("dense", "dense").adding(defines), arguments,
        global: [blocks, rows.dividedRoundingUp(by: tile.chunk), launches])
    case .gpu:
      let side = 16
      emit(
        KernelSpec("dense_gpu", "dense_gpu").adding(defines), arguments,
        global: [blocks * side, rows.dividedRoundingUp(by: DenseTile.gpuTile) * side, launches], local: [side, side, 1])
    }
  }
}
