import Datasets
import EarlyExit
import Foundation
import InferenceEngine
import ModelGraph
import Serving
import Testing

@testable import Evaluation

@Suite struct ReplayTests {
  /// Half of what a fast replay decides on is what its controller learnt from the half before.
  private func replay(_ change: (inout ReplayOptions) -> Void = { _ in }) throws -> ReplayRecord {
    let prepared = try PreparedTraffic.shared.get()
    var options = ReplayOptions()
    options.speed = .fast
    options.policy = .paper
    options.accuracy = try AccuracyConstraint(0.9)
    options.blockItems = 100
    options.adjustController = { $0.tuningPeriod = 32 }
    change(&options)
    let session = ReplaySession(
      prepared.outcome.model, name: "traffic", device: prepared.device, modelOptions: PreparedTraffic.loading,
      options: options)
    return try session.replay(
      try PreparedTraffic.items("stream"), bootstrap: try PreparedTraffic.items("bootstrap"))
  }

  private func decisions(_ record: ReplayRecord) -> [String] {
    record.served.map { "\($0.exit) \($0.answer) \($0.policyVersion)" }
  }

  @Test func decidesTheSameEachTime() throws {
    let (first, second) = (try replay(), try replay())
    #expect(decisions(first) == decisions(second))
    #expect(first.policies == second.policies && first.policies.count > 1)
    #expect(first.served.contains { $0.exit != .final }, "nothing left early, so nothing was compared")
  }

  @Test func comparesWithTheModelsOwnAnswers() throws {
    let record = try replay()
    #expect(record.vanilla.count == 256 && record.served.count == 256)
    #expect(record.vanilla.allSatisfy { $0.exit == .final })
    // What ran to the end is the model's own answer, bit for bit.
    for (own, served) in zip(record.vanilla, record.served) where served.exit == .final {
      #expect(own.answer == served.answer)
    }
    for item in record.served {
      #expect(item.arrival <= item.started && item.started <= item.released && item.released <= item.ended)
    }
    // Without arrivals the next batch follows the last one: the stream's time never runs backwards.
    #expect(zip(record.served, record.served.dropFirst()).allSatisfy { $0.ended <= $1.arrival })
    let report = record.report()
    #expect(report.agreement.disagreements == zip(record.vanilla, record.served).count { $0.answer != $1.answer })
    #expect(report.ramps.map(\.exits).reduce(0, +) == record.served.count { $0.exit != .final })
  }

  @Test func tunesStaticPoliciesOnce() throws {
    let record = try replay { $0.policy = .staticPerRamp }
    #expect(Set(record.served.map(\.policyVersion)) == [1] && record.policies.count == 1)
    #expect(record.policies.first?.releasesAnything == true)
    let shared = try replay { $0.policy = .staticShared }
    #expect(Set(shared.policies.flatMap { $0.exits.map(\.threshold) }).count == 1)
  }

  @Test func letsNothingLeaveWithoutAPolicy() throws {
    let record = try replay { $0.policy = .vanilla }
    #expect(record.served.allSatisfy { $0.exit == .final } && record.report().agreement.disagreements == 0)
  }

  @Test func givesTheOracleNoDisagreements() throws {
    let record = try replay { $0.policy = .optimal }
    let report = record.report()
    #expect(report.agreement.disagreements == 0 && report.exitShare > 0.5)
    #expect(zip(record.served, record.vanilla).allSatisfy { $0.latencyMilliseconds <= $1.latencyMilliseconds })
  }

  @Test func countsLatencyFromWhenItemsWereDue() throws {
    // Far more than any engine can take: the wait in the queue must show, and grow.
    let record = try replay {
      $0.speed = .realtime
      $0.arrivals = ("fixed:1000000", .fixed(rate: 1_000_000))
      $0.largestBatch = 1
      $0.blockItems = 64
    }
    let block = record.vanilla[64..<128]
    #expect(zip(block, block.dropFirst()).allSatisfy { $0.released < $1.released })
    let (first, last) = (try #require(block.first), try #require(block.last))
    // The last one waited for 63 others; each runs for at least a hundredth of the first's latency.
    #expect(last.latencyMilliseconds > first.latencyMilliseconds)
    #expect(abs(last.arrival - 127e-6) < 1e-9)
  }
}
