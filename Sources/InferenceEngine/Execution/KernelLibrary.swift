import Foundation
import OpenCLRuntime
import Synchronization

/// Programs by ``KernelSpec``, each built once per process (and once per machine, through the runtime's disk cache).
final class KernelLibrary: Sendable {
  private let context: Context
  private let target: KernelTarget
  /// Guards the built programs; not held while building.
  private let programs = Mutex<[Key: Program]>([:])

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

  /// A kernel object of its own for one step. The program must have been prepared.
  func makeKernel(_ spec: KernelSpec) throws -> Kernel {
    if let program = programs.withLock({ $0[Key(spec)] }) { return try program.makeKernel(spec.function) }
    try prepare([spec], progress: nil)
    return try makeKernel(spec)
  }

  private func build(_ spec: KernelSpec) throws -> Program {
    let defines = (target.defines + spec.defines).map { "#define \($0.name) \($0.value)\n" }.joined()
    let source = try defines + Self.source("common") + Self.source("math") + Self.source(spec.file)
    return try context.makeProgram(source: source, options: "", name: spec.file)
  }

  static func source(_ file: String) throws -> String {
    guard let url = Bundle.module.url(forResource: file, withExtension: "cl", subdirectory: "Kernels"),
      let text = try? String(contentsOf: url, encoding: .utf8)
    else { throw EngineError.kernelSourceMissing(file: "\(file).cl") }
    return text
  }
}
