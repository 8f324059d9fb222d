import EarlyExit
import Testing

@Suite struct RampIDTests {
  @Test func rampsAreOrderedFromInputToOutput() {
    #expect([RampID(7), RampID(0), RampID(3)].sorted() == [RampID(0), RampID(3), RampID(7)])
  }
}
