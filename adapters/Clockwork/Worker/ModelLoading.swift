import Foundation
import ModelGraph
import Serving
import Wire

/// Brings models from disk: a servable for each copy and GPU, prepared for all batch sizes and measured, with its weights
/// in host memory only. Used by one thread.
final class ModelLoading: Sendable {
  private let configuration: WorkerConfiguration
  private let gpus: [GPU]
  private let clock: NodeClock
  private let servables: PagedServableLoader

  init(configuration: WorkerConfiguration, gpus: [GPU], clock: NodeClock, servables: @escaping PagedServableLoader) {
    self.configuration = configuration
    self.gpus = gpus
    self.clock = clock
    self.servables = servables
  }

  /// - Returns: the copies, by id.
  func load(
    _ action: ClockworkAction.LoadModelFromDisk, knownIDs: Set<Int32>
  ) throws(ActionFailure) -> [WorkerModel] {
    let ids = try ids(of: action, known: knownIDs)
    let files = try ModelPath(root: configuration.modelRoot).version(for: action.path)
    let shapes = try ShapesFile.shapes(in: files.directory)
    var result: [WorkerModel] = []
    for id in ids {
      let instances = try gpus.map { (gpu) throws(ActionFailure) in try makeServable(files, on: gpu) }
      guard let signature = instances.first?.signature else { break }
      let layout = try ItemLayout(signature, openExtent: configuration.openExtent, shapes: shapes)
      let (profile, outputs): (MeasuredProfile, OutputLayout)
      if let first = result.first {
        // Copies are alike: what holds for the first holds for all.
        (profile, outputs) = (first.profile, first.outputs)
        for servable in instances {
          for size in profile.batchSizes { try prepare(servable, layout, size: size) }
        }
      } else {
        (profile, outputs) = try measure(instances, layout, action)
      }
      for servable in instances { try onDevice { () throws(ServingError) in try servable.releaseWeights() } }
      let pages = max(1, (profile.weightByteCount + configuration.pageSize - 1) / configuration.pageSize)
      result.append(
        WorkerModel(
          id: id, source: action.path, layout: layout, outputs: outputs, profile: profile, pages: pages,
          servables: instances))
    }
    return result
  }

  private func ids(of action: ClockworkAction.LoadModelFromDisk, known: Set<Int32>) throws(ActionFailure) -> Range<
    Int32
  > {
    let (end, overflow) = action.modelID.addingReportingOverflow(action.copies)
    guard action.copies > 0, action.modelID >= 0, !overflow else {
      throw ActionFailure(
        .invalidAction, "expected at least one copy and ids from 0, got \(action.copies) from \(action.modelID)")
    }
    let ids = action.modelID..<end
    if let used = known.filter(ids.contains).min() {
      throw ActionFailure(.invalidModelID, "model id \(used) is in use already")
    }
    return ids
  }

  private func makeServable(_ files: VersionFiles, on gpu: GPU) throws(ActionFailure) -> any PagedServable {
    do { return try servables(files, gpu.id) } catch {
      if let error = error as? ServingError, case .deviceFailed = error {
        throw ActionFailure(.runtimeError, "\(files.directory): \(error)")
      }
      throw ActionFailure(.invalidModelPath, "\(files.directory): \(error)")
    }
  }

  // MARK: Measuring

  private static let warmUpRuns = 3
  private static let runs = 15
  private static let fewestRuns = 3
  /// For the runs of one batch size on one GPU.
  private static let measuringTime: Nanoseconds = 400_000_000

  private func measure(
    _ servables: [any PagedServable], _ layout: ItemLayout, _ action: ClockworkAction.LoadModelFromDisk
  ) throws(ActionFailure) -> (MeasuredProfile, OutputLayout) {
    guard let signature = servables.first?.signature else { throw ActionFailure(.invalidGPU, "there is no GPU") }
    var outputs: OutputLayout?
    for (gpu, servable) in zip(gpus, servables) {
      try prepare(servable, layout, size: 1)
      let batch = layout.batch(of: layout.zeros(1), count: 1, size: 1)
      let answered = try run(servable, Batch(inputs: batch.inputs, count: 1, exactItems: [0]), on: gpu)
      outputs = try OutputLayout(signature, from: answered.outputs, count: 1)
    }
    guard let outputs else { throw ActionFailure(.runtimeError, "the model has no outputs") }

    var (sizes, times): ([Int], [Nanoseconds]) = ([], [])
    let largest = ItemLayout.isBatched(signature) ? min(Int(action.maxBatchSize), configuration.maxBatchSize) : 1
    var size = 1
    repeat {
      var slowest: Nanoseconds = 1
      for (gpu, servable) in zip(gpus, servables) {
        if size > 1 { try prepare(servable, layout, size: size) }
        slowest = max(slowest, try execTime(servable, layout, size: size, on: gpu, limit: action.maxExecDuration))
      }
      if size > 1, slowest > action.maxExecDuration { break }
      sizes.append(size)
      times.append(slowest)
      size *= 2
    } while size <= largest

    var loadTimes: [Nanoseconds] = []
    for servable in servables {
      for _ in 0..<Self.fewestRuns {
        try onDevice { () throws(ServingError) in try servable.releaseWeights() }
        let begin = clock.now()
        try onDevice { () throws(ServingError) in try servable.loadWeights() }
        loadTimes.append(clock.now() - begin)
      }
    }
    let profile = MeasuredProfile(
      batchSizes: sizes, execTimes: times, weightsLoadTime: max(1, loadTimes.median ?? 1),
      weightByteCount: servables.map(\.weightByteCount).max() ?? 0)
    return (profile, outputs)
  }

  private func prepare(_ servable: any PagedServable, _ layout: ItemLayout, size: Int) throws(ActionFailure) {
    let batch = fill(layout, size: size)
    try onDevice { () throws(ServingError) in try servable.prepare(batch) }
  }

  /// A batch that nothing must be learnt from.
  private func fill(_ layout: ItemLayout, size: Int) -> Batch {
    let batch = layout.batch(of: layout.zeros(1), count: 1, size: size)
    return Batch(inputs: batch.inputs, count: size, padding: size)
  }

  /// The median of some runs of a whole batch; less exact when it is beyond `limit` anyway.
  ///
  /// The device rests between them as long as it ran, as it does half loaded: its threads are asleep when the next batch
  /// comes, and other memory is in the caches.
  private func execTime(
    _ servable: any PagedServable, _ layout: ItemLayout, size: Int, on gpu: GPU, limit: Nanoseconds
  ) throws(ActionFailure) -> Nanoseconds {
    let batch = fill(layout, size: size)
    var times: [Nanoseconds] = []
    let begin = clock.now()
    for index in 0..<(Self.warmUpRuns + Self.runs) {
      let timing = try run(servable, batch, on: gpu).timing
      let time = max(1, Nanoseconds(timing.ended - timing.started))
      if index >= Self.warmUpRuns { times.append(time) }
      if size > 1, times.count == 1, time / 4 > limit { break }
      if times.count >= Self.fewestRuns, clock.now() - begin > Self.measuringTime { break }
      Thread.sleep(forTimeInterval: Double(time) * 1e-9)
    }
    return times.median ?? 1
  }

  /// Runs a batch when the GPU has nothing else to do, for times that other batches do not spoil, nor the other way.
  private func run(
    _ servable: any PagedServable, _ batch: Batch, on gpu: GPU
  ) throws(ActionFailure) -> (timing: BatchTiming, outputs: [String: Tensor]) {
    let receiver = MeasuringReceiver(on: gpu.exec)
    gpu.exec.enqueue { turn in
      switch turn {
      case .start:
        receiver.hold(Self.longestBatch)
        servable.submit(batch, to: receiver)
      case .cancelled: receiver.finish(.failure(.shuttingDown(name: "the worker")))
      }
    }
    return try onDevice { () throws(ServingError) in try receiver.result(within: Self.longestBatch) }
  }

  private static let longestBatch = Duration.seconds(600)

  private func onDevice<Value>(_ body: () throws(ServingError) -> Value) throws(ActionFailure) -> Value {
    do { return try body() } catch {
      if case .shuttingDown = error { throw ActionFailure(.cancelled, "the worker is shutting down") }
      throw ActionFailure(.runtimeError, "\(error)")
    }
  }
}
