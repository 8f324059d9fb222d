import Foundation

/// Measures one engine, the subject, against peers on one model: each in a process of its own, in turns.
///
/// A round gives every engine one burst of runs, and the order turns by one place from round to round. A burst begins
/// with a run that is not counted (the other engines have emptied the caches and the threads have gone to sleep), and
/// after it the driver waits until the engine's threads have stopped spinning. A ratio is taken within each round, so
/// that a machine that slows down for a while slows both sides of it; the figure is the median of these ratios. A round
/// in which other processes kept the machine busy is repeated, and counted as disturbed when that did not help.
struct EngineComparison {
  struct Limits {
    /// Cold loads build kernels.
    var load: Duration = .seconds(900)
    var burst: Duration = .seconds(300)
    var answer: Duration = .seconds(60)
  }

  /// A model with inputs, at one number of threads.
  struct Workload {
    var model: String
    var file: URL
    var inputs: ModelInputs
    var threads: Int
    var batch: Int
  }

  let subject: EngineName
  let peers: [EngineName]
  let rounds: Int
  /// Whether the subject is also loaded with empty kernel caches; without, it uses the user's own. Peers keep none.
  let coldLoad: Bool
  let python: PythonEnvironment
  let scratch: URL
  let progress: (String) -> Void
  var limits = Limits()

  /// A burst lasts about this long, between 1 and 50 runs.
  private static let burstMilliseconds = 150.0

  private struct Contestant {
    let process: PeerProcess
    let load: LoadReply
    var runs = 1
    /// The median of each round's burst.
    var bursts: [Double] = []
  }

  /// One result for each peer.
  func compare(_ workload: Workload) throws -> [EngineResult] {
    let folder = scratch.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }

    var cold: LoadReply?
    if coldLoad {
      progress("\(subject.rawValue): first load, with empty caches")
      let process = try start(subject, workload, place: 0, in: folder)
      cold = try load(process, subject, workload)
      process.stop()
    }
    var contestants: [Contestant] = []
    for (place, name) in ([subject] + peers).enumerated() {
      progress("\(name.rawValue): loading")
      let process = try start(name, workload, place: place, in: folder)
      contestants.append(Contestant(process: process, load: try load(process, name, workload)))
    }
    let disturbed = try runBursts(&contestants)
    let results = try report(contestants, workload, cold: cold, disturbed: disturbed, in: folder)
    contestants.forEach { $0.process.stop() }
    return results
  }

  private func start(_ name: EngineName, _ workload: Workload, place: Int, in folder: URL) throws -> PeerProcess {
    let log = folder.appending(path: "log-\(place)")
    guard name == .apparate else {
      return try PeerProcess(
        name: name.rawValue, executable: python.interpreter,
        arguments: [python.scripts.appending(path: "peer.py").path],
        environment: PythonEnvironment.variables, log: log)
    }
    guard let executable = Bundle.main.executableURL else {
      throw BenchError.missingFile(path: CommandLine.arguments[0], hint: "this program cannot find itself")
    }
    // PoCL reads its number of threads when it starts: 3.x the first name, 4 and later the second.
    var environment = [
      "POCL_MAX_PTHREAD_COUNT": "\(workload.threads)", "POCL_CPU_MAX_CU_COUNT": "\(workload.threads)",
    ]
    if coldLoad {
      // Empty at the first load, filled at the second: both processes are given the same folders.
      for (variable, cache) in [("POCL_CACHE_DIR", "pocl"), ("APPARATE_CACHE_DIR", "apparate")] {
        let directory = folder.appending(path: "\(cache)-cache-\(place)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        environment[variable] = directory.path
      }
    }
    return try PeerProcess(
      name: name.rawValue, executable: executable, arguments: ["engine-worker"], environment: environment, log: log)
  }

  private func load(_ process: PeerProcess, _ name: EngineName, _ workload: Workload) throws -> LoadReply {
    let request = WorkerLoad(
      peer: name, model: workload.file.path, threads: workload.threads, inputs: workload.inputs.inputs,
      dimensions: workload.inputs.dimensions)
    let reply = try process.ask(.load(request), for: LoadReply.self, within: limits.load)
    settle(process)
    return reply
  }

  /// Returns the number of rounds that others disturbed, even when repeated.
  private func runBursts(_ contestants: inout [Contestant]) throws -> Int {
    for place in contestants.indices {
      let trial = try contestants[place].process.ask(.run(count: 3), for: RunReply.self, within: limits.burst)
      settle(contestants[place].process)
      let fastest = max(trial.milliseconds.min() ?? 1, 0.001)
      contestants[place].runs = min(max(Int(Self.burstMilliseconds / fastest), 1), 50)
    }
    var disturbed = 0
    var repetitions = rounds
    for round in 0..<rounds {
      progress("round \(round + 1) of \(rounds)")
      var outcome = try runRound(round, contestants)
      while outcome.othersShare > MachineLoad.tolerated, repetitions > 0 {
        repetitions -= 1
        progress("round \(round + 1) again: others kept \(String(format: "%.2f", outcome.othersShare)) cores busy")
        outcome = try runRound(round, contestants)
      }
      disturbed += outcome.othersShare > MachineLoad.tolerated ? 1 : 0
      for place in contestants.indices {
        contestants[place].bursts.append(outcome.medians[place])
      }
    }
    return disturbed
  }

  /// One burst of every contestant: the median run of each, in their order, and how busy others kept the machine.
  private func runRound(
    _ round: Int, _ contestants: [Contestant]
  ) throws -> (medians: [Double], othersShare: Double) {
    func ticks() -> Int { contestants.reduce(0) { $0 + ($1.process.processorTicks() ?? 0) } }
    let load = MachineLoad(ours: ticks())
    var medians = contestants.map { _ in 0.0 }
    for turn in contestants.indices {
      let place = (turn + round) % contestants.count
      let contestant = contestants[place]
      let request = WorkerRequest.run(count: contestant.runs + 1)
      let reply = try contestant.process.ask(request, for: RunReply.self, within: limits.burst)
      guard reply.milliseconds.count == contestant.runs + 1 else {
        throw BenchError.workerRefused(
          worker: contestant.process.name, request: "run",
          reason: "it reported \(reply.milliseconds.count) runs of \(contestant.runs + 1)")
      }
      medians[place] = Distribution(Array(reply.milliseconds.dropFirst())).median
      settle(contestant.process)
    }
    return (medians, load?.othersShare(ours: ticks()) ?? 0)
  }

  private func report(
    _ contestants: [Contestant], _ workload: Workload, cold: LoadReply?, disturbed: Int, in folder: URL
  ) throws -> [EngineResult] {
    let outputs = try contestants.enumerated().map { place, contestant in
      let directory = folder.appending(path: "outputs-\(place)")
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      return try contestant.process.ask(
        .outputs(directory: directory.path), for: OutputsReply.self, within: limits.answer)
    }
    let memories = try contestants.map {
      try $0.process.ask(.memory, for: MemoryReply.self, within: limits.answer)
    }
    let ours = EngineResult.Side(
      milliseconds: Distribution(contestants[0].bursts).median, memory: memories[0], load: contestants[0].load)
    return try peers.enumerated().map { place, peer in
      let contestant = contestants[place + 1]
      return EngineResult(
        model: workload.model, threads: workload.threads, batch: workload.batch, rounds: rounds,
        disturbedRounds: disturbed, subject: subject, peer: peer, subjectSide: ours,
        peerSide: EngineResult.Side(
          milliseconds: Distribution(contestant.bursts).median, memory: memories[place + 1], load: contestant.load),
        coldLoad: cold,
        speed: Distribution(zip(contestant.bursts, contestants[0].bursts).map { $0 / $1 }),
        memoryRatio: Double(memories[place + 1].peakOfEngine) / Double(memories[0].peakOfEngine),
        agreement: try Agreement(of: outputs[0].files, with: outputs[place + 1].files))
    }
  }

  private func settle(_ process: PeerProcess) {
    if !process.settle() {
      progress("\(process.name) still uses processor time two seconds after its burst; times may be disturbed")
    }
  }
}
