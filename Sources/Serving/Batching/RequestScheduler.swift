import Dispatch
import ModelGraph
import Synchronization

/// Decides when requests run and with whom: each for itself, or together, as TensorFlow-Serving batches them.
///
/// Requests share a batch when they are for one servable and have the same inputs, of the same types, and, unless
/// variable lengths are padded, the same extents. (TensorFlow-Serving fails whole batches whose extents differ;
/// requests that cannot share a batch simply do not.) At most `threads` batches run at once, over all servables: it is
/// while those run that others grow.
public final class RequestScheduler: Sendable {
  /// What became of a batch, for metrics.
  public struct BatchReport: Sendable {
    public let model: ServableID
    /// Items, without fill.
    public let items: Int
    public let padding: Int
    /// How long each request in it has waited.
    public let queueing: [Duration]
  }

  public struct Options: Sendable {
    /// Batches that run at once; TensorFlow-Serving calls them `num_batch_threads`.
    public var threads = 2
    /// How requests for a servable are put together; nil: not at all. Quick; called from any thread.
    public var batching: @Sendable (ServableID) -> BatchingOptions? = { _ in nil }
    /// Called when a batch begins, from any thread.
    public var onBatch: (@Sendable (BatchReport) -> Void)?

    public init() {}
  }

  private struct Task: Sendable {
    let request: InferenceRequest
    let collector: AnswerCollector
  }

  /// Who may share a batch.
  private struct Key: Hashable {
    let servable: ObjectIdentifier
    let inputs: [Input]

    struct Input: Hashable {
      let name: String
      let type: DataType
      /// Without the first extent; the rank alone when lengths are padded.
      let extents: [Int]
    }
  }

  private struct Queue {
    let model: ServedModel
    let options: BatchingOptions
    var batches: RequestQueue<Task>
  }

  private struct State: ~Copyable {
    var queues: [Key: Queue] = [:]
    /// Queues that are not empty, the one whose turn it is first.
    var turns: [Key] = []
    var running = 0
    var alarm: ContinuousClock.Instant?
  }

  /// So that requests of ever new shapes cannot pile up, each in its own queue.
  private static let queueLimit = 256

  private let options: Options
  /// Guards the queues and the count of running batches. Never held over a call out.
  private let state = Mutex(State())
  private let timerQueue = DispatchQueue(label: "apparate.batching", qos: .userInteractive)
  private let clock = ContinuousClock()

  public init(_ options: Options = Options()) { self.options = options }

  /// Takes a request and returns at once. `completion` is called once, from any thread, when all the request's items are
  /// final, or at once for a request that is refused.
  public func submit(
    _ request: InferenceRequest, to model: ServedModel,
    completion: @escaping @Sendable (Result<InferenceAnswer, ServingError>) -> Void
  ) {
    let count: Int
    do throws(ServingError) { count = try request.itemCount() } catch {
      completion(.failure(error))
      return
    }
    if count == 0 {
      completion(Self.emptyAnswer(of: model.servable.signature, to: request))
      return
    }
    let collector = AnswerCollector(count: count, wanted: request.outputs, completion: completion)
    let task = Task(request: request, collector: collector)
    guard let batching = options.batching(model.id) else {
      run(task, count: count, on: model)
      return
    }
    do throws(ServingError) { try enqueue(task, count: count, model: model, options: batching) } catch {
      collector.fail(error)
      return
    }
    runReady()
  }

  /// No items in, no items out: nothing has to run for that, if the shapes of the outputs are known.
  private static func emptyAnswer(
    of signature: Signature, to request: InferenceRequest
  ) -> Result<InferenceAnswer, ServingError> {
    var outputs: [String: Tensor] = [:]
    for spec in signature.outputs where request.outputs?.contains(spec.name) ?? true {
      let extents = spec.shape?.dropFirst().compactMap { $0 } ?? []
      guard let shape = spec.shape, !shape.isEmpty, extents.count == shape.count - 1 else {
        let input = signature.inputs.first
        return .failure(
          .wrongShape(
            input: input?.name ?? "", expected: input?.shape ?? [],
            got: input.flatMap { request.inputs[$0.name]?.shape } ?? []))
      }
      outputs[spec.name] = Tensor(
        type: spec.type, shape: [0] + extents, storage: TensorStorage(copying: [UInt8]()))
    }
    return .success(InferenceAnswer(outputs: outputs, exits: []))
  }

  // MARK: Alone

  private func run(_ task: Task, count: Int, on model: ServedModel) {
    if let error = Self.refusal(of: task, at: clock.now) {
      task.collector.fail(error)
      return
    }
    let batch = Batch(
      inputs: task.request.inputs, count: count, exactItems: task.request.isExact ? Array(0..<count) : [])
    model.servable.submit(
      batch,
      to: FormedBatch(parts: [.init(collector: task.collector, items: 0..<count)], count: count) { _ in
        // Keeps the version from being unloaded.
        withExtendedLifetime(model) {}
      })
  }

  private static func refusal(of task: Task, at now: ContinuousClock.Instant) -> ServingError? {
    if let deadline = task.request.deadline, deadline <= now { return .deadlineExceeded }
    if task.request.isAbandoned?() ?? false { return .abandoned }
    return nil
  }

  // MARK: Together

  private func enqueue(
    _ task: Task, count: Int, model: ServedModel, options: BatchingOptions
  ) throws(ServingError) {
    let key = Key(
      servable: ObjectIdentifier(model.servable),
      inputs: task.request.inputs.sorted { $0.key < $1.key }.map { name, tensor in
        let extents = Array(tensor.shape.dropFirst())
        return Key.Input(
          name: name, type: tensor.type, extents: options.padsVariableLengthInputs ? [extents.count] : extents)
      })
    let now = clock.now
    try state.withLock { (state) throws(ServingError) in
      var queue = state.queues[key] ?? Queue(model: model, options: options, batches: RequestQueue(options))
      let isNew = queue.batches.isEmpty
      guard !isNew || state.turns.count < Self.queueLimit else {
        throw .queueFull(batches: state.turns.count, limit: Self.queueLimit)
      }
      try queue.batches.add(task, size: count, at: now)
      state.queues[key] = queue
      if isNew { state.turns.append(key) }
    }
  }

  /// Starts what may start now, and sets the alarm for what may start later.
  private func runReady() {
    while let (model, options, slices) = takeReady() {
      start(slices, of: model, options: options)
    }
  }

  private func takeReady() -> (ServedModel, BatchingOptions, [RequestQueue<Task>.Slice])? {
    let now = clock.now
    let (taken, alarm): ((ServedModel, BatchingOptions, [RequestQueue<Task>.Slice])?, ContinuousClock.Instant?) =
      state.withLock { state in
        guard state.running < options.threads else { return (nil, nil) }
        for (turn, key) in state.turns.enumerated() {
          guard var queue = state.queues[key], let slices = queue.batches.take(at: now) else { continue }
          state.turns.remove(at: turn)
          if queue.batches.isEmpty {
            state.queues[key] = nil
          } else {
            state.queues[key] = queue
            state.turns.append(key)
          }
          state.running += 1
          return ((queue.model, queue.options, slices), nil)
        }
        let next = state.queues.values.compactMap(\.batches.readyTime).min()
        guard let next, state.alarm.map({ next < $0 }) ?? true else { return (nil, nil) }
        state.alarm = next
        return (nil, next)
      }
    if let alarm { setAlarm(alarm) }
    return taken
  }

  private func setAlarm(_ instant: ContinuousClock.Instant) {
    let (seconds, attoseconds) = (instant - clock.now).components
    let nanoseconds = max(0, seconds) * 1_000_000_000 + max(0, attoseconds / 1_000_000_000)
    timerQueue.asyncAfter(deadline: .now() + .nanoseconds(Int(nanoseconds))) { [self] in
      state.withLock { state in if state.alarm == instant { state.alarm = nil } }
      runReady()
    }
  }

  /// Runs a batch of what is still wanted of it.
  private func start(_ slices: [RequestQueue<Task>.Slice], of model: ServedModel, options: BatchingOptions) {
    let now = clock.now
    for slice in slices {
      if let error = Self.refusal(of: slice.request, at: now) { slice.request.collector.fail(error) }
    }
    // Also those that another part of theirs has failed for.
    let slices = slices.filter { !$0.request.collector.isDone }
    let items = slices.reduce(0) { $0 + $1.items.count }
    guard !slices.isEmpty else {
      finishOne()
      return
    }
    let count = options.paddedSize(items)
    let names = slices[0].request.request.inputs.keys
    let inputs = Dictionary(
      uniqueKeysWithValues: names.map { name in
        // All requests of a queue have the same inputs.
        let parts = slices.compactMap { slice in slice.request.request.inputs[name].map { ($0, slice.items) } }
        return (
          name, TensorRows.concatenated(parts, count: count, padding: options.padsVariableLengthInputs)
        )
      })
    var exactItems: [Int] = []
    var start = 0
    for slice in slices {
      if slice.request.request.isExact { exactItems += start..<(start + slice.items.count) }
      start += slice.items.count
    }
    self.options.onBatch?(
      BatchReport(
        model: model.id, items: items, padding: count - items, queueing: slices.map { $0.arrival.duration(to: now) }))
    model.servable.submit(
      Batch(inputs: inputs, count: count, exactItems: exactItems, padding: count - items),
      to: FormedBatch(
        parts: slices.map { .init(collector: $0.request.collector, items: $0.items) }, count: count
      ) { [self] _ in
        withExtendedLifetime(model) {}
        finishOne()
        runReady()
      })
  }

  private func finishOne() { state.withLock { $0.running -= 1 } }
}
