import NIOCore
import Testing

@testable import RPC

@Suite struct CallTimeoutTests {
  @Test(arguments: [
    ("1H", TimeAmount.hours(1)), ("2M", .minutes(2)), ("3S", .seconds(3)), ("4m", .milliseconds(4)),
    ("5u", .microseconds(5)), ("6n", .nanoseconds(6)), ("00000007S", .seconds(7)), ("0n", .zero),
  ])
  func `units and digits are read`(text: String, expected: TimeAmount) {
    #expect(CallTimeout.parse(text) == expected)
  }

  @Test(arguments: ["", "S", "1", "1s", "-1S", "123456789n", "1.5S", " 1S", "1S ", "١S"])
  func `what the protocol does not allow is refused`(text: String) {
    #expect(CallTimeout.parse(text) == nil)
  }

  @Test func `the longest timeout does not overflow the clock`() {
    #expect(CallTimeout.parse("99999999H") == .hours(24 * 365))
  }

  @Test(arguments: [
    (TimeAmount.nanoseconds(1), "1n"), (.nanoseconds(99_999_999), "99999999n"), (.milliseconds(100), "100000u"),
    (.nanoseconds(100_000_001), "100001u"), (.seconds(3600), "3600000m"), (.zero, "0n"), (.nanoseconds(-5), "0n"),
  ])
  func `the text is as precise as eight digits allow and never shorter`(timeout: TimeAmount, expected: String) {
    #expect(CallTimeout.text(timeout) == expected)
  }
}
