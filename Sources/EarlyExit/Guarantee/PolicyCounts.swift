/// How many items each of some policies releases, and how many of these wrongly, counted for all policies in one pass.
///
/// The policies must grow: no threshold is lower than in the policy before. An item's exit then moves towards the input from
/// policy to policy, so that each ramp has it for one stretch of them. O(items × ramps × log policies).
struct PolicyCounts {
  let released: [Int]
  let disagreements: [Int]

  /// - Parameter policies: thresholds for the problem's ramps, growing.
  init(of policies: [[Float]], on problem: TuningProblem) {
    var released = [Int](repeating: 0, count: policies.count + 1)
    var disagreements = released
    let ramps = problem.ramps.count
    let items = problem.items
    // Ramp-major, so that the search runs over neighbours.
    let thresholds = (0..<ramps).flatMap { ramp in policies.map { $0[ramp] } }
    let growing = thresholds.span
    let scores = problem.scores.span
    for item in 0..<items {
      var taken = policies.count
      for ramp in 0..<ramps where taken > 0 {
        let score = scores[ramp * items + item]
        // The first policy that releases here.
        var low = 0
        var high = taken
        while low < high {
          let middle = (low + high) / 2
          if score < growing[ramp * policies.count + middle] { high = middle } else { low = middle + 1 }
        }
        guard low < taken else { continue }
        released[low] += 1
        released[taken] -= 1
        if problem.disagrees[ramp * items + item] {
          disagreements[low] += 1
          disagreements[taken] -= 1
        }
        taken = low
      }
    }
    for index in policies.indices.dropFirst() {
      released[index] += released[index - 1]
      disagreements[index] += disagreements[index - 1]
    }
    self.released = Array(released.dropLast())
    self.disagreements = Array(disagreements.dropLast())
  }

  /// The last of `policies` before the first one that disagrees on more than `most` items, or so often among what it releases
  /// that it does more harm than good; nil when that one releases hardly anything.
  ///
  /// The second condition keeps useless ramps from spending what is tolerated on a few wrong answers.
  static func boldest(of policies: [[Float]], on problem: TuningProblem, atMost most: Int, tolerated: Double) -> Int? {
    let counts = PolicyCounts(of: policies, on: problem)
    let harmful = max(0.1, 2 * tolerated)
    var boldest: Int?
    for index in policies.indices {
      let disagreements = counts.disagreements[index]
      guard disagreements <= most else { break }
      guard disagreements <= 1 || Double(disagreements) <= harmful * Double(counts.released[index]) else { break }
      boldest = index
    }
    guard let boldest, counts.released[boldest] * 100 >= problem.items else { return nil }
    return boldest
  }
}
