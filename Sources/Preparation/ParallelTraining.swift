import Dispatch
import EarlyExit
import Synchronization

/// Trains the ramps of several sites at the same time, one a thread.
struct ParallelTraining {
  let trainer: RampTrainer
  let labels: TeacherLabels
  let split: TrainingSplit

  /// What threads have found so far; each site has its own place.
  private struct State {
    var results: [Result<TrainedRamp, EarlyExitError>?]
    var fractions: [Double]
  }

  /// The ramps, in the order of `features`. The same bits whatever the number of threads.
  ///
  /// - Parameter step: called with the share of the work that is done, from any thread.
  func train(
    _ features: [FeatureMatrix], step: @escaping @Sendable (Double) -> Void
  ) throws(EarlyExitError) -> [TrainedRamp] {
    // Guards what all threads write.
    let state = Mutex(
      State(results: features.map { _ in nil }, fractions: features.map { _ in 0 }))
    DispatchQueue.concurrentPerform(iterations: features.count) { site in
      let result = Result { () throws(EarlyExitError) in
        try trainer.train(features[site], labels, split) { (progress) throws(EarlyExitError) in
          let total = state.withLock { state in
            state.fractions[site] = progress.fraction
            return state.fractions.reduce(0, +)
          }
          step(total / Double(features.count))
        }
      }
      state.withLock { state in
        state.results[site] = result
        state.fractions[site] = 1
      }
    }
    var ramps: [TrainedRamp] = []
    for case let result? in state.withLock({ $0.results }) { ramps.append(try result.get()) }
    return ramps
  }
}
