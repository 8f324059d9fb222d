import Foundation
import Testing
import Wire

@testable import ClockworkAdapter

/// Results of batches whose items leave before the device is done with them.
@Suite struct EarlyResultTests {
  @Test func theResultIsSentWhenEveryItemHasLeft() throws {
    let bench = try Bench(configure: { $0.earlyResultLead = .seconds(60) }, early: { Array(0..<$0) })
    let loaded = try bench.load()
    bench.gate.close()
    let inputs = TinyModels.inputs(2)
    let answer = try bench.infer(count: 2, inputs)
    #expect(answer.body == (try bench.models.expected("tiny", inputs)), "the device stands before the gate")
    guard case .infer(let result) = answer.result else { throw Unexpected("\(answer.result)") }
    #expect(result.exec.duration > 0)
    #expect(result.exec.end >= result.exec.begin)
    #expect(loaded.execTimes.count == 3)

    let next = bench.start(body: inputs) { .infer(.init(actionID: $0, modelID: 0, gpuID: 0, batchSize: 2)) }
    #expect(try bench.status { .loadWeights(.init(actionID: $0, modelID: 9, gpuID: 0)) } == 52)
    #expect(next.isEmpty, "the next batch begins when the device is free")
    bench.gate.open()
    #expect(try next.status() == 0)
  }

  @Test func theResultWaitsWhileOneItemIsInTheModel() throws {
    let bench = try Bench(configure: { $0.earlyResultLead = .seconds(60) }, early: { Array(0..<($0 - 1)) })
    try bench.load()
    bench.gate.close()
    let running = bench.start(body: TinyModels.inputs(2)) {
      .infer(.init(actionID: $0, modelID: 0, gpuID: 0, batchSize: 2))
    }
    try bench.gate.waitForVisitor()
    #expect(try bench.status { .clearCache(.init(actionID: $0)) } == 0)
    #expect(running.isEmpty)
    bench.gate.open()
    #expect(try running.status() == 84)
  }

  @Test func itemsAreAnsweredOneByOneForWhoAsks() throws {
    let bench = try Bench(early: { $0 > 1 ? [0, 2] : [] })
    try bench.load()
    let inputs = TinyModels.inputs(3)
    let expected = try bench.models.expected("tiny", inputs)
    let answers = bench.start(body: inputs) {
      .infer(.init(actionID: $0, modelID: 0, gpuID: 0, batchSize: 3, wantsItemResults: true))
    }
    guard case .infer(let result) = try answers.result() else { throw Unexpected("an error") }
    #expect(answers.items == [[0, 2], [1]])
    #expect(answers.itemBodies == [Array(expected[..<16] + expected[32...]), Array(expected[16..<32])])
    #expect(result.exec.duration > 0)
  }

  @Test func anEvictionSparesWhatWasAnswered() throws {
    let bench = try Bench(early: { $0 > 1 ? [1] : [] })
    try bench.load()
    bench.gate.close()
    let answers = bench.start(body: TinyModels.inputs(2)) {
      .infer(.init(actionID: $0, modelID: 0, gpuID: 0, batchSize: 2, wantsItemResults: true))
    }
    try bench.gate.waitForVisitor()
    #expect(try bench.evict(0) == 0)
    bench.gate.open()
    #expect(try answers.status() == 84)
    #expect(answers.items.first == [1])
  }
}
