import Foundation
import ModelGraph
import OpenCLRuntime
import Synchronization

/// A model on a device, ready to run at any batch size and sequence length.
///
/// Loading imports and optimises the graph and packs nothing yet; the first run at given input shapes makes a plan for
/// them (programs from the disk cache when they are there), later runs at those shapes only enqueue. Runs of one model
/// are serialised; all methods may be called from any thread.
public final class LoadedModel: Sendable {
  public struct Options: Sendable {
    /// Kernel family; `nil` chooses by the kind of device.
    public var kernels: KernelTarget.Family?
    /// Fusion passes; off only to compare.
    public var fusion = true
    /// Winograd convolution; off only to compare.
    public var winograd = true
    /// Tensors are parts of one arena and share its bytes when their lifetimes allow; off, each has a buffer of its own,
    /// so that tools such as oclgrind see stray accesses.
    public var sharesMemory = true
    /// Whether a segment may be one launch instead of one for each kernel, where the device can do that.
    public var singleLaunch = true
    /// Whether a thread that waits for a run keeps looking, for a while, where no core is spare: it then offers its core to
    /// the device's threads over and over, which keeps the core awake. Off, it sleeps until the device wakes it: for
    /// threads that have to act in the middle of a run.
    public var staysAwake = true
    /// Names of outputs that runs compute only when they are asked to, see ``LoadedModel/run(_:sides:onSide:)``. The
    /// bits of the other outputs are those of the model without these.
    public var sideOutputs: Set<String> = []
    /// What a step may read and write, in bytes, before a large batch goes through early layers in parts: what one core
    /// can hold in its caches. On processors.
    public var cacheByteCount = 4 << 20
    /// Plans kept for different input shapes.
    public var planLimit = 32
    /// Called while kernels are built, with (built, total), from any thread.
    public var progress: (@Sendable (Int, Int) -> Void)?

    public init() {}
  }

  /// The graph as imported and optimised at load, with symbolic dimensions.
  public let graph: Graph
  /// What fused at load.
  public let fusions: [FusionRecord]
  public let device: Device
  public let target: KernelTarget
  let options: Options

  let branched: BranchedGraph
  let sideValues: Set<ValueID>
  let shapeInputs: Set<ValueID>
  let context: Context
  let queue: CommandQueue
  /// Guards the plans, the arena and the queue: one run at a time.
  let state: Mutex<State>

  struct State: ~Copyable {
    let weights: WeightStore
    let library: KernelLibrary
    let arena: Arena
    var plans: [PlanKey: ExecutionPlan] = [:]
    var order: [PlanKey] = []
    var weightsAreAway = false
  }

  struct PlanKey: Hashable {
    let shapes: [Shape]
    let shapeValues: [[UInt8]]
    let tellsOfCuts: Bool
  }

  public convenience init(path: String, device: Device, options: Options = Options()) throws {
    try self.init(graph: try ONNXImporter.importModel(at: path), device: device, options: options)
  }

  /// - Parameter graph: as imported; see ``ONNXImporter``.
  public init(graph: Graph, device: Device, options: Options = Options(), profiling: Bool = false) throws {
    let folded = graph.foldingConstants()
    let sides = try Self.sideValues(options.sideOutputs, of: folded)
    let branched = BranchedGraph(folded, sideOutputs: sides)
    (self.branched, fusions) = options.fusion ? branched.optimizedAtLoad() : (branched, [])
    sideValues = sides
    self.graph = self.branched.joined()
    shapeInputs = self.graph.shapeInputs()
    self.device = device
    self.options = options
    context = try Context(device: device)
    target = KernelTarget(device.properties, family: options.kernels)
    isSpare = device.properties.computeUnits < ProcessInfo.processInfo.activeProcessorCount
    queue = try context.makeQueue(profiling: profiling)
    state = Mutex(
      State(
        weights: WeightStore(context: context, queue: queue), library: KernelLibrary(context: context, target: target),
        arena: Arena(context: context)))
  }

  // MARK: What the model wants

  public var inputNames: [String] { graph.inputs.map { graph[$0].name } }
  public var outputNames: [String] { graph.outputs.map { graph[$0].name } }

  private static func sideValues(_ names: Set<String>, of graph: Graph) throws -> Set<ValueID> {
    let sides = graph.outputs.filter { names.contains(graph[$0].name) }
    let known = Set(sides.map { graph[$0].name })
    if let unknown = names.subtracting(known).min() { throw EngineError.unknownValue(name: unknown) }
    guard sides.count < graph.outputs.count else { throw EngineError.noMainOutput(model: graph.name) }
    return Set(sides)
  }

  /// The outputs that runs compute only when they are asked to, in the order of the model's outputs.
  public var sideOutputNames: [String] { graph.outputs.filter(sideValues.contains).map { graph[$0].name } }

  /// A choice of side outputs for ``run(_:sides:onSide:)``.
  public func sideOutputs(_ names: some Collection<String>) throws -> SideOutputs {
    let wanted = Set(names)
    let chosen = graph.outputs.indices.filter {
      sideValues.contains(graph.outputs[$0]) && wanted.contains(graph[graph.outputs[$0]].name)
    }
    let known = chosen.map { graph[graph.outputs[$0]].name }
    if let unknown = wanted.subtracting(known).min() { throw EngineError.unknownValue(name: unknown) }
    return SideOutputs(names: known, positions: Set(chosen))
  }

  // MARK: Running

  /// Runs the model and waits for its main outputs and the chosen side outputs.
  ///
  /// A side output that is not chosen costs nothing: no kernel of it runs. Another choice than in the run before costs
  /// some microseconds and no compilation.
  ///
  /// - Parameter inputs: one tensor per input of the model, by name.
  /// - Returns: these outputs by name.
  public func run(_ inputs: [String: Tensor], sides: SideOutputs = .none) throws -> [String: Tensor] {
    let late = LateSides()
    var outputs = try run(inputs, sides: sides, gates: []) { late.outputs[sides.names[$0.index]] = $0.tensor() }
    outputs.merge(late.outputs) { first, _ in first }
    return outputs
  }

  private final class LateSides { var outputs: [String: Tensor] = [:] }

  /// Runs the model and waits for its main outputs; hands over each chosen side output as soon as the device has it,
  /// while it goes on.
  ///
  /// - Parameters:
  ///   - inputs: one tensor per input of the model, by name.
  ///   - gates: when to be told early; side outputs with nothing to tell come with the next ones, at the end at the
  ///     latest. `nil` is of each as soon as it is there. Devices that cannot tell tell of each.
  ///   - settled: rows of scores that are no reason to be told, whatever the gates say.
  ///   - onSide: called on this thread, once for each chosen side output, in the order of completion. The result is
  ///     valid until the run returns. The model is locked meanwhile: do not run it here.
  /// - Returns: the main outputs by name.
  public func run(
    _ inputs: [String: Tensor], sides: SideOutputs, gates: [SideGate]? = nil, settled: [Int] = [],
    onSide: (SideResult) -> Void
  ) throws -> [String: Tensor] {
    let ordered = try validated(inputs)
    return try state.withLock { state in
      let plan = try plan(for: ordered, in: &state)
      try bind(plan, waiting: false, in: &state)
      try plan.select(sides.positions, on: queue)
      let library = state.library
      return try finishing(ordered) {
        try write(ordered, to: plan)
        let wanted = self.sides(of: plan, sides)
        if plan.hasStepQueue {
          watch(plan, sides, gates, settled: settled)
          try plan.enqueue(0..<plan.selected.count, on: queue, library: library)
          try queue.flush()
          for side in wanted {
            try wait(for: side.steps, of: plan)
            guard let memory = plan.hostMemory(of: side.port.view) else { continue }
            onSide(side.result(UnsafeRawBufferPointer(memory)))
          }
        } else {
          try runSingly(plan, wanted, library, onSide)
        }
        return try read(plan)
      }
    }
  }

  /// As ``run(_:sides:)`` without side outputs, telling when the device has passed cut vertices.
  ///
  /// - Parameters:
  ///   - cuts: names of cut vertices, in order; `onCut` is called when the device has passed each.
  /// - Returns: all main outputs by name.
  public func run(
    _ inputs: [String: Tensor], cuts: [String], onCut: (@Sendable (Int) -> Void)? = nil
  ) throws -> [String: Tensor] {
    let ordered = try validated(inputs)
    return try state.withLock { state in
      let plan = try plan(for: ordered, tellingOfCuts: !cuts.isEmpty, in: &state)
      try bind(plan, waiting: false, in: &state)
      try plan.select([], on: queue)
      let ends = try cutSteps(cuts, of: plan).map(plan.position(of:))
      let library = state.library
      return try finishing(ordered) {
        try write(ordered, to: plan)
        var start = 0
        // With a step queue nothing is cut: the host watches the one launch pass.
        for (index, end) in ends.enumerated() where !plan.hasStepQueue {
          try plan.enqueue(start..<end, on: queue, library: library)
          start = end
          if let onCut {
            try queue.marker().onComplete { _ in onCut(index) }
            try queue.flush()
          }
        }
        try plan.enqueue(start..<plan.selected.count, on: queue, library: library)
        try queue.flush()
        if let onCut, plan.hasStepQueue {
          for (index, end) in ends.enumerated() {
            if !isSpare || !plan.waits(for: end, .spinning(Self.spinLimit)),
              !plan.waits(for: end, .polling(Self.patience))
            {
              try queue.finish()
            }
            onCut(index)
          }
        }
        return try read(plan)
      }
    }
  }

  /// Does a run; whatever happens, the inputs live until the queue has read them.
  func finishing<Result>(_ inputs: [Tensor], _ run: () throws -> Result) throws -> Result {
    do { return try withExtendedLifetime(inputs, run) } catch {
      try? queue.finish()
      throw error
    }
  }

  /// A side output that a run computes.
  private struct Side {
    let index: Int
    let port: ExecutionPlan.Port
    /// The steps of the run until it is complete.
    let steps: Int

    func result(_ bytes: UnsafeRawBufferPointer) -> SideResult {
      let count = port.view.elementCount * port.view.type.byteWidth
      return SideResult(
        index: index, type: port.type, shape: port.view.shape,
        bytes: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
    }
  }

  /// In the order of completion.
  private func sides(of plan: ExecutionPlan, _ sides: SideOutputs) -> [Side] {
    sides.positions.sorted().enumerated().map { index, position in
      let port = plan.outputs[position]
      return Side(index: index, port: port, steps: plan.position(of: port.steps))
    }.sorted { ($0.steps, $0.index) < ($1.steps, $1.index) }
  }

  private func watch(_ plan: ExecutionPlan, _ sides: SideOutputs, _ gates: [SideGate]?, settled: [Int]) {
    let positions = sides.positions.sorted()
    plan.watch(
      gates?.map { gate in
        ExecutionPlan.Gate(
          scores: positions[gate.scores], complete: gate.complete.map { positions[$0] }, limit: gate.limit,
          score: gate.score)
      }, settled: settled)
  }

  /// A run with one launch a kernel: the device copies side outputs to the host on its way.
  private func runSingly(
    _ plan: ExecutionPlan, _ sides: [Side], _ library: KernelLibrary, _ onSide: (SideResult) -> Void
  ) throws {
    var copies: [(memory: UnsafeMutableRawBufferPointer, event: Event)] = []
    defer { for copy in copies { copy.memory.deallocate() } }
    do {
      var start = 0
      for side in sides {
        try plan.enqueue(start..<side.steps, on: queue, library: library)
        start = side.steps
        let size = side.port.view.elementCount * side.port.view.type.byteWidth
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, size), alignment: 64)
        let target = UnsafeMutableRawBufferPointer(rebasing: memory[..<size])
        let event =
          try size > 0
          ? queue.readAsync(plan.buffer(of: side.port.view), offset: 0, into: target) : queue.marker()
        copies.append((memory, event))
      }
      try plan.enqueue(start..<plan.selected.count, on: queue, library: library)
      try queue.flush()
      for (side, copy) in zip(sides, copies) {
        try copy.event.wait()
        onSide(side.result(UnsafeRawBufferPointer(copy.memory)))
      }
    } catch {
      // The device may still be writing what is let go here.
      try? queue.finish()
      throw error
    }
  }

  /// Waits until the device has done the first `steps` steps of a run in one launch.
  func wait(for steps: Int, of plan: ExecutionPlan) throws {
    if isSpare {
      if plan.waits(for: steps, .spinning(Self.spinLimit)) { return }
    } else if options.staysAwake {
      if plan.waits(for: steps, .yielding(Self.spinLimit)) { return }
    }
    if !plan.waits(for: steps, .sleeping(Self.patience)) { try queue.finish() }
  }

  /// Makes the plan for these inputs (builds kernels, packs weights) without running it.
  public func prepare(_ inputs: [String: Tensor]) throws -> PlanSummary {
    let ordered = try validated(inputs)
    return try state.withLock { state in
      let plan = try plan(for: ordered, in: &state)
      try bind(plan, waiting: true, in: &state)
      return PlanSummary(
        steps: plan.steps.map(\.node), kernels: plan.kernelSpecs.count, arenaByteCount: plan.arenaByteCount,
        cuts: plan.cuts.map(\.vertex), usesSingleLaunch: plan.hasStepQueue)
    }
  }

  // MARK: Weights

  /// Bytes that the weights take on the device, for all input shapes that were prepared or run so far.
  public var weightByteCount: Int { state.withLock { $0.weights.byteCount } }

  /// Frees the device memory of weights and activations, after the run that is under way; what was packed for kernels
  /// stays in host memory, and so do plans. Runs fail with ``EngineError/weightsReleased(model:)`` until ``loadWeights()``.
  public func releaseWeights() throws {
    try state.withLock { state in
      guard !state.weightsAreAway else { return }
      try queue.finish()
      let slots = state.weights.slots()
      try state.weights.release()
      for plan in state.plans.values { plan.detachWeights(slots) }
      state.arena.release()
      state.weightsAreAway = true
    }
  }

  /// Copies the weights back to the device and binds all plans to them, so that the next run is as fast as any.
  public func loadWeights() throws {
    try state.withLock { state in
      guard state.weightsAreAway else { return }
      let buffers = try state.weights.restore()
      for plan in state.plans.values { plan.attachWeights(buffers) }
      state.weightsAreAway = false
      // The one that needs the largest arena first: it serves the others too.
      for plan in state.plans.values.sorted(by: { $0.arenaByteCount > $1.arenaByteCount }) {
        try bind(plan, waiting: false, in: &state)
        if !plan.hasStepQueue { try plan.prepareLaunches(state.library) }
      }
    }
  }

  /// The times of all kernels, each the median of `repetitions` runs after one to warm up. The model must have been made
  /// with `profiling`.
  public func profile(_ inputs: [String: Tensor], repetitions: Int = 3) throws -> ModelProfile {
    let ordered = try validated(inputs)
    return try state.withLock { state in
      let plan = try plan(for: ordered, tellingOfCuts: true, in: &state)
      try plan.bind(to: state.arena)
      try state.library.prepare(plan.kernelSpecs, progress: options.progress)
      var runs: [[(start: UInt64, end: UInt64)]] = []
      for run in 0...max(1, repetitions) {
        try write(ordered, to: plan)
        let events = try plan.enqueueProfiled(on: queue, library: state.library)
        try queue.finish()
        if run == 0 { continue }
        runs.append(
          try events.map { event in
            let times = try event.profile()
            return (times.started, times.ended)
          })
      }
      return ModelProfile(plan: plan, runs: runs)
    }
  }

  /// How much of a run the device spends in kernels. The model must have been made with `profiling`.
  ///
  /// - Returns: for each of `repetitions` runs the whole time, from inputs in host memory to outputs there, and the time
  ///   in its launches; in seconds.
  public func launchTimes(_ inputs: [String: Tensor], repetitions: Int) throws -> [(run: Double, kernels: Double)] {
    let ordered = try validated(inputs)
    return try state.withLock { state in
      let plan = try plan(for: ordered, in: &state)
      try bind(plan, waiting: true, in: &state)
      return try (0..<repetitions).map { _ in
        let clock = ContinuousClock()
        let start = clock.now
        try write(ordered, to: plan)
        let events = try plan.enqueueWithEvents(on: queue, library: state.library)
        try queue.flush()
        _ = try read(plan)
        let (seconds, attoseconds) = (clock.now - start).components
        try queue.finish()
        let kernels = try events.reduce(0) { sum, event in
          let times = try event.profile()
          return sum + Double(times.ended - times.started) * 1e-9
        }
        return (Double(seconds) + Double(attoseconds) * 1e-18, kernels)
      }
    }
  }

  func validated(_ inputs: [String: Tensor]) throws -> [Tensor] {
    for name in inputs.keys where !inputNames.contains(name) {
      throw EngineError.unknownInput(name: name, expected: inputNames)
    }
    return try graph.inputs.map { value in
      let name = graph[value].name
      guard let tensor = inputs[name] else { throw EngineError.missingInput(name: name, expected: inputNames) }
      if let expected = graph[value].type, expected != tensor.type {
        throw EngineError.wrongType(input: name, expected: expected, got: tensor.type)
      }
      return tensor
    }
  }

  private static let spinLimit = Duration.milliseconds(2)
  /// What no run takes; then the driver is asked what is wrong.
  private static let patience = Duration.seconds(600)
  /// Whether the host has a core to wait on that the device does not use.
  private let isSpare: Bool

  func cutSteps(_ names: [String], of plan: ExecutionPlan) throws -> [Int] {
    try names.map { name in
      guard let step = plan.step(after: name) else { throw EngineError.unknownValue(name: name) }
      return step
    }
  }

  /// Starts to copy the inputs, which must live until the queue has passed it.
  func write(_ inputs: [Tensor], to plan: ExecutionPlan) throws {
    for (value, tensor) in zip(graph.inputs, inputs) {
      guard let port = plan.inputs.first(where: { $0.value == value }), tensor.elementCount > 0 else { continue }
      guard plan.isUsed(port.view) else { continue }
      let buffer = plan.buffer(of: port.view)
      func copy(_ bytes: UnsafeRawBufferPointer, waiting: Bool) throws {
        if let memory = plan.hostMemory(of: port.view) {
          memory.copyMemory(from: bytes)
        } else if waiting {
          try queue.write(buffer, offset: 0, from: bytes)
        } else {
          try queue.writeAsync(buffer, offset: 0, from: bytes)
        }
      }
      if tensor.type == .float16 {
        try tensor.floats.withUnsafeBytes { try copy($0, waiting: true) }
      } else {
        try tensor.storage.withUnsafeBytes { try copy($0, waiting: false) }
      }
    }
  }

  private func read(_ plan: ExecutionPlan) throws -> [String: Tensor] {
    var results: [String: Tensor] = [:]
    // The driver's own way to say that a launch has ended takes as long as a small model's last layers.
    if plan.hasStepQueue { try wait(for: plan.selected.count, of: plan) }
    for port in plan.outputs where !port.isSide {
      let shape = port.view.shape
      let storage = try TensorStorage(byteCount: shape.elementCount * port.view.type.byteWidth) { bytes in
        guard bytes.count > 0 else { return }
        if let memory = plan.hostMemory(of: port.view) {
          bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<bytes.count]))
        } else {
          try queue.read(plan.buffer(of: port.view), offset: 0, into: bytes)
        }
      }
      results[port.name] =
        port.type == .float16
        ? storage.withUnsafeBytes { Tensor(type: .float16, shape: shape, deviceBytes: $0) }
        : Tensor(type: port.view.type, shape: shape, storage: storage)
    }
    return results
  }
}

/// What a plan consists of, for people.
public struct PlanSummary: Sendable {
  /// The node of each kernel launch, in order.
  public let steps: [String]
  /// Distinct programs.
  public let kernels: Int
  public let arenaByteCount: Int
  public let cuts: [CutVertex]
  /// Whether a segment is one launch, see ``LoadedModel/Options/singleLaunch``.
  public let usesSingleLaunch: Bool
}
