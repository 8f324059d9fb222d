import Dispatch
import EarlyExit
import Synchronization

/// Trains the ramps of several sites at the same time, one a thread.
struct ParallelTraining {
  let trainer: RampTrainer
  let labels: TeacherLabels
  let split: TrainingSplit
  let errorScore: ErrorScore

  /// A ramp, and what such ramps say of items that they have not seen.
  struct Outcome: Sendable {
    let ramp: TrainedRamp
    let heldOut: HeldOutAnswers
  }

  /// What threads have found so far; each site has its own place.
  private struct State {
    var results: [Result<Outcome, EarlyExitError>?]
    var fractions: [Double]
  }

  /// In the order of `features`. The same bits whatever the number of threads.
  ///
  /// - Parameter step: called with the share of the work that is done, from any thread.
  func train(
    _ features: [FeatureMatrix], step: @escaping @Sendable (Double) -> Void
  ) throws(EarlyExitError) -> [Outcome] {
    // Guards what all threads write.
    let state = Mutex(
      State(results: features.map { _ in nil }, fractions: features.map { _ in 0 }))
    DispatchQueue.concurrentPerform(iterations: features.count) { site in
      func report(_ fraction: Double) {
        let total = state.withLock { state in
          state.fractions[site] = fraction
          return state.fractions.reduce(0, +)
        }
        step(total / Double(features.count))
      }
      let result = Result { () throws(EarlyExitError) in
        let ramp = try trainer.train(features[site], labels, split) { (progress) throws(EarlyExitError) in
          report(progress.fraction / 2)
        }
        let heldOut = try trainer.heldOutAnswers(of: ramp, features[site], labels, errorScore: errorScore) { fold in
          report(0.5 + 0.1 * Double(fold))
        }
        return Outcome(ramp: ramp, heldOut: heldOut)
      }
      state.withLock { state in
        state.results[site] = result
        state.fractions[site] = 1
      }
    }
    var outcomes: [Outcome] = []
    for case let result? in state.withLock({ $0.results }) { outcomes.append(try result.get()) }
    return outcomes
  }
}
