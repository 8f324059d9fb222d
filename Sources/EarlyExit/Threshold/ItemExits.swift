/// Where each recorded item leaves under thresholds that move, what that saves, and whether it is wrong.
///
/// Moving a threshold takes time in proportion to the items that it passes.
struct ItemExits: ~Copyable {
  /// By item: the index of a ramp, or their number for the final head.
  let exits: Scratch<Int32>
  /// By item: what leaving there saves.
  let savings: Scratch<Int64>
  /// By item: 1 where the answer is not the model's own.
  let wrong: Scratch<Int32>
  /// By ramp: the position of its threshold.
  private(set) var positions: [Int]
  /// Of all items.
  private(set) var outcome = TuningOutcome(saving: 0, disagreements: 0)

  /// With all thresholds at zero.
  init(_ columns: borrowing RampColumns) {
    exits = Scratch(repeating: Int32(columns.ramps), count: columns.items)
    savings = Scratch(repeating: 0, count: columns.items)
    wrong = Scratch(repeating: 0, count: columns.items)
    positions = Array(repeating: 0, count: columns.ramps)
  }

  init(_ columns: borrowing RampColumns, at positions: [Int]) {
    self.init(columns)
    for (ramp, position) in positions.enumerated() { raise(ramp, to: position, columns) }
  }

  /// Moves a ramp's threshold up, or nowhere.
  mutating func raise(_ ramp: Int, to position: Int, _ columns: borrowing RampColumns) {
    guard position > positions[ramp] else { return }
    let base = ramp * columns.items
    var outcome = outcome
    for place in (base + positions[ramp])..<(base + position) {
      let item = Int(columns.order.elements[place])
      guard exits.elements[item] > Int32(ramp) else { continue }
      outcome.saving += columns.savings.elements[place] - savings.elements[item]
      outcome.disagreements += Int(columns.wrong.elements[place] - wrong.elements[item])
      exits.elements[item] = Int32(ramp)
      savings.elements[item] = columns.savings.elements[place]
      wrong.elements[item] = columns.wrong.elements[place]
    }
    positions[ramp] = position
    self.outcome = outcome
  }

  /// Moves a ramp's threshold down to zero: what left there leaves later.
  mutating func close(_ ramp: Int, _ columns: borrowing RampColumns) {
    let items = columns.items
    var outcome = outcome
    for place in (ramp * items)..<(ramp * items + positions[ramp]) {
      let item = Int(columns.order.elements[place])
      guard exits.elements[item] == Int32(ramp) else { continue }
      outcome.saving -= savings.elements[item]
      outcome.disagreements -= Int(wrong.elements[item])
      var exit = ramp + 1
      while exit < columns.ramps, columns.places.elements[exit * items + item] >= Int32(positions[exit]) { exit += 1 }
      exits.elements[item] = Int32(exit)
      if exit < columns.ramps {
        let there = exit * items + Int(columns.places.elements[exit * items + item])
        savings.elements[item] = columns.savings.elements[there]
        wrong.elements[item] = columns.wrong.elements[there]
      } else {
        savings.elements[item] = 0
        wrong.elements[item] = 0
      }
      outcome.saving += savings.elements[item]
      outcome.disagreements += Int(wrong.elements[item])
    }
    positions[ramp] = 0
    self.outcome = outcome
  }

  /// The lowest thresholds that release the same items at the same ramps: just above the largest score that left there.
  ///
  /// What was released only because nothing was left to be released is no evidence for a high threshold.
  borrowing func tightThresholds(_ columns: borrowing RampColumns) -> [Float] {
    var thresholds = [Float](repeating: 0, count: columns.ramps)
    for ramp in 0..<columns.ramps {
      let base = ramp * columns.items
      var position = positions[ramp]
      while position > 0, exits.elements[Int(columns.order.elements[base + position - 1])] != Int32(ramp) {
        position -= 1
      }
      thresholds[ramp] = columns.threshold(at: position, of: ramp)
    }
    return thresholds
  }
}
