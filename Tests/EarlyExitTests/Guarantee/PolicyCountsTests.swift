import Testing

@testable import EarlyExit

@Suite struct PolicyCountsTests {
  @Test(arguments: UInt64(1)...8) func countsAreThoseOfEachPolicyByItself(seed: UInt64) throws {
    var stream = Stream.synthetic(items: 300, sites: 4, seed: seed)
    stream.scores[5][2] = .infinity
    stream.scores = stream.scores.map { $0.map { ($0 * 50).rounded() / 50 } }
    let window = try stream.window()
    let problem = TuningProblem(
      window: window, slots: window.slots(), ramps: (0..<4).map { RampID($0) }, profile: try .even(sites: 4))
    var random = SplitMix(seed: seed)
    var policies: [[Float]] = [[0, 0, 0, 0]]
    for _ in 0..<20 {
      policies.append(policies[policies.count - 1].map { $0 + (random.unit() < 0.4 ? Float(random.unit() * 0.1) : 0) })
    }
    let counts = PolicyCounts(of: policies, on: problem)
    for (index, thresholds) in policies.enumerated() {
      let exits = zip(problem.ramps, thresholds).map { ExitPolicy.Exit(ramp: $0, threshold: $1) }
      let replay = PolicyReplay(of: exits, on: window, profile: try .even(sites: 4))
      #expect(counts.disagreements[index] == replay.disagreements)
      #expect(counts.released[index] == Int((replay.exitRates.reduce(0, +) * 300).rounded()))
    }
  }

  @Test func aFewWrongAnswersAreNotWorthTheirWhile() throws {
    // Ten answers leave, nine of them wrong: within 1 % of 1,000, but of no use.
    var stream = Stream(sites: 1)
    for item in 0..<1000 {
      stream.scores.append([item < 10 ? 0.1 : 0.9])
      stream.agrees.append([item < 1])
    }
    let window = try stream.window()
    let problem = TuningProblem(
      window: window, slots: window.slots(), ramps: [RampID(0)], profile: try .even(sites: 1), sorted: false)
    #expect(PolicyCounts.boldest(of: [[0.05], [0.5]], on: problem, atMost: 10, tolerated: 0.01) == nil)
  }
}
