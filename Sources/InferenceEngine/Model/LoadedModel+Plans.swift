import ModelGraph
import OpenCLRuntime

/// Plans: one for each set of input shapes, made when inputs first have them.
extension LoadedModel {
  /// The plan for inputs of these shapes, made when there is none yet.
  ///
  /// - Parameter tellingOfCuts: whether the host may want to know when a whole batch has passed each cut vertex, not only
  ///   the side outputs.
  func plan(for inputs: [Tensor], tellingOfCuts: Bool = false, in state: inout State) throws -> ExecutionPlan {
    guard !state.weightsAreAway else { throw EngineError.weightsReleased(model: graph.name) }
    let carriers = zip(graph.inputs, inputs).filter { shapeInputs.contains($0.0) }
    let key = PlanKey(
      shapes: inputs.map(\.shape), shapeValues: carriers.map { $0.1.storage.withUnsafeBytes { Array($0) } },
      // One item is never split.
      tellsOfCuts: tellingOfCuts && inputs.contains { ($0.shape.first ?? 1) > 1 })
    if let plan = state.plans[key] {
      if state.order.last != key, let position = state.order.firstIndex(of: key) {
        state.order.append(state.order.remove(at: position))
      }
      return plan
    }
    let specialised = try branched.specialized(
      inputShapes: Dictionary(uniqueKeysWithValues: zip(graph.inputs, inputs.map(\.shape))),
      inputValues: Dictionary(uniqueKeysWithValues: carriers.map { ($0.0, $0.1) }), fusing: options.fusion)
    let joined = specialised.joined()
    let alignment = max(64, device.properties.baseAddressAlignment)
    var lowering = Lowering(
      graph: joined, sideOutputs: sideValues, target: target, weights: state.weights,
      tuning: Tuning(winograd: options.winograd, cacheByteCount: options.cacheByteCount), alignment: alignment)
    let producers = key.tellsOfCuts ? joined.producers() : [:]
    try lowering.lowerAll(ends: Set(specialised.trunk.cutVertices().compactMap { producers[$0.value] }))
    let plan = try ExecutionPlan(
      lowering: lowering, graph: joined, trunk: specialised.trunk, sideOutputs: sideValues,
      alignment: alignment, sharing: options.sharesMemory)
    if try !prepareQueueProgram(for: plan, in: state.library) {
      try state.library.prepare(plan.kernelSpecs, progress: options.progress)
    }
    if state.order.count >= options.planLimit { state.plans[state.order.removeFirst()] = nil }
    state.plans[key] = plan
    state.order.append(key)
    return plan
  }

  /// Loads a program for a ``StepQueue``, or builds it when the kernels would have to be built anyway: a driver compiles
  /// many kernels at once sooner than each by itself. False when the plan is to have single launches for now.
  private func prepareQueueProgram(for plan: ExecutionPlan, in library: KernelLibrary) throws -> Bool {
    guard hasStepQueues, let variants = plan.variants, !variants.isEmpty else { return false }
    if try library.queueProgram(covering: variants) != nil { return true }
    // A model that runs already must not wait for all kernels when a new batch size needs a few.
    guard library.hasNoQueuePrograms, try library.uncompiledCount(of: plan.kernelSpecs) >= Self.kernelsWorthQueue else {
      return false
    }
    _ = try library.makeQueueProgram(covering: variants, progress: options.progress)
    return true
  }

  private static let kernelsWorthQueue = 4

  /// Places the plan in the arena and gives it the fastest way to run that there is.
  ///
  /// - Parameter waiting: whether to build a program for a ``StepQueue`` now. Otherwise it is built in the background
  ///   once the plan has proved to be wanted, and single launches serve until then.
  func bind(_ plan: ExecutionPlan, waiting: Bool, in state: inout State) throws {
    try plan.bind(to: state.arena)
    guard hasStepQueues, !plan.hasStepQueue, let variants = plan.variants, !variants.isEmpty else { return }
    if let program = waiting
      ? try state.library.makeQueueProgram(covering: variants, progress: options.progress)
      : state.library.loadedQueueProgram(covering: variants)
    {
      try plan.use(program, context: context, on: queue, groups: target.computeUnits)
    } else if plan.singleRuns >= Self.runsBeforeQueue {
      state.library.makeQueueProgramInBackground(covering: variants)
    }
  }

  private static let runsBeforeQueue = 16

  /// Work-groups that wait for one another by reading memory need a device that runs them as threads of a processor,
  /// and a step queue's addresses one that has a single memory: PoCL's CPU devices are known to be such.
  private var hasStepQueues: Bool {
    options.singleLaunch && target.family == .cpu && device.properties.isPoCLProcessor
  }
}
