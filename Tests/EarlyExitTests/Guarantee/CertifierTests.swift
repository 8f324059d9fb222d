import Testing

@testable import EarlyExit

@Suite struct CertifierTests {
  @Test func onePercentNeeds299ItemsWithoutADisagreement() throws {
    let certifier = try Certifier(constraint: .standard, delta: 0.05)
    #expect(certifier.fewestItems == 299)
    #expect(certifier.mostDisagreements(in: 298) == nil)
    #expect(certifier.mostDisagreements(in: 299) == 0)
    #expect(certifier.mostDisagreements(in: 473) == 1)
    #expect(certifier.mostDisagreements(in: 472) == 0)
    #expect(certifier.mostDisagreements(in: 0) == nil)
  }

  @Test func theMostDisagreementsAreExactlyThoseThatTheBoundAllows() throws {
    for (accuracy, delta) in [(0.99, 0.05), (0.95, 0.05), (0.9, 0.01), (0.999, 0.2)] {
      let certifier = try Certifier(constraint: AccuracyConstraint(accuracy), delta: delta)
      for items in [100, 700, 3000] {
        let bound = { Binomial.upperBound(successes: $0, of: items, delta: delta) }
        if let most = certifier.mostDisagreements(in: items) {
          #expect(bound(most) <= 1 - accuracy + 1e-12)
          #expect(bound(most + 1) > 1 - accuracy)
        } else {
          #expect(bound(0) > 1 - accuracy)
        }
      }
    }
  }

  @Test func theWalkEndsAtTheFirstPolicyThatIsNotCertified() throws {
    // The second policy releases a wrong answer that the third, by taking it earlier, does not.
    var stream = Stream(sites: 2)
    for item in 0..<299 {
      stream.scores.append([0.5, item < 100 ? 0.1 : 0.05])
      stream.agrees.append([true, true])
    }
    stream.agrees[7][1] = false
    let window = try stream.window()
    let problem = TuningProblem(
      window: window, slots: window.slots(), ramps: [RampID(0), RampID(1)], profile: try .even(sites: 2))
    let certifier = try Certifier(constraint: .standard, delta: 0.05)
    #expect(certifier.boldest(of: [[0, 0.07], [0, 0.2], [0.6, 0.2]], on: problem) == 0)
    #expect(certifier.boldest(of: [[0, 0.07], [0.6, 0.2]], on: problem) == 1)
    #expect(certifier.boldest(of: [[0, 0.2]], on: problem) == nil)
  }

  @Test func deltaMustBeAProbability() {
    for delta in [0, -1, 0.6, .nan] {
      #expect(throws: EarlyExitError.self) { try Certifier(constraint: .standard, delta: delta) }
    }
  }

  /// True disagreement is known here: the shares of the stream that windows are drawn from. The certificate must fail in at most
  /// δ of the draws, up to the chance of 400 draws (5 % + 3 standard deviations is 8.3 %).
  @Test func certificatesFailInAtMostDeltaOfTheDraws() throws {
    let stream = Stream.synthetic(items: 5000, sites: 3, disagreement: 0.1, signal: 0.7, seed: 4)
    let all = try stream.window()
    let ramps = (0..<3).map { RampID($0) }
    let profile = try LatencyProfile.even(sites: 3)
    let truth = TuningProblem(window: all, slots: all.slots(), ramps: ramps, profile: profile)
    let constraint = try AccuracyConstraint(0.97)
    let certifier = try Certifier(constraint: constraint, delta: 0.05)
    var random = SplitMix(seed: 8)
    var certified = 0
    var failures = 0
    for _ in 0..<400 {
      let slots = (0..<400).map { _ in Int.random(in: 0..<5000, using: &random) }
      func problem(_ part: some Sequence<Int>) -> TuningProblem {
        TuningProblem(window: all, slots: Array(part), ramps: ramps, profile: profile)
      }
      let path = CertificationPath(tunedOn: problem(slots[..<100]), constraint: constraint, tuner: .beam)
      guard let boldest = certifier.boldest(of: path.policies, on: problem(slots[100...])) else { continue }
      certified += 1
      let disagreements = truth.outcome(of: path.policies[boldest]).disagreements
      failures += disagreements > constraint.allowedDisagreements(in: 5000) ? 1 : 0
    }
    #expect(certified > 200)
    #expect(failures <= 33, "\(failures) of 400")
  }
}
