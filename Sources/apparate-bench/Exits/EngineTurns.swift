import EarlyExit
import Evaluation
import Foundation
import Serving

/// Several engines that take turns on the same items at full load.
struct EngineTurns {
  private let prepared: PreparedWorkload
  private let engines: [EarlyExitEngine]
  private let batchSize: Int

  init(_ prepared: PreparedWorkload, controls: [EarlyExitEngine.Control], batchSize: Int = 1) throws {
    self.prepared = prepared
    self.batchSize = batchSize
    engines = try controls.map { control in
      var options = EarlyExitEngine.Options()
      options.control = control
      let engine = try EarlyExitEngine(
        prepared.model, name: prepared.workload.name, device: prepared.device, options: options)
      for positions in prepared.stream.distinctShapes(batchSizes: [batchSize]) {
        let batch = Batch(inputs: prepared.stream.batch(positions), count: positions.count)
        try engine.prepare(batch)
        _ = try engine.model.run(batch.inputs)
      }
      return engine
    }
  }

  /// For each engine and block, the median time from the start of a batch to its end.
  func secondsPerBatch(items: Int, blocks: Int) throws -> [[Double]] {
    try turns(items: items, blocks: blocks, inFlight: 1) { served, _ in
      // A batch that never waits starts when it is sent.
      Distribution(served.map { $0.ended - $0.arrival }).median
    }
  }

  /// For each engine and block, items a second with batches always waiting.
  func itemsPerSecond(items: Int, blocks: Int) throws -> [[Double]] {
    try turns(items: items, blocks: blocks, inFlight: 3) { served, seconds in Double(served.count) / seconds }
  }

  /// How long each of some items takes on the first engine, one after another.
  func secondsOfBatches(_ positions: [Int]) throws -> [Double] {
    var options = Replayer.Options()
    options.batchesInFlight = 1
    let replayer = try Replayer(engines[0], items: prepared.stream, options: options)
    return try replayer.replay(positions, arrivals: nil).map { $0.ended - $0.arrival }
  }

  private func turns(
    items: Int, blocks: Int, inFlight: Int, _ measure: ([ServedItem], Double) -> Double
  ) throws -> [[Double]] {
    var options = Replayer.Options()
    options.largestBatch = batchSize
    options.batchesInFlight = inFlight
    var results = engines.map { _ in [Double]() }
    let size = items / blocks / batchSize * batchSize
    for block in 0..<blocks {
      let positions = (0..<size).map { (block * size + $0) % prepared.stream.count }
      for turn in engines.indices {
        let index = (turn + block) % engines.count
        let replayer = try Replayer(engines[index], items: prepared.stream, options: options)
        let start = ContinuousClock.now
        let served = try replayer.replay(positions, arrivals: nil)
        results[index].append(measure(served, start.duration(to: .now).seconds))
      }
    }
    return results
  }
}
