import ModelGraph
import OpenCLRuntime

/// Turns a specialised, fused graph into kernel launches over planned memory.
///
/// One lowering function per operator family, see ``OperatorLowering``; each asks for its inputs in the layout that it
/// can read, makes its outputs, and emits steps.
struct Lowering {
  /// While a part of the batch is lowered, with the shapes of that part.
  var graph: Graph
  let target: KernelTarget
  let weights: WeightStore
  let tuning: Tuning

  private(set) var steps: [Step] = []
  /// Blocks by ``MemoryID``.
  var blocks: [Block] = []
  private var views: [ValueID: TensorView] = [:]
  private var outputViews: [ValueID: TensorView] = [:]
  private var constantBlocks: [ObjectIdentifier: MemoryID] = [:]
  /// Copies already made of a view in another layout, and when they are made, so that two readers share one.
  private var copies: [CopyKey: (view: TensorView, demand: Demand)] = [:]
  /// Of a window's first byte.
  let alignment: Int
  /// The outputs that a run may go without.
  private let sideOutputs: Set<ValueID>
  /// Who needs the steps being emitted.
  private var demand = Demand.always
  /// The node being lowered, for the names of steps and errors.
  private(set) var currentNode = ""
  /// For each node, the number of steps once it was lowered.
  private(set) var stepsAfterNode: [Int] = []
  /// For each output of the graph, the number of steps after which it is complete.
  private(set) var stepsAfterOutput: [ValueID: Int] = [:]

  enum Block: Sendable {
    /// Memory of the arena, written by steps (or by the host, for inputs).
    case planned(byteCount: Int)
    case constant(Buffer)
    /// A window of planned memory.
    case part(of: MemoryID, byteOffset: Int, byteCount: Int)
    /// A constant whose weights are away.
    case away(WeightStore.Slot)
  }

  private struct CopyKey: Hashable {
    let memory: MemoryID
    let shape: Shape
    let strides: [Int]
    let offset: Int
    let layout: [Int]
  }

  /// - Parameters:
  ///   - sideOutputs: the outputs that a run may go without; others must not depend on them.
  ///   - alignment: that the device wants of a window's first byte.
  init(
    graph: Graph, sideOutputs: Set<ValueID> = [], target: KernelTarget, weights: WeightStore, tuning: Tuning,
    alignment: Int
  ) {
    self.graph = graph
    self.alignment = alignment
    self.sideOutputs = sideOutputs
    self.target = target
    self.weights = weights
    self.tuning = tuning
  }

  /// Lowers every node. A side output is made row-major as soon as it is there, main outputs at the end.
  ///
  /// - Parameter ends: nodes after which the host may want to know that the whole batch has come so far.
  mutating func lowerAll(ends: Set<Int> = []) throws {
    for input in graph.inputs where graph[input].constant == nil {
      define(input, makeTensor(type: try type(of: input), shape: try shape(of: input)))
    }
    for output in graph.outputs where sideOutputs.contains(output) && existingView(output) != nil {
      try complete(output)
    }
    let demands = graph.demands(sides: sideOutputs)
    let splits =
      target.family == .cpu
      ? BatchSplit.runs(of: graph, demands: demands, ends: ends, cacheByteCount: tuning.cacheByteCount) : []
    let splitAt = Dictionary(uniqueKeysWithValues: splits.map { ($0.nodes.lowerBound, $0) })
    var index = 0
    while index < graph.nodes.count {
      demand = demands[index]
      var done = index..<index + 1
      if let split = splitAt[index], try lower(split) { done = split.nodes } else { try lower(graph.nodes[index]) }
      stepsAfterNode += repeatElement(steps.count, count: done.count)
      for case let output? in graph.nodes[done].flatMap(\.outputs) where sideOutputs.contains(output) {
        try complete(output)
      }
      index = done.upperBound
    }
    currentNode = "outputs"
    for output in graph.outputs where stepsAfterOutput[output] == nil { try complete(output) }
  }

  mutating func lower(_ node: Node) throws {
    currentNode = node.name
    try OperatorLowering.lower(node, into: &self)
  }

  /// Makes an output as the host reads it.
  private mutating func complete(_ output: ValueID) throws {
    demand = .always
    if sideOutputs.contains(output), let position = graph.outputs.firstIndex(of: output) { demand = .sides([position]) }
    // What else reads the value keeps to the view that is there in every run.
    let view = try view(output)
    outputViews[output] = rowMajor(view)
    stepsAfterOutput[output] = steps.count
  }

  // MARK: Values

  /// Where a value is. Constants are uploaded on first use (row-major).
  mutating func view(_ value: ValueID) throws -> TensorView {
    if let view = views[value] { return view }
    guard let constant = graph[value].constant else {
      throw EngineError.unknownValue(name: graph[value].name)
    }
    let view = try constantView(constant)
    views[value] = view
    return view
  }

  func existingView(_ value: ValueID) -> TensorView? { views[value] }

  /// An output as the host reads it: dense and row-major.
  func outputView(_ value: ValueID) -> TensorView? { outputViews[value] }

  func shape(of value: ValueID) throws -> Shape {
    guard let shape = graph[value].fixedShape else { throw EngineError.unknownValue(name: graph[value].name) }
    return shape
  }

  func type(of value: ValueID) throws -> DataType {
    guard let type = graph[value].type else { throw EngineError.unknownValue(name: graph[value].name) }
    return type
  }

  /// A value's constant as floats, when it is one.
  func constantFloats(_ value: ValueID?) -> [Float]? { graph.constant(value)?.floats }

  /// Records where a node's output is. `nil` outputs (absent) are ignored.
  mutating func define(_ value: ValueID?, _ view: TensorView) {
    if let value { views[value] = view }
  }

  /// A value of a part of the batch is no value of the next part.
  mutating func forget(_ value: ValueID) { views[value] = nil }

  /// A constant's row-major device copy, shared by every plan of the model.
  mutating func constantView(_ tensor: Tensor) throws -> TensorView {
    let buffer = try weights.buffer(for: tensor)
    return TensorView(
      memory: constant(buffer), type: tensor.type.deviceType, shape: tensor.shape, strides: tensor.shape.rowMajorStrides
    )
  }

  /// A block for a buffer that lives with the model (packed weights).
  mutating func constant(_ buffer: Buffer) -> MemoryID {
    let key = ObjectIdentifier(buffer)
    if let known = constantBlocks[key] { return known }
    blocks.append(.constant(buffer))
    let id = MemoryID(index: blocks.count - 1)
    constantBlocks[key] = id
    return id
  }

  /// A flat view of packed weights or of other model-owned data.
  mutating func constantView(_ buffer: Buffer, type: DataType = .float32) -> TensorView {
    let count = buffer.byteCount / type.byteWidth
    return TensorView(memory: constant(buffer), type: type, shape: [count], strides: [1])
  }

  /// New memory for a tensor that steps will write.
  mutating func makeTensor(type: DataType, shape: Shape, layout: Layout = .rowMajor) -> TensorView {
    let stored = type.deviceType
    blocks.append(.planned(byteCount: max(1, shape.elementCount) * stored.byteWidth))
    return TensorView(
      memory: MemoryID(index: blocks.count - 1), type: stored, shape: shape, strides: layout.strides(for: shape))
  }

  // MARK: Layouts

  /// The view itself when it is dense row-major from offset 0, else a copy that is.
  mutating func rowMajor(_ view: TensorView) -> TensorView {
    view.isRowMajor ? view : copy(view, to: .rowMajor)
  }

  mutating func channelsLast(_ view: TensorView) -> TensorView {
    view.isChannelsLast ? view : copy(view, to: .channelsLast)
  }

  mutating func rowMajor(_ value: ValueID) throws -> TensorView { rowMajor(try view(value)) }
  mutating func channelsLast(_ value: ValueID) throws -> TensorView { channelsLast(try view(value)) }

  /// A dense copy in `layout`; asking twice gives the same copy.
  private mutating func copy(_ view: TensorView, to layout: Layout) -> TensorView {
    let key = CopyKey(
      memory: view.memory, shape: view.shape, strides: view.strides, offset: view.offset,
      layout: layout.order(rank: view.rank))
    // A copy that not every run makes is no use to those that run without it.
    if let known = copies[key], known.demand.covers(demand) { return known.view }
    let result = makeTensor(type: view.type, shape: view.shape, layout: layout)
    emitCopy(from: view, to: result)
    copies[key] = (result, demand)
    return result
  }

  // MARK: Steps

  mutating func emit(_ kernel: KernelSpec, _ arguments: [Argument], global: [Int], local: [Int]? = nil) {
    guard global.allSatisfy({ $0 > 0 }) else { return }  // nothing to compute: a zero-sized tensor
    steps.append(
      Step(
        kernel: kernel, arguments: arguments, global: global,
        local: local ?? [Int](repeating: 1, count: global.count), node: currentNode, demand: demand))
  }

  /// Launches a kernel written with `FOR_EACH(i, count)` (see `Kernels/common.cl`) over `count` elements.
  mutating func emit(_ kernel: KernelSpec, _ arguments: [Argument], elements count: Int) {
    guard count > 0 else { return }
    let range = target.elementRange(count)
    emit(kernel, arguments, global: [range.global], local: [range.local])
  }
}
