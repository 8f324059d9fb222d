import ModelGraph
import OpenCLRuntime

/// A graph lowered for one set of input shapes: kernel launches in order, with all memory placed.
///
/// Not thread-safe by itself, whatever it says: ``LoadedModel`` touches plans under its lock only.
final class ExecutionPlan: @unchecked Sendable {
  struct Port {
    let name: String
    let value: ValueID
    /// The type in the model; `view.type` is the type on the device.
    let type: DataType
    let view: TensorView
    /// For outputs: how many steps there are until it is complete, and whether a run may go without it.
    var steps = 0
    var isSide = false
  }

  let inputs: [Port]
  let outputs: [Port]
  let steps: [Step]
  let arenaByteCount: Int
  /// The first step that does not belong to the segment which ends with this value, for every cut vertex.
  let cuts: [(vertex: CutVertex, step: Int)]

  /// For each value that a node makes, by name, the number of steps until it is there.
  private let stepsAfterValue: [String: Int]
  private var blocks: [Lowering.Block]
  private let memory: MemoryPlan
  /// Whether blocks are parts of the arena, or each a buffer of its own.
  private let sharing: Bool
  private let memoryIndex: [MemoryID: Int]
  private var launches: [Launch] = []
  /// The steps in one launch, once there is a program for it.
  private var stepQueue: StepQueue?
  private var boundArena: Buffer?
  private var blockBuffers: [Buffer?] = []

  private struct Launch {
    let kernel: Kernel
    let range: NDRange
  }

  /// The steps of a run, ascending: those that its outputs need.
  private(set) var selected: [Int]
  /// The steps of some choices of side outputs.
  private var selections: [Set<Int>: [Int]] = [:]
  /// Positions of the side outputs that runs compute.
  private(set) var sides: Set<Int> = []

  /// - Parameters:
  ///   - lowering: of `graph`.
  ///   - trunk: the part of `graph` that every run computes.
  init(lowering: Lowering, graph: Graph, trunk: Graph, sideOutputs: Set<ValueID>, alignment: Int, sharing: Bool) throws
  {
    steps = lowering.steps
    selected = steps.indices.filter { lowering.steps[$0].demand.isMet(by: []) }
    blocks = lowering.blocks
    inputs = try graph.inputs.compactMap { value in
      guard let view = lowering.existingView(value), graph[value].constant == nil else { return nil }
      return Port(name: graph[value].name, value: value, type: try lowering.type(of: value), view: view)
    }
    outputs = try graph.outputs.map { value in
      guard let view = lowering.outputView(value), let steps = lowering.stepsAfterOutput[value] else {
        throw EngineError.unknownValue(name: graph[value].name)
      }
      return Port(
        name: graph[value].name, value: value, type: try lowering.type(of: value), view: view, steps: steps,
        isSide: sideOutputs.contains(value))
    }
    let producers = graph.producers()
    cuts = trunk.cutVertices().compactMap { vertex in
      producers[vertex.value].map { (vertex, lowering.stepsAfterNode[$0]) }
    }

    var stepsAfterValue: [String: Int] = [:]
    for (index, node) in graph.nodes.enumerated() {
      for case let output? in node.outputs { stepsAfterValue[graph[output].name] = lowering.stepsAfterNode[index] }
    }
    self.stepsAfterValue = stepsAfterValue
    let lifetimes = Self.lifetimes(
      steps: steps, blocks: blocks, inputs: inputs.map(\.view.memory), outputs: outputs.map(\.view.memory))
    var planned: [MemoryPlan.Block] = []
    var index: [MemoryID: Int] = [:]
    for (id, block) in blocks.enumerated() {
      let memoryID = MemoryID(index: id)
      guard case .planned(let byteCount) = block, let lifetime = lifetimes[memoryID] else { continue }
      index[memoryID] = planned.count
      planned.append(MemoryPlan.Block(byteCount: byteCount, lifetime: lifetime))
    }
    memory = MemoryPlan(planned, alignment: alignment)
    self.sharing = sharing
    memoryIndex = index
    arenaByteCount = memory.arenaByteCount
  }

  private static func lifetimes(
    steps: [Step], blocks: [Lowering.Block], inputs: [MemoryID], outputs: [MemoryID]
  ) -> [MemoryID: ClosedRange<Int>] {
    var result: [MemoryID: ClosedRange<Int>] = [:]
    func touch(_ memory: MemoryID, at step: Int) {
      if case .part(let whole, _, _) = blocks[memory.index] { return touch(whole, at: step) }
      let known = result[memory] ?? step...step
      result[memory] = min(known.lowerBound, step)...max(known.upperBound, step)
    }
    for memory in inputs { touch(memory, at: -1) }
    for (index, step) in steps.enumerated() {
      for memory in step.reads + step.writes { touch(memory, at: index) }
    }
    for memory in outputs { touch(memory, at: steps.count) }
    return result
  }

  /// The first step that does not belong to the segment which ends with this value.
  func step(after value: String) -> Int? { stepsAfterValue[value] }

  var kernelSpecs: Set<KernelSpec> { Set(steps.map(\.kernel)) }

  /// What a ``StepQueue`` of this plan would run; `nil` when it can't have one.
  private(set) lazy var variants: Set<StepQueueSource.Variant>? = {
    let variants = steps.compactMap(StepQueueSource.Variant.init)
    return variants.count == steps.count ? Set(variants) : nil
  }()

  /// Takes memory, unless the plan is bound to this arena already.
  func bind(to shared: Arena) throws {
    let arena = try shared.reserve(sharing ? arenaByteCount : 0)
    if boundArena === arena { return }
    blockBuffers = try blocks.indices.map { id in
      switch blocks[id] {
      case .constant(let buffer): return buffer
      case .away: preconditionFailure("a plan is bound while its weights are away")
      case .part: return nil
      case .planned(let byteCount):
        guard let index = memoryIndex[MemoryID(index: id)] else { return nil }
        if !sharing { return try shared.makeBuffer(byteCount: byteCount) }
        return try arena.subBuffer(offset: memory.offsets[index], byteCount: byteCount)
      }
    }
    for (id, block) in blocks.enumerated() {
      // A window of a window is none in OpenCL.
      guard case .part(let whole, let byteOffset, let byteCount) = block, let place = memoryIndex[whole] else {
        continue
      }
      blockBuffers[id] =
        try sharing
        ? arena.subBuffer(offset: memory.offsets[place] + byteOffset, byteCount: byteCount)
        : blockBuffers[whole.index]?.subBuffer(offset: byteOffset, byteCount: byteCount)
    }
    launches = []
    stepQueue = nil
    boundArena = arena
  }

  /// Lets go of the weights' buffers, and of all that refers to them.
  func detachWeights(_ slots: [ObjectIdentifier: WeightStore.Slot]) {
    for (index, block) in blocks.enumerated() {
      if case .constant(let buffer) = block, let slot = slots[ObjectIdentifier(buffer)] { blocks[index] = .away(slot) }
    }
    blockBuffers = []
    launches = []
    stepQueue = nil
    boundArena = nil
  }

  /// Takes the buffers that the weights are in now. The plan must be bound again.
  func attachWeights(_ buffers: [WeightStore.Slot: Buffer]) {
    for (index, block) in blocks.enumerated() {
      if case .away(let slot) = block, let buffer = buffers[slot] { blocks[index] = .constant(buffer) }
    }
  }

  /// How often the plan ran with single launches.
  private(set) var singleRuns = 0
  var hasStepQueue: Bool { stepQueue != nil }

  /// From now on a segment is one launch.
  func use(_ program: StepQueueProgram, context: Context, on queue: CommandQueue, groups: Int) throws {
    let sideRows = outputs.lazy.filter(\.isSide).map { $0.view.shape.first ?? 1 }.max() ?? 0
    let stepQueue = try StepQueue(
      steps: steps, program: program, context: context, queue: queue, groups: groups, watchLimit: outputs.count + 1,
      rowLimit: sideRows
    ) {
      buffer(of: $0)
    }
    try stepQueue.select(selected, watched: watched, on: queue)
    self.stepQueue = stepQueue
    launches = []
  }

  // MARK: Selection

  /// From the next run on, runs compute these side outputs and what they need.
  ///
  /// - Parameter sides: positions among ``outputs``.
  func select(_ sides: Set<Int>, on queue: CommandQueue) throws {
    guard sides != self.sides else { return }
    self.sides = sides
    if let known = selections[sides] {
      selected = known
    } else {
      selected = steps.indices.filter { steps[$0].demand.isMet(by: sides) }
      if selections.count >= 16 { selections = [:] }
      selections[sides] = selected
    }
    try stepQueue?.select(selected, watched: watched, on: queue)
  }

  /// Says when the next run is to wake the host, with the queue idle; without this, at every side output.
  ///
  /// - Parameter gates: with positions among ``outputs``; `nil` for at every side output.
  func watch(_ gates: [Gate]?, settled: [Int]) {
    guard let stepQueue else { return }
    guard let gates else { return stepQueue.watch([:], rows: 0, settled: []) }
    var wakes: [Int: StepQueue.Wake] = [:]
    for steps in watched { wakes[steps] = .never }
    wakes[selected.count] = .always
    var rows = 0
    for gate in gates {
      let view = outputs[gate.scores].view
      let steps = gate.complete.map { position(of: outputs[$0].steps) }.max() ?? 0
      guard gate.limit > 0, let known = wakes[steps] else { continue }
      // Two gates at one place: whatever they say.
      guard case .never = known, view.rank == 2, view.type == .float32 else {
        wakes[steps] = .always
        continue
      }
      rows = max(rows, view.shape[0])
      wakes[steps] = .below(
        limit: gate.limit, score: gate.score, scores: buffer(of: view), rows: view.shape[0], columns: view.shape[1])
    }
    stepQueue.watch(wakes, rows: rows, settled: settled)
  }

  /// ``SideGate`` with positions among ``outputs``.
  struct Gate {
    let scores: Int
    let complete: [Int]
    let limit: Float
    let score: RowScore
  }

  /// Selects what only these side outputs need, as often as a run may have steps, to measure it. The next
  /// ``select(_:on:)`` undoes it.
  ///
  /// - Returns: how often; 0 when they need nothing of their own.
  func selectOnly(_ sides: Set<Int>, on queue: CommandQueue) throws -> Int {
    let own = steps.indices.filter { steps[$0].demand != .always && steps[$0].demand.isMet(by: sides) }
    guard !own.isEmpty else { return 0 }
    self.sides = [-1]
    let times = max(1, Self.longestRun / own.count)
    selected = Array(repeatElement(own, count: times).joined())
    try stepQueue?.select(selected, watched: [], on: queue)
    return times
  }

  /// Of selected steps, in plans that have fewer.
  static let longestRun = 256

  /// A launch without work.
  func enqueueNothing(on queue: CommandQueue) throws { try stepQueue?.enqueueNothing(on: queue) }

  /// After how many of the selected steps the host has something to read.
  private var watched: Set<Int> { Set(sides.map { position(of: outputs[$0].steps) } + [selected.count]) }

  /// How many steps of a run come before this step of the plan. O(log steps).
  func position(of step: Int) -> Int {
    var range = 0..<selected.count
    while let middle = range.isEmpty ? nil : (range.lowerBound + range.upperBound) / 2 {
      range = selected[middle] < step ? middle + 1..<range.upperBound : range.lowerBound..<middle
    }
    return range.lowerBound
  }

  /// Makes kernels with all arguments set.
  func prepareLaunches(_ library: KernelLibrary) throws {
    guard launches.isEmpty else { return }
    launches = try steps.map { step in
      let kernel = try library.makeKernel(step.kernel)
      for (position, argument) in step.arguments.enumerated() { try set(argument, at: position, of: kernel) }
      return Launch(kernel: kernel, range: NDRange(global: step.global, local: step.local))
    }
  }

  private func set(_ argument: Argument, at position: Int, of kernel: Kernel) throws {
    switch argument {
    case .input(let view), .output(let view): try kernel.setArgument(position, buffer(of: view))
    case .local(let byteCount): try kernel.setLocalMemory(position, byteCount: byteCount)
    case .int(let value): try kernel.setArgument(position, value: Int32(value))
    case .float(let value): try kernel.setArgument(position, value: value)
    case .double(let value): try kernel.setArgument(position, value: value)
    case .int4(let values):
      var vector = SIMD4<Int32>(repeating: 0)
      for (lane, value) in values.enumerated() { vector[lane] = Int32(value) }
      try kernel.setArgument(position, value: vector)
    case .int8(let values, let padding):
      var vector = SIMD8<Int32>(repeating: Int32(padding))
      for (lane, value) in values.enumerated() { vector[lane] = Int32(value) }
      try kernel.setArgument(position, value: vector)
    }
  }

  /// The bound buffer that holds a view's elements.
  func buffer(of view: TensorView) -> Buffer {
    guard let buffer = blockBuffers[view.memory.index] else {
      preconditionFailure("a view of memory that no step uses")
    }
    return buffer
  }

  /// A view's memory, where the host may touch it without a command: see ``StepQueue/hostMemory(of:)``.
  func hostMemory(of view: TensorView) -> UnsafeMutableRawBufferPointer? {
    stepQueue?.hostMemory(of: buffer(of: view))
  }

  /// Whether any step or output needs the view's memory; an input that nothing reads has none.
  func isUsed(_ view: TensorView) -> Bool { blockBuffers[view.memory.index] != nil }

  /// Enqueues a range of ``selected`` steps, without waiting. A run enqueues all of them, once and in order.
  func enqueue(_ range: Range<Int>, on queue: CommandQueue, library: KernelLibrary) throws {
    if let stepQueue { return try stepQueue.enqueue(range, on: queue) }
    try prepareLaunches(library)
    if range.upperBound == selected.count { singleRuns += 1 }
    for index in selected[range] { try queue.enqueue(launches[index].kernel, range: launches[index].range) }
  }

  /// Waits, without a command, until a run that was enqueued with a step queue has done its first `step` steps.
  func waits(for step: Int, _ patience: SharedWord.Patience) -> Bool { stepQueue?.waits(for: step, patience) ?? false }

  /// A whole run as ``enqueue(_:on:library:)`` launches it, with the events of its launches.
  func enqueueWithEvents(on queue: CommandQueue, library: KernelLibrary) throws -> [Event] {
    try stepQueue.map { [try $0.enqueueWithEvent(on: queue)] } ?? enqueueProfiled(on: queue, library: library)
  }

  /// As ``enqueue(_:on:library:)``, with a launch and an event for each step, for profiles.
  func enqueueProfiled(on queue: CommandQueue, library: KernelLibrary) throws -> [Event] {
    try prepareLaunches(library)
    return try launches.map { try queue.enqueueWithEvent($0.kernel, range: $0.range) }
  }
}
