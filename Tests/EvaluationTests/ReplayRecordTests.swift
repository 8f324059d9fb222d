import EarlyExit
import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@testable import Evaluation

/// A made-up replay whose numbers can be recomputed by hand.
struct MadeReplay {
  let record: ReplayRecord

  /// 400 items, 5 ms apart; even ones from the second policy on leave at ramp 1, of which every 50th disagrees.
  init() throws {
    let profile = try LatencyProfile([
      .init(batchSize: 1, untilSite: [0.001, 0.002, 0.003], rampCost: [0.0001, 0.0002, 0.0003], total: 0.004)
    ])
    let policies = [
      try ExitPolicy(version: 3, exits: [.init(ramp: RampID(1), threshold: 0)]),
      try ExitPolicy(
        version: 4, exits: [.init(ramp: RampID(1), threshold: 0.25), .init(ramp: RampID(2), threshold: 0.5)]),
    ]
    var vanilla: [ServedItem] = []
    var served: [ServedItem] = []
    for item in 0..<400 {
      let arrival = Double(item) * 0.005
      let leaves = item >= 100 && item % 2 == 0
      let answer = item % 3
      vanilla.append(
        ServedItem(
          arrival: arrival, started: arrival, released: arrival + 0.004, ended: arrival + 0.004, exit: .final,
          answer: answer,
          batchSize: 1, policyVersion: 0))
      served.append(
        ServedItem(
          arrival: arrival, started: arrival, released: arrival + (leaves ? 0.002 : 0.0045), ended: arrival + 0.0045,
          exit: leaves ? .ramp(RampID(1)) : .final, answer: leaves && item % 50 == 0 ? answer + 1 : answer,
          batchSize: 1, policyVersion: item < 100 ? 3 : 4))
    }
    record = ReplayRecord(
      setup: ReplayReport.Setup(
        model: "a <model> & more", device: "device", stream: ["first", "second"], policy: "apparate",
        arrivals: "fixed:200", speed: "realtime", items: 400, largestBatch: 1, accuracy: 0.99, rampBudget: 0.02,
        guarantee: "certified", seed: 1),
      sites: ["a", "b", "c"].enumerated().map { .init(name: $0.element, latencyShare: Double($0.offset + 1) / 4) },
      profile: profile, parts: [("first", 0..<100), ("second", 100..<400)], vanilla: vanilla, served: served,
      oracle: served.map { _ in 1.5 }, policies: policies)
  }
}

@Suite struct ReplayRecordTests {
  @Test func countsWhatHappened() throws {
    let record = try MadeReplay().record
    let report = record.report()
    // 150 items left; those at 100, 150, … 350 disagreed.
    #expect(report.agreement.items == 400 && report.agreement.disagreements == 6)
    #expect(report.agreement.share == 1 - 6.0 / 400)
    #expect(report.exitShare == 150.0 / 400)
    #expect(report.parts.map(\.agreement.disagreements) == [0, 6])
    #expect(report.parts.map(\.exitShare) == [0, 0.5])
    #expect(report.ramps.map(\.ramp) == [1, 2])
    let ramp = try #require(report.ramps.first)
    #expect(ramp.site == "b" && ramp.activeItems == 400 && ramp.exits == 150 && ramp.disagreements == 6)
    #expect(abs(ramp.savedMilliseconds - 150 * 2.5) < 1e-6)
    #expect(abs(ramp.addedMilliseconds - 250 * 0.2) < 1e-6)
    // The second ramp was active for 300 items, half of which had left before it.
    #expect(report.ramps[1].activeItems == 300 && abs(report.ramps[1].addedMilliseconds - 150 * 0.3) < 1e-6)
    #expect(report.policies.map(\.item) == [0, 100] && report.policies.map(\.version) == [3, 4])
    #expect(report.policies.map(\.thresholds) == [[0, nil], [0.25, 0.5]])
  }

  @Test func addsUpIntervals() throws {
    let report = try MadeReplay().record.report()
    #expect(report.intervals.map(\.firstItem) == [0] + report.intervals.dropLast().map(\.endItem))
    #expect(report.intervals.last?.endItem == 400)
    for ramp in report.ramps.indices {
      #expect(report.intervals.map { $0.exits[ramp] }.reduce(0, +) == report.ramps[ramp].exits)
    }
    #expect(report.intervals.last?.agreementSoFar == report.agreement)
  }

  @Test func summarisesLatencies() throws {
    let record = try MadeReplay().record
    let report = record.report()
    let sorted = record.served.map(\.latencyMilliseconds).sorted()
    #expect(report.runs[1].latency.median == (sorted[199] + sorted[200]) / 2)
    #expect(abs(report.runs[1].latency.mean - (150 * 2 + 250 * 4.5) / 400) < 1e-9)
    #expect(abs(report.runs[0].latency.p99 - 4) < 1e-9)
    #expect(abs(report.runs[0].throughput - 400 / (399 * 0.005 + 0.004)) < 1e-6)
    for run in report.runs {
      #expect(zip(run.curve, run.curve.dropFirst()).allSatisfy { $0.x <= $1.x && $0.y < $1.y })
      #expect(run.curve.last?.y == 1)
    }
  }

  @Test func boundsTheAgreement() {
    // R: binom.test(6, 400)$conf.int
    let agreement = ReplayReport.Agreement(items: 400, disagreements: 6)
    #expect(abs(1 - agreement.high - 0.005524) < 1e-5 && abs(1 - agreement.low - 0.032354) < 1e-5)
    let none = ReplayReport.Agreement(items: 299, disagreements: 0)
    #expect(none.high == 1 && abs(none.low - 0.987738) < 1e-5)
  }

  @Test func survivesJSON() throws {
    let report = try MadeReplay().record.report()
    let data = try JSONEncoder().encode(report)
    #expect(try JSONDecoder().decode(ReplayReport.self, from: data) == report)
  }
}

@Suite struct ReportPageTests {
  /// Counts elements and collects text, and fails on what is not well-formed.
  private final class Reader: NSObject, XMLParserDelegate {
    var elements: [String: Int] = [:]
    var attributes: [String] = []
    var text = ""

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes values: [String: String]
    ) {
      elements[name, default: 0] += 1
      attributes += values.map { "\($0.key)=\($0.value)" }
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
  }

  @Test func isWellFormedAndSelfContained() throws {
    let report = try MadeReplay().record.report()
    let html = ReportPage(report).html
    let reader = Reader()
    let parser = XMLParser(data: Data(html.utf8))
    parser.delegate = reader
    #expect(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "") at line \(parser.lineNumber)")
    // Curves, latency over time, exits, two thresholds, agreement, utility.
    #expect(reader.elements["svg"] == 7)
    #expect(reader.elements["table"] == 3)
    for fetching in ["script", "link", "img", "iframe", "image", "use"] { #expect(reader.elements[fetching] == nil) }
    #expect(!html.contains("url(") && !html.contains("@import"))
    #expect(!reader.attributes.contains { $0.hasPrefix("src=") || $0.hasPrefix("href=") })
    #expect(!html.contains("NaN") && !html.contains("nan ") && !html.contains("inf"))
    // What the summary says is what the figures say.
    #expect(reader.text.contains("a <model> & more"))
    #expect(reader.text.contains("98.5 % of all answers were the model’s own"))
    #expect(reader.text.contains("37.5 % of the items left early"))
    #expect(reader.text.contains(ReportPage.milliseconds(report.runs[1].latency.median)))
  }

  @Test func drawsStreamsWithoutAnyExit() throws {
    var record = try MadeReplay().record
    record.served = record.vanilla
    record.policies = []
    record.oracle = []
    let html = ReportPage(record.report()).html
    #expect(XMLParser(data: Data(html.utf8)).parse())
    #expect(!html.contains("NaN") && !html.contains(">nan"))
  }
}
