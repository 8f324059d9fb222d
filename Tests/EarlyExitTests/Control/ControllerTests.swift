import EarlyExit
import Testing

@Suite struct ControllerTests {
  /// Serves a stream as an engine would: each item leaves by the policy in force, and updates take effect at once.
  private func serve(_ stream: Stream, with controller: inout Controller) throws -> [ExitPolicy] {
    var policies: [ExitPolicy] = []
    for item in 0..<stream.count {
      var exit = ExitPosition.final
      let (scores, agrees) = (stream.scores[item], stream.agrees[item])
      for candidate in controller.policy.exits where candidate.releases(scores[candidate.ramp.rawValue]) {
        exit = .ramp(candidate.ramp)
        break
      }
      try controller.record(scores: scores.span, agrees: agrees.span, exit: exit, batchSize: 1)
      if controller.isUpdateDue, let policy = controller.update() { policies.append(policy) }
    }
    return policies
  }

  @Test(arguments: Guarantee.allCases) func itemsLeaveOnceThereIsEvidence(guarantee: Guarantee) throws {
    var options = ControllerOptions()
    options.guarantee = guarantee
    var controller = try Controller(profile: .even(sites: 4), options: options)
    #expect(!controller.policy.releasesAnything)
    _ = try serve(.synthetic(items: 4000, sites: 4, seed: 1), with: &controller)
    #expect(controller.policy.releasesAnything)
    #expect(controller.status.exitRate > 0.2)
    #expect(controller.status.agreement >= (guarantee == .certified ? 0.99 : 0.97))
  }

  @Test func theSameAnswersGiveTheSamePolicies() throws {
    let stream = Stream.synthetic(items: 3000, sites: 5, seed: 2)
    var first = try Controller(profile: .even(sites: 5))
    var second = try Controller(profile: .even(sites: 5))
    let policies = try serve(stream, with: &first)
    #expect(!policies.isEmpty)
    #expect(try policies == serve(stream, with: &second))
  }
}
