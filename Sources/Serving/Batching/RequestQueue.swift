/// Requests that will share batches, in order of arrival. A value: time is what the caller says it is.
///
/// The rules are those of TensorFlow's SharedBatchScheduler: the last batch is open until it is full or a thread takes
/// it; a batch may be taken when another follows it, when it is full, or when its time has come.
struct RequestQueue<Request> {
  typealias Instant = ContinuousClock.Instant

  /// Items of one request in one batch.
  struct Slice {
    let request: Request
    /// Which items of the request.
    let items: Range<Int>
    let arrival: Instant
  }

  private struct FormingBatch {
    var slices: [Slice] = []
    var count = 0
    var opened: Instant
  }

  private let options: BatchingOptions
  private var batches: [FormingBatch] = []

  init(_ options: BatchingOptions) { self.options = options }

  var isEmpty: Bool { batches.isEmpty }

  /// Batches that wait, the open one included.
  var count: Int { batches.count }

  /// Adds a request of `size` items, at least one, at the end.
  ///
  /// - Throws: ``ServingError/tooManyItems(count:limit:)``, ``ServingError/queueFull(batches:limit:)``. Nothing of a
  ///   refused request is in the queue.
  mutating func add(_ request: Request, size: Int, at now: Instant) throws(ServingError) {
    guard size <= options.maxBatchSize else { throw .tooManyItems(count: size, limit: options.maxBatchSize) }
    let parts = parts(of: size)
    let added = parts.count { !$0.joinsLast }
    guard added == 0 || batches.count + added <= options.maxEnqueuedBatches else {
      throw .queueFull(batches: batches.count, limit: options.maxEnqueuedBatches)
    }
    for part in parts {
      if !part.joinsLast { batches.append(FormingBatch(opened: now)) }
      batches[batches.count - 1].slices.append(Slice(request: request, items: part.items, arrival: now))
      batches[batches.count - 1].count += part.items.count
    }
  }

  /// How a request is spread: what still fits into the open batch there, the rest in new ones.
  private func parts(of size: Int) -> [(items: Range<Int>, joinsLast: Bool)] {
    let room = batches.last.map { options.batchLimit - $0.count } ?? 0
    if !batches.isEmpty, size <= room { return [(0..<size, true)] }
    guard options.splitsLargeBatches else { return [(0..<size, false)] }
    var parts: [(items: Range<Int>, joinsLast: Bool)] = room > 0 ? [(0..<room, true)] : []
    var start = room
    while start < size || parts.isEmpty {
      let end = min(size, start + options.batchLimit)
      parts.append((start..<end, false))
      start = end
    }
    return parts
  }

  /// When the first batch may be taken if nothing more comes; nil when there is none.
  var readyTime: Instant? {
    guard let first = batches.first else { return nil }
    return isFull(first) || batches.count > 1 ? first.opened : first.opened + options.timeout
  }

  private func isFull(_ batch: FormingBatch) -> Bool { batch.count >= options.batchLimit }

  /// Takes the first batch if its time has come.
  mutating func take(at now: Instant) -> [Slice]? {
    guard let readyTime, readyTime <= now else { return nil }
    return batches.removeFirst().slices
  }

  /// Takes everything, whether its time has come or not.
  mutating func takeAll() -> [Slice] {
    defer { batches = [] }
    return batches.flatMap(\.slices)
  }
}
