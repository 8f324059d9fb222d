import EarlyExit
import Testing

@Suite struct StartingRampsTests {
  @Test func asManyAsTheBudgetAdmitsEvenlySpaced() throws {
    // 0.5 % each: four of nine.
    #expect(
      try StartingRamps.evenlySpaced(in: .even(sites: 9, rampCost: 5e-5), budget: 0.02)
        == [1, 3, 5, 7].map { RampID($0) })
    #expect(try StartingRamps.evenlySpaced(in: .even(sites: 3, rampCost: 0), budget: 0.02).count == 3)
    #expect(try StartingRamps.evenlySpaced(in: .even(sites: 3, rampCost: 1e-3), budget: 0.02).isEmpty)
    #expect(try StartingRamps.evenlySpaced(in: .even(sites: 0), budget: 0.02).isEmpty)
  }
}
