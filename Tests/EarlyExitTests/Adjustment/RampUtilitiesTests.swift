import Testing

@testable import EarlyExit

@Suite struct RampUtilitiesTests {
  @Test func aRampIsWorthWhatItsExitsSaveLessWhatItCosts() throws {
    // Sites at 2.5, 5 and 7.5 of 10 ms; ramps of 0.1 ms.
    let profile = try LatencyProfile.even(sites: 3, rampCost: 1e-4)
    let stream = Stream(
      sites: 3, scores: [[0.1, 0.1, 0.9], [0.9, 0.1, 0.9], [0.9, 0.9, 0.9], [0.1, 0.9, 0.9]],
      agrees: Array(repeating: [true, true, true], count: 4))
    let window = try stream.window()
    let exits = [0, 1, 2].map { ExitPolicy.Exit(ramp: RampID($0), threshold: 0.5) }
    let utilities = RampUtilities(of: exits, window: window, slots: window.slots(), profile: profile)
    #expect(utilities.exitRates == [0.5, 0.25, 0])
    // Ramp 0: one item would have left at 5 ms + ramp 1, one at the end with ramps 1 and 2; two passed it.
    let first = 2.5e-3 + (7.5e-3 + 1e-4) - 2 * 1e-4
    // Ramp 1: one item would have gone on to the end with ramp 2; one passed it.
    let second = 5e-3 - 1e-4
    #expect(abs(utilities.perItem[0] - first / 4) < 1e-12)
    #expect(abs(utilities.perItem[1] - second / 4) < 1e-12)
    #expect(abs(utilities.perItem[2] + 1e-4 / 4) < 1e-12)
  }
}
