import Serving
import Synchronization
import Wire

/// A model that a controller has loaded, under one of its ids: the servable for each GPU, and what was measured of it.
final class WorkerModel: Sendable {
  let id: Int32
  /// The path as the controller wrote it.
  let source: String
  let layout: ItemLayout
  let outputs: OutputLayout
  let profile: MeasuredProfile
  let pages: Int
  /// By GPU.
  let servables: [any PagedServable]
  /// Guards how long the last whole batches of each size took on each GPU, the newest last.
  private let recent = Mutex<[BatchKey: [Nanoseconds]]>([:])

  private struct BatchKey: Hashable {
    let gpu: Int
    let size: Int
  }

  init(
    id: Int32, source: String, layout: ItemLayout, outputs: OutputLayout, profile: MeasuredProfile, pages: Int,
    servables: [any PagedServable]
  ) {
    self.id = id
    self.source = source
    self.layout = layout
    self.outputs = outputs
    self.profile = profile
    self.pages = pages
    self.servables = servables
  }

  /// The batch size to run `count` items at: the next supported one. `nil` when there is none as large.
  func supportedSize(for count: Int) -> Int? { profile.batchSizes.first { $0 >= count } }

  /// As many as Clockwork's own estimates look back.
  private static let window = 10

  /// How long a whole batch is expected to take: the median of the last ones, before them what loading measured.
  func expectedDuration(size: Int, gpu: Int) -> Nanoseconds {
    if let recent = recent.withLock({ $0[BatchKey(gpu: gpu, size: size)] })?.median { return recent }
    return zip(profile.batchSizes, profile.execTimes).first { $0.0 == size }?.1 ?? 1
  }

  func completed(size: Int, gpu: Int, in duration: Nanoseconds) {
    recent.withLock { recent in
      var durations = recent[BatchKey(gpu: gpu, size: size)] ?? []
      if durations.count == Self.window { durations.removeFirst() }
      durations.append(duration)
      recent[BatchKey(gpu: gpu, size: size)] = durations
    }
  }

  /// A controller that comes later is told what batches take by now, on the slowest GPU.
  var state: ClockworkWorkerState.Model {
    let execTimes = profile.batchSizes.map { size in
      servables.indices.map { expectedDuration(size: size, gpu: $0) }.max() ?? 1
    }
    return ClockworkWorkerState.Model(
      id: id, source: source, inputSize: UInt64(layout.inputByteCount), outputSize: UInt64(outputs.byteCount),
      batchSizes: profile.batchSizes.map { UInt32($0) }, weightsSize: UInt64(profile.weightByteCount),
      weightsPages: UInt32(pages), weightsLoadTime: profile.weightsLoadTime, execTimes: execTimes)
  }
}
