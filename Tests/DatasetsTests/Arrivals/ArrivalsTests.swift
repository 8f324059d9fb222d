import Foundation
import Testing

@testable import Datasets

@Suite struct ArrivalsTests {
  @Test func spacesAFixedRateEvenly() throws {
    let times = try Arrivals("fixed:25").times(count: 101, seed: 0)
    #expect(times.first == 0 && times.last == 4)
    #expect(zip(times, times.dropFirst()).allSatisfy { abs($1 - $0 - 0.04) < 1e-12 })
  }

  @Test func drawsPoissonArrivalsFromTheSeed() throws {
    let arrivals = try Arrivals("poisson:50")
    let times = arrivals.times(count: 20_001, seed: 7)
    #expect(times == arrivals.times(count: 20_001, seed: 7))
    #expect(times != arrivals.times(count: 20_001, seed: 8))
    let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
    let mean = gaps.reduce(0, +) / Double(gaps.count)
    let deviation = (gaps.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(gaps.count)).squareRoot()
    // Both are 1/50 s for an exponential distribution; the standard error here is 0.7 %.
    #expect(abs(mean * 50 - 1) < 0.03 && abs(deviation * 50 - 1) < 0.03)
  }

  @Test func readsTimesOfDayAcrossMidnight() throws {
    let text = """
      TIMESTAMP,ContextTokens,GeneratedTokens
      2024-02-28 23:59:59.5000000,374,44
      2024-02-29 00:00:00.2500000,396,109
      2024-03-01 00:00:00.2500000,1,2
      """
    let times = try TraceFile.parse(text, path: "x.csv")
    #expect(times.map { ($0 * 100).rounded() / 100 } == [0, 0.75, 86_400.75])
  }

  @Test func readsSecondsWithOrWithoutAHeading() throws {
    #expect(try TraceFile.parse("size, arrival time\n1,5\n2,4.5\n", path: "x.csv") == [0, 0.5])
    #expect(try TraceFile.parse("3\n4\n4\n", path: "x.csv") == [0, 1, 1])
  }

  @Test func stretchesATraceToARateAndRepeatsIt() throws {
    let arrivals = Arrivals.trace(times: [0, 1, 4], rate: 10)
    let times = arrivals.times(count: 7, seed: 0)
    // Two gaps in four seconds become two gaps in 0.2 s; a mean gap lies between the rounds.
    #expect(times.map { ($0 * 1000).rounded() } == [0, 50, 200, 300, 350, 500, 600])
    #expect(Arrivals.trace(times: [0, 1, 4], rate: nil).times(count: 3, seed: 0) == [0, 1, 4])
  }

  @Test(arguments: ["fixed", "fixed:", "fixed:0", "fixed:-1", "fixed:inf", "uniform:3", "csv:/nowhere.csv@x", ""])
  func refusesWhatItCannotRead(text: String) { #expect(throws: DatasetError.self) { try Arrivals(text) } }

  @Test(arguments: ["", "time\n", "time\n1\n", "time\n1\n1\n", "time\n1\nsoon\n", "a,time\n1\n"])
  func refusesFilesWithoutTwoTimes(text: String) {
    #expect(throws: DatasetError.self) { try TraceFile.parse(text, path: "x.csv") }
  }
}
