import ModelGraph

extension Lowering {
  /// Lowers a run of nodes once for each part of the batch.
  ///
  /// What the run reads and what others read of it is there for the whole batch, and a part of it is a window; all else
  /// is memory of one part, which the next part takes over.
  ///
  /// - Returns: false, with nothing done, when windows can't be made of the tensors at the run's ends.
  mutating func lower(_ split: BatchSplit) throws -> Bool {
    let before = self
    let nodes = graph.nodes[split.nodes]
    let made = Set(nodes.flatMap { $0.outputs.compactMap { $0 } })
    let readOutside = Set(
      graph.nodes[..<split.nodes.lowerBound].flatMap(\.inputs)
        + graph.nodes[split.nodes.upperBound...].flatMap(\.inputs)
        + graph.outputs)
    let kept = made.filter(readOutside.contains).sorted()
    let read = Set(nodes.flatMap { $0.inputs.compactMap { $0 } }).subtracting(made)
      .filter { graph.constant($0) == nil }.sorted()
    let wholeGraph = graph
    var (wholes, views) = ([ValueID: TensorView](), [ValueID: TensorView]())
    for value in read {
      let view = try view(value)
      views[value] = view
      let dense = view.isRowMajor || view.isChannelsLast ? view : channelsLast(view)
      guard hasWindows(dense, items: split.items) else {
        self = before
        return false
      }
      wholes[value] = dense
    }
    let batch = wholes.values.first?.shape.first ?? 0
    for value in read + made { graph[value].shape?[0] = .fixed(split.items) }
    for first in stride(from: 0, to: batch, by: split.items) {
      for value in read {
        guard let whole = wholes[value] else { continue }
        define(value, window(of: whole, first: first, items: split.items))
      }
      for node in nodes { try lower(node) }
      for value in kept {
        var part = try view(value)
        if !isOwnMemory(part) { part = freshCopy(of: part) }
        let whole = wholes[value] ?? makeWhole(of: part, batch: batch)
        guard part.strides == whole.strides, hasWindows(whole, items: split.items) else {
          self = before
          return false
        }
        wholes[value] = whole
        put(part, into: whole, at: first)
      }
    }
    graph = wholeGraph
    for value in made { forget(value) }
    for (value, view) in views { define(value, view) }
    for value in kept { if let whole = wholes[value] { define(value, whole) } }
    return true
  }

  // MARK: Windows

  /// Whether a tensor's memory can be cut into windows of so many items.
  private func hasWindows(_ view: TensorView, items: Int) -> Bool {
    isOwnMemory(view) && items * view.strides[0] * view.type.byteWidth % alignment == 0
  }

  /// Whether a view is the whole of memory that steps write.
  private func isOwnMemory(_ view: TensorView) -> Bool {
    guard case .planned(let byteCount) = blocks[view.memory.index], view.isRowMajor || view.isChannelsLast else {
      return false
    }
    return byteCount == view.elementCount * view.type.byteWidth
  }

  /// Some items of a tensor that has windows.
  private mutating func window(of view: TensorView, first: Int, items: Int) -> TensorView {
    let itemBytes = view.strides[0] * view.type.byteWidth
    blocks.append(.part(of: view.memory, byteOffset: first * itemBytes, byteCount: items * itemBytes))
    var window = view
    window.memory = MemoryID(index: blocks.count - 1)
    window.shape[0] = items
    return window
  }

  /// Memory for all items of what `part` has some of, in its layout.
  private mutating func makeWhole(of part: TensorView, batch: Int) -> TensorView {
    makeTensor(
      type: part.type, shape: [batch] + part.shape.dropFirst(), layout: part.isChannelsLast ? .channelsLast : .rowMajor)
  }

  /// Lets the memory that steps write `part` to be a window of `whole`.
  private mutating func put(_ part: TensorView, into whole: TensorView, at first: Int) {
    let itemBytes = whole.strides[0] * whole.type.byteWidth
    blocks[part.memory.index] = .part(
      of: whole.memory, byteOffset: first * itemBytes, byteCount: part.elementCount * part.type.byteWidth)
  }

  /// A copy in memory of its own.
  private mutating func freshCopy(of view: TensorView) -> TensorView {
    let result = makeTensor(type: view.type, shape: view.shape, layout: .channelsLast)
    emitCopy(from: view, to: result)
    return result
  }
}
