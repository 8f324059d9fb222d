import Synchronization

/// What a controller sees as one GPU: its weights cache, and an executor for each stage of its actions.
final class GPU: Sendable {
  let id: Int
  /// Guards which weights are here.
  let cache: Mutex<WeightsCache>
  /// LoadWeights and EvictWeights.
  let weights: Executor
  /// The inputs of Infer: checked, decompressed, put together.
  let inputs: Executor
  /// Batches, one at a time.
  let exec: Executor

  init(id: Int, pages: Int, clock: NodeClock) {
    self.id = id
    cache = Mutex(WeightsCache(totalPages: pages))
    weights = Executor(name: "gpu \(id) weights", clock: clock)
    inputs = Executor(name: "gpu \(id) inputs", clock: clock)
    exec = Executor(name: "gpu \(id) exec", clock: clock)
  }

  var executors: [Executor] { [inputs, exec, weights] }
}
