import EarlyExit
import InferenceEngine
import ModelGraph

/// One batch on its way through the model: takes what ramps say as it comes, and releases the items that may leave.
///
/// Used again for every batch, by the engine's thread only; memory grows to the largest batch.
final class BatchRun {
  private let classes: Int
  private let reader: ScoreReader
  private let clock = ContinuousClock()

  private var active: ActivePolicy
  private var receiver: (any AnswerReceiver)?
  /// What thresholds are multiplied with, see ``Laggard``.
  private var caution: Float = 1
  private(set) var count = 0
  private(set) var served = 0
  private var parts: [SideResult?] = []
  private var partsLeft: [Int] = []
  /// By item: the model's own answer, once it is known.
  private(set) var finalLabels: [Int32] = []
  /// By active ramp, then item.
  private(set) var errors: [Float] = []
  private(set) var labels: [Int32] = []
  /// By item: the position of the active ramp where it left, −1 while it has not.
  private(set) var exits: [Int] = []
  private(set) var isExact: [Bool] = []
  private var leaving: [Int] = []
  /// By active ramp: when its items left.
  private(set) var releaseTimes: [ContinuousClock.Instant] = []

  init(classes: Int, errorScore: ErrorScore, active: ActivePolicy) {
    self.classes = classes
    self.active = active
    reader = ScoreReader(errorScore, classes: classes)
  }

  func begin(_ batch: Batch, _ receiver: any AnswerReceiver, _ active: ActivePolicy, caution: Float) {
    self.active = active
    self.receiver = receiver
    self.caution = caution
    count = batch.count
    served = max(0, count - batch.padding)
    let ramps = active.policy.exits.count
    reset(&parts, active.roles.count, nil)
    reset(&errors, ramps * count, .nan)
    reset(&labels, ramps * count, -1)
    reset(&exits, count, -1)
    reset(&isExact, count, false)
    reset(&releaseTimes, ramps, clock.now)
    partsLeft.replaceSubrange(0..<partsLeft.count, with: active.partCounts)
    for item in batch.exactItems where isExact.indices.contains(item) { isExact[item] = true }
    finalLabels.removeAll(keepingCapacity: true)
  }

  /// Fills an array anew without giving its memory away.
  private func reset<Element>(_ array: inout [Element], _ count: Int, _ value: Element) {
    array.removeAll(keepingCapacity: true)
    for _ in 0..<count { array.append(value) }
  }

  /// Takes a side output that the device has completed.
  func take(_ result: SideResult) {
    parts[result.index] = result
    switch active.roles[result.index] {
    case .finalScores: result.withFloats(readFinal)
    case .scores(let ramp, _), .answer(let ramp, _):
      partsLeft[ramp] -= 1
      if partsLeft[ramp] == 0 { decide(ramp) }
    }
  }

  /// All that a ramp has to say is there: who leaves?
  private func decide(_ ramp: Int) {
    let exit = active.policy.exits[ramp]
    let careful = ExitPolicy.Exit(ramp: exit.ramp, threshold: exit.threshold * caution)
    leaving.removeAll(keepingCapacity: true)
    for part in parts {
      guard let part, case .scores(ramp, _) = active.roles[part.index] else { continue }
      part.withFloats { read($0, ramp, careful) }
    }
    guard !leaving.isEmpty else { return }
    receiver?.receive(Answers(items: leaving, exit: .ramp(exit.ramp), outputs: answers(of: ramp)))
    releaseTimes[ramp] = clock.now
  }

  private func read(_ scores: UnsafeBufferPointer<Float>, _ ramp: Int, _ exit: ExitPolicy.Exit) {
    for item in 0..<served {
      let row = UnsafeBufferPointer(rebasing: scores[item * classes..<(item + 1) * classes])
      let (error, label) = reader.read(row)
      errors[ramp * count + item] = error
      labels[ramp * count + item] = Int32(truncatingIfNeeded: label)
      guard exits[item] < 0, !isExact[item], exit.releases(error) else { continue }
      exits[item] = ramp
      leaving.append(item)
    }
  }

  private func answers(of ramp: Int) -> [String: Tensor] {
    var outputs: [String: Tensor] = [:]
    for part in parts {
      guard let part else { continue }
      switch active.roles[part.index] {
      case .scores(ramp, let output?): outputs[output] = part.tensor()
      case .answer(ramp, let output): outputs[output] = part.tensor()
      default: continue
      }
    }
    return outputs
  }

  /// The model's own outputs are there: everyone leaves.
  func end(_ outputs: [String: Tensor]) {
    let rest = (0..<served).filter { exits[$0] < 0 }
    if !rest.isEmpty { receiver?.receive(Answers(items: rest, exit: .final, outputs: outputs)) }
    parts.removeAll(keepingCapacity: true)
    receiver = nil
  }

  /// Takes the model's own answers from its scores.
  func readFinal(_ scores: UnsafeBufferPointer<Float>) {
    finalLabels.removeAll(keepingCapacity: true)
    guard classes > 0, scores.count >= served * classes else { return }
    for item in 0..<served {
      let row = UnsafeBufferPointer(rebasing: scores[item * classes..<(item + 1) * classes])
      finalLabels.append(Int32(truncatingIfNeeded: ScoreReader.label(of: row)))
    }
  }
}
