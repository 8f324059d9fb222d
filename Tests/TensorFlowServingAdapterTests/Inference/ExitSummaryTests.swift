import EarlyExit
import Testing

@testable import TensorFlowServingAdapter

@Suite struct ExitSummaryTests {
  @Test(arguments: [
    [ExitPosition.final], [.ramp(RampID(3))], [.final, .final], [.ramp(RampID(0)), .final, .ramp(RampID(12))],
  ]) func aClientReadsWhatTheServerWrote(exits: [ExitPosition]) throws {
    let text = try #require(ExitSummary.text(exits))
    #expect(ExitSummary.exits(text, count: exits.count) == exits)
  }

  @Test(arguments: ["", "mixed", "ramp-", "ramp-x", "final,", "final,ramp-1"]) func otherTextsSayNothing(text: String) {
    #expect(ExitSummary.exits(text, count: 3) == nil)
  }
}
