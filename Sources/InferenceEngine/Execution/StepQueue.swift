import ModelGraph
import OpenCLRuntime

/// The steps of one plan as data for the kernel of `step_queue.cl`, bound to memory.
///
/// Small kernels cost more to launch, and to wake workers for, than to run: a whole segment in one launch costs neither.
/// Bits are those of single launches, for the same code computes the same work-items.
final class StepQueue {
  private static let header = 8
  private static let watch = 8
  private let kernel: Kernel
  /// The arguments of all steps.
  private let arguments: Buffer
  /// What runs do now, and what they did before: who goes back to it finds it ready. The last used comes last.
  private var selection: Selection
  private var selections: [Selection]
  private static let selectionLimit = 4
  /// Watches, and the marks of rows; and the host's view of both.
  private let watchBuffers: (watches: Buffer, marks: Buffer)
  private let watches: UnsafeMutableBufferPointer<Int64>
  private let marks: UnsafeMutableBufferPointer<UInt8>
  private let groups: Int
  /// Where the buffers are. The device is a processor of this machine with one memory, so these are host addresses too.
  private let addresses: [ObjectIdentifier: Int64]
  /// Of all steps of the plan.
  private let rows: [Row]
  /// Shares that a step's tasks are cut into, at most, and the counters of a step, a cache line each.
  private let shareLimit: Int
  private var lines: Int { 1 + shareLimit }

  /// Steps that make up a run, in tables of their own.
  private final class Selection {
    let table: Buffer
    let counters: Buffer
    /// The host's view of `counters`.
    let words: UnsafeRawPointer
    var selected: [Int] = []
    var watched: Set<Int> = []
    /// Of each selected step.
    var tasks: [UInt32] = []
    /// By how many selected steps are done: which watch the last of them has.
    var watchNumbers: [Int: Int] = [:]
    /// How often the steps have run.
    var round: UInt32 = 0
    var isDamaged = false

    init(table: Buffer, counters: Buffer, words: UnsafeRawPointer) {
      (self.table, self.counters, self.words) = (table, counters, words)
    }
  }

  /// What a row of the table says of a step, but for what depends on the selection.
  private struct Row {
    let variant: Int
    let argumentOffset: Int
    let extents: [Int]
    var tasks: Int { extents.elementCount }
  }

  /// All steps are selected.
  ///
  /// - Parameters:
  ///   - program: of all the steps' kernels, see ``StepQueueSource``.
  ///   - watchLimit: how many steps the host may watch.
  ///   - rowLimit: rows of scores that it may have the device look at.
  ///   - buffer: the memory that holds a view.
  init(
    steps: [Step], program: StepQueueProgram, context: Context, queue: CommandQueue, groups: Int, watchLimit: Int,
    rowLimit: Int, buffer: (TensorView) throws -> Buffer
  ) throws {
    self.groups = groups
    shareLimit = min(groups, 8)
    let room = max(steps.count, ExecutionPlan.longestRun)
    let counterBytes = (1 + room * (1 + shareLimit)) * 64
    let memory = try (0..<Self.selectionLimit).map { _ in
      (
        table: try context.makeBuffer(byteCount: room * Self.header * 8),
        counters: try context.makeBuffer(byteCount: counterBytes)
      )
    }
    watchBuffers = (
      try context.makeBuffer(byteCount: watchLimit * Self.watch * 8),
      try context.makeBuffer(byteCount: max(1, rowLimit))
    )
    let own = [watchBuffers.watches, watchBuffers.marks] + memory.map(\.counters)
    let buffers = try steps.flatMap { $0.arguments.compactMap(\.view) }.map(buffer) + own
    addresses = try Self.addresses(of: buffers, program: program, context: context, queue: queue)
    var rows: [Row] = []
    var longs: [Int64] = []
    for step in steps {
      guard let variant = StepQueueSource.Variant(step), let number = program.numbers[variant] else {
        throw EngineError.kernelSourceMissing(file: step.kernel.file)
      }
      let extents = step.global + [Int](repeating: 1, count: 3 - step.global.count)
      let row = Row(variant: number, argumentOffset: longs.count, extents: extents)
      guard row.tasks > 0, row.tasks < 1 << 30, longs.count < 1 << 40 else {
        throw EngineError.unsupported(node: step.node, op: step.kernel.function, reason: "it has \(row.tasks) tasks")
      }
      rows.append(row)
      let addresses = addresses
      for argument in step.arguments {
        try longs.append(contentsOf: Self.longs(argument) { addresses[ObjectIdentifier(try buffer($0))] ?? 0 })
      }
    }
    self.rows = rows
    let arguments = try context.makeBuffer(byteCount: max(8, longs.count * 8))
    try longs.withUnsafeBytes { try queue.write(arguments, offset: 0, from: $0) }
    self.arguments = arguments
    let known = addresses
    let places = own.compactMap {
      known[ObjectIdentifier($0)].flatMap { UnsafeMutableRawPointer(bitPattern: Int($0)) }
    }
    guard places.count == own.count else { throw EngineError.kernelSourceMissing(file: "step_queue") }
    watches = UnsafeMutableBufferPointer(
      start: places[0].bindMemory(to: Int64.self, capacity: watchLimit * Self.watch), count: watchLimit * Self.watch)
    marks = UnsafeMutableBufferPointer(
      start: places[1].bindMemory(to: UInt8.self, capacity: max(1, rowLimit)), count: max(1, rowLimit))
    selections = zip(memory, places.dropFirst(2)).map {
      Selection(table: $0.table, counters: $0.counters, words: UnsafeRawPointer($1))
    }
    selection = selections[0]
    kernel = try program.program.makeKernel("run_steps")
    try kernel.setArgument(1, arguments)
    try kernel.setArgument(7, watchBuffers.watches)
    try select(Array(rows.indices), watched: [rows.count], on: queue)
    // A driver may compile at the first launch: let that be here, with nothing to do.
    try launch(0..<0, on: queue)
    try queue.finish()
  }

  /// The memory of a buffer that a step uses, to be touched by the host while the queue is idle.
  func hostMemory(of buffer: Buffer) -> UnsafeMutableRawBufferPointer? {
    addresses[ObjectIdentifier(buffer)].flatMap { UnsafeMutableRawPointer(bitPattern: Int($0)) }
      .map { UnsafeMutableRawBufferPointer(start: $0, count: buffer.byteCount) }
  }

  /// From the next run on these steps make up a run: some microseconds, with the queue idle. Less when they have before.
  ///
  /// - Parameters:
  ///   - selected: indices of steps; the same one may run several times.
  ///   - watched: after how many of the selected steps a host that sleeps may want to be woken.
  func select(_ selected: [Int], watched: Set<Int>, on queue: CommandQueue) throws {
    let known = selections.firstIndex { $0.selected == selected && $0.watched == watched }
    let next = selections.remove(at: known ?? 0)
    selections.append(next)
    selection = next
    if known == nil { try fill(next, selected, watched, on: queue) }
    try kernel.setArgument(0, next.table)
    try kernel.setArgument(2, next.counters)
    watch([:], rows: 0, settled: [])
  }

  private func fill(_ selection: Selection, _ selected: [Int], _ watched: Set<Int>, on queue: CommandQueue) throws {
    var table: [Int64] = []
    selection.watchNumbers = Dictionary(uniqueKeysWithValues: watched.sorted().enumerated().map { ($1, $0 + 1) })
    for (position, row) in selected.map({ rows[$0] }).enumerated() {
      table += [Int64(row.variant), Int64(row.argumentOffset)] + row.extents.map { Int64($0) }
      // Asking a share in vain costs more than it saves where tasks are few.
      let shares = row.tasks < 2 * shareLimit ? 1 : shareLimit
      table += [Int64(row.tasks), Int64(shares), Int64(selection.watchNumbers[position + 1] ?? 0)]
    }
    // The queue is in order: work-groups of the last run that still look for work have ended when it writes.
    selection.selected = []
    try table.withUnsafeBytes { try queue.write(selection.table, offset: 0, from: $0) }
    try reset(selection, on: queue)
    selection.tasks = selected.map { UInt32(rows[$0].tasks) }
    (selection.selected, selection.watched) = (selected, watched)
  }

  /// What wakes a host that sleeps.
  enum Wake {
    case never, always
    /// When a row of scores has an error below the limit that no row before had.
    case below(limit: Float, score: RowScore, scores: Buffer, rows: Int, columns: Int)
  }

  /// Says what wakes the host at the watched steps of the next run; always where nothing is said. The queue must be idle.
  ///
  /// - Parameters:
  ///   - wakes: by how many selected steps are done.
  ///   - rows: of all scores.
  ///   - settled: rows that nobody waits for.
  func watch(_ wakes: [Int: Wake], rows: Int, settled: [Int]) {
    for (steps, number) in selection.watchNumbers {
      let place = (number - 1) * Self.watch
      switch wakes[steps] ?? .always {
      case .never: watches[place] = 0
      case .always: watches[place] = 1
      case .below(let limit, let score, let scores, let rows, let columns):
        guard let address = addresses[ObjectIdentifier(scores)], rows <= marks.count else {
          watches[place] = 1
          continue
        }
        watches[place] = score == .oneMinusTop1 ? 2 : 3
        watches[place + 1] = address
        watches[place + 2] = Int64(rows)
        watches[place + 3] = Int64(columns)
        watches[place + 4] = Int64(limit.bitPattern)
        watches[place + 5] = Int64(Int(bitPattern: marks.baseAddress))
      }
    }
    for row in 0..<min(rows, marks.count) { marks[row] = 0 }
    for row in settled where marks.indices.contains(row) { marks[row] = 1 }
  }

  /// Launches a range of the selected steps. After a failure the next call begins anew.
  ///
  /// - Precondition: every run enqueues all selected steps once, in order, and runs do not overlap.
  func enqueue(_ range: Range<Int>, on queue: CommandQueue) throws {
    guard !range.isEmpty else { return }
    try begin(range, on: queue)
    try launch(range, on: queue)
    selection.isDamaged = range.upperBound != selection.tasks.count
  }

  /// All selected steps, with an event.
  func enqueueWithEvent(on queue: CommandQueue) throws -> Event {
    let range = selection.tasks.indices
    try begin(range, on: queue)
    try setArguments(range)
    let event = try queue.enqueueWithEvent(kernel, range: NDRange(global: [groups], local: [1]))
    selection.isDamaged = false
    return event
  }

  /// A launch that ends at once, to know what launching takes.
  func enqueueNothing(on queue: CommandQueue) throws { try launch(0..<0, on: queue) }

  private func begin(_ range: Range<Int>, on queue: CommandQueue) throws {
    if range.lowerBound == 0 {
      if selection.isDamaged { try reset(selection, on: queue) }
      selection.round &+= 1
    }
    selection.isDamaged = true
  }

  private func launch(_ range: Range<Int>, on queue: CommandQueue) throws {
    try setArguments(range)
    try queue.enqueue(kernel, range: NDRange(global: [groups], local: [1]))
  }

  private func setArguments(_ range: Range<Int>) throws {
    try kernel.setArgument(3, value: Int32(range.lowerBound))
    try kernel.setArgument(4, value: Int32(range.upperBound))
    try kernel.setArgument(5, value: Int32(lines))
    try kernel.setArgument(6, value: selection.round)
  }

  /// Waits until the device has completed the first `step` selected steps of the run that was enqueued last.
  ///
  /// - Returns: false when that took longer than `patience`.
  func waits(for step: Int, _ patience: SharedWord.Patience) -> Bool {
    guard step > 0 else { return true }
    let completed = selection.words + 64 * (1 + (step - 1) * lines)
    return SharedWord(at: completed, bell: selection.words)
      .reaches(selection.tasks[step - 1] &* selection.round, patience)
  }

  private func reset(_ selection: Selection, on queue: CommandQueue) throws {
    let zeros = [UInt8](repeating: 0, count: selection.counters.byteCount)
    try zeros.withUnsafeBytes { try queue.write(selection.counters, offset: 0, from: $0) }
    (selection.round, selection.isDamaged) = (0, false)
  }

  private static func addresses(
    of buffers: [Buffer], program: StepQueueProgram, context: Context, queue: CommandQueue
  ) throws -> [ObjectIdentifier: Int64] {
    var places: [ObjectIdentifier: Int] = [:]
    var distinct: [Buffer] = []
    for buffer in buffers where places[ObjectIdentifier(buffer)] == nil {
      places[ObjectIdentifier(buffer)] = distinct.count
      distinct.append(buffer)
    }
    guard !distinct.isEmpty else { return [:] }
    let result = try context.makeBuffer(byteCount: distinct.count * 8)
    let kernel = try program.program.makeKernel("address_of")
    try kernel.setArgument(1, result)
    for (place, buffer) in distinct.enumerated() {
      try kernel.setArgument(0, buffer)
      try kernel.setArgument(2, value: Int32(place))
      try queue.enqueue(kernel, range: NDRange(global: [1], local: [1]))
    }
    var addresses = [Int64](repeating: 0, count: distinct.count)
    try addresses.withUnsafeMutableBytes { try queue.read(result, offset: 0, into: $0) }
    return places.mapValues { addresses[$0] }
  }

  /// As `step_queue.cl` reads them.
  private static func longs(_ argument: Argument, address: (TensorView) throws -> Int64) throws -> [Int64] {
    func pairs(_ values: [Int], count: Int, filler: Int) -> [Int64] {
      let padded = values + [Int](repeating: filler, count: count - values.count)
      return stride(from: 0, to: count, by: 2).map { place in
        Int64(Int32(padded[place + 1])) << 32 | Int64(UInt32(bitPattern: Int32(padded[place])))
      }
    }
    switch argument {
    case .input(let view), .output(let view): return [try address(view)]
    case .local: return []
    case .int(let value): return [Int64(Int32(value))]
    case .float(let value): return [Int64(value.bitPattern)]
    case .double(let value): return [Int64(bitPattern: value.bitPattern)]
    case .int4(let values): return pairs(values, count: 4, filler: 0)
    case .int8(let values, let padding): return pairs(values, count: 8, filler: padding)
    }
  }
}

/// A built program of many kernels.
struct StepQueueProgram: Sendable {
  let program: Program
  /// The number of each variant in the program.
  let numbers: [StepQueueSource.Variant: Int]
}

extension Argument {
  fileprivate var view: TensorView? {
    switch self {
    case .input(let view), .output(let view): view
    default: nil
    }
  }
}
