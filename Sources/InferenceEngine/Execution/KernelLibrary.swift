import Foundation
import OpenCLRuntime
import Synchronization

/// Programs by ``KernelSpec``, each built once per process (and once per machine, through the runtime's disk cache).
final class KernelLibrary: Sendable {
  private let context: Context
  private let target: KernelTarget
  /// Guards the built programs; not held while building.
  private let programs = Mutex<[Key: Program]>([:])
  /// Guards the programs of step queues, newest first; not held while building.
  private let queues = Mutex<(programs: [StepQueueProgram], requested: Set<Set<StepQueueSource.Variant>>)>(([], []))
  /// Of a program that serves several plans.
  private static let variantLimit = 96

  private struct Key: Hashable {
    let file: String
    let defines: [KernelSpec.Define]
    init(_ spec: KernelSpec) {
      file = spec.file
      defines = spec.defines
    }
  }

  init(context: Context, target: KernelTarget) {
    self.context = context
    self.target = target
  }

  /// How many of `specs` would have to be compiled: not built yet and not in the disk cache either.
  func uncompiledCount(of specs: Set<KernelSpec>) throws -> Int {
    let known = programs.withLock { Set($0.keys) }
    return try Set(specs.map(Key.init)).subtracting(known).count { key in
      try !context.hasCachedProgram(source: source(key.file, key.defines))
    }
  }

  /// Builds whatever of `specs` is not built yet, on two threads or more.
  /// - Parameter progress: called with (built, total) from any thread.
  func prepare(_ specs: Set<KernelSpec>, progress: (@Sendable (Int, Int) -> Void)?) throws {
    let known = programs.withLock { Set($0.keys) }
    var missing: [Key: KernelSpec] = [:]
    for spec in specs where !known.contains(Key(spec)) { missing[Key(spec)] = spec }
    let work = missing.sorted { ($0.value.file, $0.value.function) < ($1.value.file, $1.value.function) }
    guard !work.isEmpty else { return }
    let outcome = Mutex<(done: Int, failure: (any Error)?)>((0, nil))
    DispatchQueue.concurrentPerform(iterations: work.count) { index in
      do {
        let program = try build(work[index].value)
        programs.withLock { $0[work[index].key] = program }
        let done = outcome.withLock { state -> Int in
          state.done += 1
          return state.done
        }
        progress?(done, work.count)
      } catch {
        outcome.withLock { $0.failure = error }
      }
    }
    context.releaseCompiler()
    if let failure = outcome.withLock({ $0.failure }) { throw failure }
  }

  // MARK: Step queues

  /// A program that covers `variants`, if one is loaded or in the disk cache.
  func queueProgram(covering variants: Set<StepQueueSource.Variant>) throws -> StepQueueProgram? {
    if let program = loadedQueueProgram(covering: variants) { return program }
    for set in queueCandidates(for: variants) {
      let source = try queueSource(set)
      guard let program = context.cachedProgram(source: source.text, name: "step_queue") else { continue }
      return add(program, of: source)
    }
    return nil
  }

  /// Like ``queueProgram(covering:)``, building it when there is none: seconds for a large model.
  func makeQueueProgram(
    covering variants: Set<StepQueueSource.Variant>, progress: (@Sendable (Int, Int) -> Void)? = nil
  ) throws -> StepQueueProgram {
    if let program = try queueProgram(covering: variants) { return program }
    progress?(0, 1)
    defer { progress?(1, 1) }
    let source = try queueSource(queueCandidates(for: variants)[0])
    defer { context.releaseCompiler() }
    return add(try context.makeProgram(source: source.text, name: "step_queue"), of: source)
  }

  /// Starts to build one unless that has been done before. ``loadedQueueProgram(covering:)`` has it some time later.
  func makeQueueProgramInBackground(covering variants: Set<StepQueueSource.Variant>) {
    guard queues.withLock({ $0.requested.insert(variants).inserted }) else { return }
    DispatchQueue.global(qos: .utility).async { _ = try? self.makeQueueProgram(covering: variants) }
  }

  var hasNoQueuePrograms: Bool { queues.withLock { $0.programs.isEmpty } }

  func loadedQueueProgram(covering variants: Set<StepQueueSource.Variant>) -> StepQueueProgram? {
    queues.withLock { $0.programs.first { program in variants.allSatisfy { program.numbers[$0] != nil } } }
  }

  /// With all variants seen so far, so that plans for other batch sizes share it, and with these alone.
  private func queueCandidates(for variants: Set<StepQueueSource.Variant>) -> [Set<StepQueueSource.Variant>] {
    let all = queues.withLock { $0.programs.reduce(into: variants) { $0.formUnion($1.numbers.keys) } }
    return all == variants || all.count > Self.variantLimit ? [variants] : [all, variants]
  }

  private func add(_ program: Program, of source: StepQueueSource) -> StepQueueProgram {
    let numbers = Dictionary(uniqueKeysWithValues: source.variants.enumerated().map { ($1, $0) })
    let result = StepQueueProgram(program: program, numbers: numbers)
    queues.withLock { $0.programs.insert(result, at: 0) }
    return result
  }

  private func queueSource(_ variants: Set<StepQueueSource.Variant>) throws -> StepQueueSource {
    try StepQueueSource(variants, prelude: prelude(), source: Self.source)
  }

  // MARK: Single kernels

  /// A kernel object of its own for one step. The program must have been prepared.
  func makeKernel(_ spec: KernelSpec) throws -> Kernel {
    if let program = programs.withLock({ $0[Key(spec)] }) { return try program.makeKernel(spec.function) }
    try prepare([spec], progress: nil)
    return try makeKernel(spec)
  }

  private func build(_ spec: KernelSpec) throws -> Program {
    try context.makeProgram(source: source(spec.file, spec.defines), options: "", name: spec.file)
  }

  private func source(_ file: String, _ defines: [KernelSpec.Define]) throws -> String {
    let text = defines.map { "#define \($0.name) \($0.value)\n" }.joined()
    return try prelude() + text + Self.source(file)
  }

  /// What every program begins with.
  private func prelude() throws -> String {
    let defines = target.defines.map { "#define \($0.name) \($0.value)\n" }.joined()
    return try defines + Self.source("common") + Self.source("math")
  }

  static func source(_ file: String) throws -> String {
    guard let url = Bundle.module.url(forResource: file, withExtension: "cl", subdirectory: "Kernels"),
      let text = try? String(contentsOf: url, encoding: .utf8)
    else { throw EngineError.kernelSourceMissing(file: "\(file).cl") }
    return text
  }
}
