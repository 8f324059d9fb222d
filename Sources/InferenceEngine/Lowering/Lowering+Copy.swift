import ModelGraph

extension Lowering {
  /// Copies the elements of one view to the places of another of the same shape and type, which must not overlap.
  ///
  /// Any strides and offsets; at most eight dimensions once merged. Runs go as vectors, transpositions (between row-major
  /// and channels-last, for one) in squares.
  mutating func emitCopy(from: TensorView, to: TensorView) {
    precondition(from.shape == to.shape && from.type == to.type, "a copy does not change shape or type")
    guard from.elementCount > 0 else { return }
    var loops = CopyLoops(from: from, to: to).axes
    if let sideways = CopyLoops(from: from, to: to).sideways, loops[sideways].extent >= 8 {
      let columns = loops.removeLast()
      let rows = loops.remove(at: sideways)
      return emitTransposition(from: from, to: to, rows: rows, columns: columns, outer: loops)
    }
    let row = loops.popLast() ?? CopyLoops.Axis(extent: 1, from: 1, to: 1)
    emit(
      KernelSpec(
        "copy", "copy_rows",
        [
          "T": from.type.wordName, "ROWS": "1", "FROM_STEP": (0...1).contains(row.from) ? "\(row.from)" : "place.s2",
          "TO_STEP": row.to == 1 ? "1" : "place.s3",
        ]),
      [.input(from), .output(to), .int(from.elementCount), .int(row.extent)]
        + Self.outerArguments(loops) + [.int4([from.offset, to.offset, row.from, row.to])],
      elements: from.elementCount)
  }

  private mutating func emitTransposition(
    from: TensorView, to: TensorView, rows: CopyLoops.Axis, columns: CopyLoops.Axis, outer: [CopyLoops.Axis]
  ) {
    let kernel = KernelSpec("copy", "copy_transposed", ["T": from.type.wordName, "TRANSPOSED": "1"])
    let blocks = outer.reduce(rows.extent.dividedRoundingUp(by: 16)) { $0 * $1.extent }
    let arguments: [Argument] =
      [.int(rows.extent), .int(columns.extent)] + Self.outerArguments(outer)
      + [.int4([from.offset, to.offset, columns.from, rows.to])]
    switch target.family {
    case .cpu:
      emit(
        kernel, [.input(from), .output(to), .int(blocks)] + arguments, tasks: blocks, cost: 16 * columns.extent)
    case .gpu:
      emit(
        kernel, [.input(from), .output(to)] + arguments, global: [columns.extent.roundedUp(to: 16), blocks * 16],
        local: [16, 16])
    }
  }

  private static func outerArguments(_ axes: [CopyLoops.Axis]) -> [Argument] {
    precondition(axes.count <= 8, "a copy has at most nine dimensions")
    return [.int(axes.count), .int8(axes.map(\.extent)), .int8(axes.map(\.from)), .int8(axes.map(\.to))]
  }
}

extension DataType {
  /// OpenCL C's unsigned integer of the same width, to move elements without looking at them.
  var wordName: String {
    switch deviceType.byteWidth {
    case 1: "uchar"
    case 2: "ushort"
    case 4: "uint"
    default: "ulong"
    }
  }
}
