/// Which batch runs when and where, and which models' weights are where: Clockwork's way, in short.
///
/// Every GPU is given work for the next ``Options/ahead`` only. A batch is as large as the earliest deadline in it allows;
/// of several models that which must start soonest comes first. Models are loaded when they are wanted, in place of those
/// that were used least recently. A value without a clock: who calls says what time it is.
struct InferScheduler {
  struct Options {
    /// How much work a GPU may have waiting, and how far windows reach beyond the planned start.
    var ahead: Nanoseconds = 10_000_000
    /// Without the time that a batch needs on the way to its client.
    var defaultSLO: Nanoseconds = 100_000_000
    var maxExec: Nanoseconds = 250_000_000
    var maxBatch = 16
    /// Kept of every SLO for the way.
    var buffer: Nanoseconds = 5_000_000
    var loadsAtOnce = 2
  }

  struct Model {
    let id: Int32
    let batchSizes: [Int]
    let pages: Int
    var exec: [Int: DurationEstimate]
    var load: DurationEstimate
    /// By deadline.
    var queue: [Request] = []
  }

  struct Request: Equatable {
    let id: UInt64
    let deadline: Nanoseconds
  }

  /// One GPU of one worker.
  struct Place: Hashable {
    let worker: Int
    let gpu: UInt32
  }

  enum Command: Equatable {
    /// `earliest` is now for all of them, for eviction it is any time.
    case infer(
      id: Int32, Place, model: Int32, size: Int, requests: [UInt64], latest: Nanoseconds, expected: Nanoseconds)
    case load(id: Int32, Place, model: Int32, latest: Nanoseconds, expected: Nanoseconds)
    case evict(id: Int32, Place, model: Int32)
    /// No GPU can answer it in time.
    case reject(request: UInt64)
  }

  private struct GPU {
    var freePages: Int
    var exec = DeviceSchedule()
    var loads = DeviceSchedule()
    var residents: [Int32: Resident] = [:]
  }

  private struct Resident {
    /// Not yet while its weights are on their way.
    var isLoaded: Bool
    var lastUsed: Nanoseconds
    var running = 0
    /// No new attempt before this time, after one that failed.
    let pages: Int
  }

  private struct Running {
    let place: Place
    let model: Int32
    let size: Int
  }

  private let options: Options
  private var models: [Int32: Model] = [:]
  /// Models that have requests waiting, of possibly very many.
  private var waiting: Set<Int32> = []
  private var gpus: [Place: GPU] = [:]
  private let places: [Place]
  private var running: [Int32: Running] = [:]
  private var loadPause: [Int32: Nanoseconds] = [:]
  private var nextID: Int32 = 0

  init(options: Options, gpus: [(place: Place, pages: Int)]) {
    self.options = options
    places = gpus.map(\.place)
    for (place, pages) in gpus { self.gpus[place] = GPU(freePages: pages) }
  }

  // MARK: Events

  mutating func add(model id: Int32, batchSizes: [Int], execTimes: [Nanoseconds], pages: Int, loadTime: Nanoseconds) {
    let sizes = zip(batchSizes, execTimes).filter { size, time in
      size == 1 || (size <= options.maxBatch && time <= options.maxExec)
    }
    models[id] = Model(
      id: id, batchSizes: sizes.map(\.0), pages: pages,
      exec: Dictionary(uniqueKeysWithValues: sizes.map { ($0.0, DurationEstimate(reported: $0.1)) }),
      load: DurationEstimate(reported: loadTime))
  }

  func knows(_ model: Int32) -> Bool { models[model] != nil }

  /// The time that a request is allowed to take in all.
  func slo(of model: Int32, factor: Float) -> Nanoseconds {
    guard factor > 0, let single = models[model]?.exec[1]?.value else { return options.defaultSLO }
    return Nanoseconds(min(Double(factor) * Double(single), 1e18))
  }

  /// - Parameter sloFactor: the SLO as a multiple of the time of one item; 0 for the default SLO.
  mutating func submit(_ request: UInt64, model id: Int32, sloFactor: Float, at now: Nanoseconds) {
    guard models[id] != nil else { return }
    let slo = slo(of: id, factor: sloFactor)
    // A window is wide, and so must be the time in which it can be used.
    let time = max(slo > options.buffer ? slo - options.buffer : 0, options.ahead + options.buffer)
    let deadline = now &+ time
    let place = models[id]?.queue.lastIndex { $0.deadline <= deadline }.map { $0 + 1 } ?? 0
    models[id]?.queue.insert(Request(id: request, deadline: deadline), at: place)
    waiting.insert(id)
  }

  /// - Parameters:
  ///   - end: when the batch ends, or ended, on the device.
  ///   - duration: how long it took, or `nil` if it was not done.
  mutating func inferEnded(_ id: Int32, end: Nanoseconds?, duration: Nanoseconds?) {
    guard let action = running.removeValue(forKey: id) else { return }
    gpus[action.place]?.exec.remove(id, end: end)
    gpus[action.place]?.residents[action.model]?.running -= 1
    if let duration { models[action.model]?.exec[action.size]?.add(duration) }
  }

  mutating func loadEnded(_ id: Int32, end: Nanoseconds?, duration: Nanoseconds?, at now: Nanoseconds) {
    guard let action = running.removeValue(forKey: id) else { return }
    gpus[action.place]?.loads.remove(id, end: end)
    if let duration {
      models[action.model]?.load.add(duration)
      gpus[action.place]?.residents[action.model]?.isLoaded = true
      gpus[action.place]?.residents[action.model]?.lastUsed = now
    } else if let resident = gpus[action.place]?.residents.removeValue(forKey: action.model) {
      gpus[action.place]?.freePages += resident.pages
      loadPause[action.model] = now + Self.pauseAfterFailure
    }
  }

  private static let pauseAfterFailure: Nanoseconds = 10_000_000

  /// The worker's GPUs are gone; their actions have ended before.
  mutating func lose(worker: Int) {
    for place in places where place.worker == worker { gpus[place] = nil }
  }

  // MARK: Planning

  /// What to do now.
  ///
  /// - Returns: commands in order, and when to ask again, unless something happens before.
  mutating func plan(at now: Nanoseconds) -> (commands: [Command], next: Nanoseconds?) {
    var commands: [Command] = []
    rejectLate(at: now, &commands)
    for place in places where gpus[place] != nil {
      while let batch = nextBatch(on: place, at: now) { commands.append(start(batch, on: place, at: now)) }
    }
    loadWanted(at: now, &commands)
    return (commands, nextTime(after: now))
  }

  private mutating func rejectLate(at now: Nanoseconds, _ commands: inout [Command]) {
    for id in waiting.sorted() {
      guard let model = models[id], let single = model.exec[1]?.value else { continue }
      let late = model.queue.prefix { $0.deadline < now &+ single }
      guard !late.isEmpty else { continue }
      commands += late.map { .reject(request: $0.id) }
      takeFirst(late.count, of: id)
    }
  }

  private mutating func takeFirst(_ count: Int, of model: Int32) {
    models[model]?.queue.removeFirst(count)
    if models[model]?.queue.isEmpty != false { waiting.remove(model) }
  }

  private struct Candidate {
    let model: Int32
    let size: Int
    let start: Nanoseconds
    let expected: Nanoseconds
    let latestStart: Nanoseconds
  }

  /// The batch to give to a GPU next; `nil` while it has enough to do, or nothing can be.
  private func nextBatch(on place: Place, at now: Nanoseconds) -> Candidate? {
    guard let gpu = gpus[place] else { return nil }
    let start = gpu.exec.free(at: now)
    guard start <= now &+ options.ahead else { return nil }
    var best: Candidate?
    for (id, resident) in gpu.residents where resident.isLoaded && waiting.contains(id) {
      guard let model = models[id], let candidate = candidate(model, from: start) else { continue }
      if best.map({ (candidate.latestStart, candidate.model) < ($0.latestStart, $0.model) }) ?? true {
        best = candidate
      }
    }
    return best
  }

  private func candidate(_ model: Model, from start: Nanoseconds) -> Candidate? {
    guard let first = model.queue.first else { return nil }
    for size in model.batchSizes.reversed() where size <= model.queue.count {
      guard let expected = model.exec[size]?.value, start &+ expected <= first.deadline else { continue }
      return Candidate(
        model: model.id, size: size, start: start, expected: expected, latestStart: first.deadline &- expected)
    }
    return nil
  }

  private mutating func start(_ batch: Candidate, on place: Place, at now: Nanoseconds) -> Command {
    let id = takeID()
    let requests = models[batch.model]?.queue.prefix(batch.size).map(\.id) ?? []
    takeFirst(batch.size, of: batch.model)
    running[id] = Running(place: place, model: batch.model, size: batch.size)
    gpus[place]?.exec.add(id, sent: now, expected: batch.expected)
    gpus[place]?.residents[batch.model]?.running += 1
    gpus[place]?.residents[batch.model]?.lastUsed = now
    return .infer(
      id: id, place, model: batch.model, size: batch.size, requests: requests,
      latest: max(now &+ Self.shortest, batch.start) &+ options.ahead, expected: batch.expected)
  }

  private static let shortest: Nanoseconds = 1_000_000

  private mutating func takeID() -> Int32 {
    defer { nextID = nextID == .max ? 0 : nextID + 1 }
    return nextID
  }

  // MARK: Loading

  private mutating func loadWanted(at now: Nanoseconds, _ commands: inout [Command]) {
    let wanted = waiting.compactMap { models[$0] }.filter { (loadPause[$0.id] ?? 0) <= now && isUnserved($0, at: now) }
      .sorted { ($0.queue[0].deadline, $0.id) < ($1.queue[0].deadline, $1.id) }
    for model in wanted {
      guard let place = roomiest(for: model, at: now, &commands) else { continue }
      let id = takeID()
      let start = gpus[place]?.loads.free(at: now) ?? now
      running[id] = Running(place: place, model: model.id, size: 0)
      gpus[place]?.freePages -= model.pages
      gpus[place]?.residents[model.id] = Resident(isLoaded: false, lastUsed: now, pages: model.pages)
      gpus[place]?.loads.add(id, sent: now, expected: model.load.value)
      commands.append(
        .load(
          id: id, place, model: model.id, latest: max(now &+ Self.shortest, start) &+ options.ahead,
          expected: model.load.value))
    }
  }

  /// Whether no GPU that has the model, or is about to, can serve its first request in time.
  private func isUnserved(_ model: Model, at now: Nanoseconds) -> Bool {
    guard let first = model.queue.first, let single = model.exec[1]?.value else { return false }
    return !gpus.values.contains { gpu in
      guard let resident = gpu.residents[model.id] else { return false }
      return !resident.isLoaded || gpu.exec.free(at: now) &+ single <= first.deadline
    }
  }

  /// The GPU that is free soonest of those that can take the model, with others evicted where that is needed.
  private mutating func roomiest(for model: Model, at now: Nanoseconds, _ commands: inout [Command]) -> Place? {
    let candidates = places.filter { place in
      guard let gpu = gpus[place] else { return false }
      return gpu.residents[model.id] == nil && gpu.loads.count < options.loadsAtOnce
        && gpu.freePages + evictable(on: gpu).reduce(0) { $0 + $1.pages } >= model.pages
    }
    let chosen = candidates.min { one, other in
      let keys = [one, other].map { place in
        (gpus[place]?.exec.free(at: now) ?? 0, gpus[place]?.loads.free(at: now) ?? 0, -(gpus[place]?.freePages ?? 0))
      }
      return keys[0] < keys[1]
    }
    guard let place = chosen, let gpu = gpus[place] else { return nil }
    for victim in evictable(on: gpu) {
      guard let free = gpus[place]?.freePages, free < model.pages else { break }
      gpus[place]?.residents[victim.model] = nil
      // Counted at once, for the worker takes an eviction before a load that was sent later.
      gpus[place]?.freePages += victim.pages
      commands.append(.evict(id: takeID(), place, model: victim.model))
    }
    return place
  }

  /// Models that nobody waits for, least recently used first.
  private func evictable(on gpu: GPU) -> [(model: Int32, pages: Int)] {
    gpu.residents.filter { id, resident in
      resident.isLoaded && resident.running == 0 && models[id]?.queue.isEmpty != false
    }.sorted { ($0.value.lastUsed, $0.key) < ($1.value.lastUsed, $1.key) }.map { ($0.key, $0.value.pages) }
  }

  // MARK: Time

  /// When something can be done that cannot be done now.
  private func nextTime(after now: Nanoseconds) -> Nanoseconds? {
    var times: [Nanoseconds] = []
    for id in waiting {
      guard let model = models[id], let first = model.queue.first else { continue }
      times.append(first.deadline &- min(first.deadline, model.exec[1]?.value ?? 0) &+ 1)
      if let pause = loadPause[model.id], pause > now { times.append(pause) }
    }
    guard !times.isEmpty else { return nil }
    for gpu in gpus.values {
      let free = gpu.exec.free(at: now)
      if free > now &+ options.ahead { times.append(free - options.ahead) }
    }
    return times.filter { $0 > now }.min() ?? now &+ Self.shortest
  }
}
