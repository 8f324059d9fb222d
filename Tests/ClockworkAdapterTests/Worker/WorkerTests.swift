import Foundation
import Testing
import Wire

@testable import ClockworkAdapter

/// A worker as a strict controller sees it: every answer here has passed ``ResultCheck``.
@Suite struct WorkerTests {
  // MARK: State and models

  @Test func saysWhatItHas() throws {
    let bench = try Bench { $0.gpus = 2 }
    try bench.load(as: 3, copies: 2)
    let state = try bench.state()
    #expect(state.pageSize == 1 << 12)
    #expect(state.gpus.map(\.id) == [0, 1])
    #expect(state.gpus.map(\.weightsCachePages) == [256, 256])
    #expect(state.gpus.map(\.models) == [[3], []])
    #expect(state.models.map(\.id) == [3, 4])
    #expect(state.models.allSatisfy { $0.source == "tiny" && $0.inputSize == 32 && $0.outputSize == 16 })
  }

  @Test func measuresWhatItLoads() throws {
    let bench = try Bench()
    let result = try bench.load(weights: false)
    #expect(result.inputSize == 32)
    #expect(result.outputSize == 16)
    #expect(result.batchSizes == [1, 2, 4], "the worker's own limit is 4")
    #expect(result.weightsPages >= 1)
    #expect(result.weightsSizeInCache == UInt64(result.weightsPages) << 12)
    #expect(result.copiesCreated == 1)
  }

  @Test func batchSizesThatTakeTooLongAreNotOffered() throws {
    let bench = try Bench()
    let answer = try bench.call {
      .loadModelFromDisk(.init(actionID: $0, modelID: 0, path: "tiny", maxBatchSize: 16, maxExecDuration: 1))
    }
    guard case .loadModelFromDisk(let result) = answer.result else { throw Unexpected("\(answer.result)") }
    #expect(result.batchSizes == [1], "one item is always possible")
  }

  @Test(arguments: [
    ("tiny", 0), ("tiny/1", 0), ("/zoo/tiny/model", 0), ("/somewhere/else/tiny", 0), ("nothing", 41), ("", 41),
    ("../tiny", 41), ("/etc/passwd", 41), ("broken", 41),
  ])
  func findsModelsByPath(_ path: String, _ expected: Int32) throws {
    let bench = try Bench()
    try bench.models.addBroken("broken")
    let status = try bench.status { .loadModelFromDisk(.init(actionID: $0, modelID: 0, path: path)) }
    #expect(status == expected)
  }

  @Test func anIDCanBeTakenOnce() throws {
    let bench = try Bench()
    try bench.load(as: 0, copies: 3, weights: false)
    for id: Int32 in [0, 2] {
      #expect(try bench.status { .loadModelFromDisk(.init(actionID: $0, modelID: id, path: "tiny")) } == 40)
    }
    #expect(try bench.status { .loadModelFromDisk(.init(actionID: $0, modelID: 3, path: "tiny")) } == 0)
    #expect(try bench.status { .loadModelFromDisk(.init(actionID: $0, modelID: 9, path: "tiny", copies: 0)) } == 12)
  }

  @Test func aMissingExtentIsNamed() throws {
    let bench = try Bench()
    try bench.models.addPair("open")
    let answer = try bench.call { .loadModelFromDisk(.init(actionID: $0, modelID: 0, path: "open")) }
    guard case .error(let failure) = answer.result else { throw Unexpected("\(answer.result)") }
    #expect(failure.status == 41)
    #expect(failure.message.contains("--sequence_length"))
  }

  @Test func openExtentsComeFromTheOptionOrTheModel() throws {
    let bench = try Bench { $0.openExtent = 6 }
    try bench.models.addPair("open")
    try bench.models.addPair("own", shapes: #"{"shapes": {"a": [3], "b": [3]}}"#)
    #expect(try bench.load("open", as: 0).inputSize == 48)
    #expect(try bench.load("own", as: 1).inputSize == 24)
    // Items hold both inputs, one after the other, and so do answers.
    let (a, b): ([[Float]], [[Float]]) = ([[1, 2, 3], [4, 5, 6]], [[10, 20, 30], [40, 50, 60]])
    let body = zip(a, b).flatMap { $0 + $1 }.withUnsafeBytes { Array($0) }
    let answer = try bench.infer(1, count: 2, body)
    let expected: [Float] = [11, 22, 33, -9, -18, -27, 44, 55, 66, -36, -45, -54]
    #expect(answer.body == expected.withUnsafeBytes { Array($0) })
  }

  // MARK: Inference

  @Test(arguments: [1, 2, 3, 4])
  func answersAsTheModelDoes(_ count: Int) throws {
    let bench = try Bench()
    try bench.load()
    let inputs = TinyModels.inputs(count)
    let answer = try bench.infer(count: count, inputs)
    #expect(answer.body == (try bench.models.expected("tiny", inputs)), "\(answer.result)")
  }

  @Test func takesCompressedInputs() throws {
    let bench = try Bench()
    try bench.load()
    let inputs = TinyModels.inputs(3)
    let blocks = try (0..<3).map { item in
      try inputs[(item * 32)..<(item * 32 + 32)].withUnsafeBytes { try LZ4Block.compress($0) }
    }
    let answer = try bench.infer(count: 3, blocks.flatMap { $0 }, sizes: blocks.map(\.count))
    #expect(answer.body == (try bench.models.expected("tiny", inputs)))
  }

  @Test func makesUpInputsThatAreNotThere() throws {
    let bench = try Bench()
    try bench.load()
    #expect(try bench.infer(count: 2, []).body == [])
    #expect(try bench.infer(count: 2, [], sizes: [0, 0]).body == [])
  }

  @Test func refusesWrongInputs() throws {
    let bench = try Bench()
    try bench.load()
    let inputs = TinyModels.inputs(2)
    let block = try inputs[..<32].withUnsafeBytes { try LZ4Block.compress($0) }
    #expect(try bench.inferStatus(count: 0, inputs) == 73)
    #expect(try bench.inferStatus(count: 5, inputs) == 73)
    #expect(try bench.inferStatus(count: 1, inputs) == 75, "too long")
    #expect(try bench.inferStatus(count: 3, inputs) == 75, "too short")
    #expect(try bench.inferStatus(count: 1, block + block, sizes: [block.count, block.count]) == 77, "too many")
    #expect(try bench.inferStatus(count: 2, block, sizes: [block.count, block.count]) == 77, "beyond the body")
    #expect(try bench.inferStatus(count: 1, block, sizes: [block.count - 1]) == 78, "cut short")
    #expect(
      try bench.inferStatus(count: 1, [block[0], block[1] &+ 40] + block.dropFirst(2), sizes: [block.count]) == 78,
      "corrupt")
    let short = try inputs[..<16].withUnsafeBytes { try LZ4Block.compress($0) }
    #expect(try bench.inferStatus(count: 1, short, sizes: [short.count]) == 78, "too little in it")
    #expect(try bench.inferStatus(count: 2, inputs) == 0, "none of this did any harm")
  }

  @Test func inputsAreRequiredWhereTheConfigurationSaysSo() throws {
    let bench = try Bench { $0.allowsEmptyInputs = false }
    try bench.load()
    #expect(try bench.inferStatus(count: 1, []) == 75)
  }

  @Test func unknownModelsAndGPUsAreErrors() throws {
    let bench = try Bench()
    try bench.load()
    #expect(try bench.loadWeights(7) == 52)
    #expect(try bench.evict(7) == 62)
    #expect(try bench.inferStatus(7, count: 1, TinyModels.inputs(1)) == 72)
    #expect(try bench.loadWeights(0, gpu: 1) == 13)
    #expect(try bench.evict(0, gpu: .max) == 13)
    #expect(try bench.inferStatus(0, gpu: 1, count: 1, TinyModels.inputs(1)) == 13)
  }

  // MARK: Weights

  @Test func inferenceNeedsWeights() throws {
    let bench = try Bench()
    try bench.load(weights: false)
    let inputs = TinyModels.inputs(1)
    #expect(try bench.inferStatus(count: 1, inputs) == 82)
    #expect(try bench.loadWeights(0) == 0)
    #expect(try bench.loadWeights(0) == 0, "loading what is loaded is no error")
    #expect(try bench.inferStatus(count: 1, inputs) == 0)
    #expect(try bench.evict(0) == 0)
    #expect(try bench.evict(0) == 63)
    #expect(try bench.inferStatus(count: 1, inputs) == 82)
    #expect(try bench.loadWeights(0) == 0)
    #expect(try bench.status { .clearCache(.init(actionID: $0)) } == 0)
    #expect(try bench.inferStatus(count: 1, inputs) == 82)
    #expect(try bench.evict(0) == 63)
  }

  @Test func loadsNoMoreThanThereIsRoomFor() throws {
    let bench = try Bench { $0.weightsCacheSize = 2 << 12 }
    let pages = try bench.load(copies: 4, weights: false).weightsPages
    try #require(pages == 1)
    #expect(try (0..<4).map { try bench.loadWeights($0) } == [0, 0, 53, 53])
    #expect(try bench.evict(1) == 0)
    #expect(try bench.loadWeights(3) == 0)
    #expect(try bench.state().gpus[0].models == [0, 3])
    #expect(try bench.inferStatus(3, count: 1, TinyModels.inputs(1)) == 0)
    #expect(try bench.inferStatus(1, count: 1, TinyModels.inputs(1)) == 82)
  }

  @Test func copiesHaveWeightsOfTheirOwn() throws {
    let bench = try Bench()
    try bench.load(copies: 2)
    #expect(try bench.inferStatus(1, count: 1, TinyModels.inputs(1)) == 82)
    #expect(try bench.loadWeights(1) == 0)
    #expect(try bench.evict(0) == 0)
    #expect(try bench.inferStatus(1, count: 1, TinyModels.inputs(1)) == 0)
  }

  @Test func gpusAreIndependent() throws {
    let bench = try Bench { $0.gpus = 2 }
    try bench.load()
    let inputs = TinyModels.inputs(2)
    #expect(try bench.inferStatus(gpu: 1, count: 2, inputs) == 82)
    #expect(try bench.loadWeights(0, gpu: 1) == 0)
    bench.gate.close()
    let running = bench.start(body: inputs) { .infer(.init(actionID: $0, modelID: 0, gpuID: 0, batchSize: 2)) }
    try bench.gate.waitForVisitor()
    #expect(try bench.evict(0, gpu: 1) == 0, "GPU 0 is busy, GPU 1 is not")
    #expect(try bench.loadWeights(0, gpu: 1) == 0)
    bench.gate.open()
    #expect(try running.status() == 0)
    #expect(try bench.infer(gpu: 1, count: 2, inputs).body == (try bench.models.expected("tiny", inputs)))
  }

  @Test func evictionWinsOverARunningBatch() throws {
    let bench = try Bench()
    try bench.load()
    bench.gate.close()
    let running = bench.start(body: TinyModels.inputs(1)) { .infer(.init(actionID: $0, modelID: 0, gpuID: 0)) }
    try bench.gate.waitForVisitor()
    #expect(try bench.evict(0) == 0)
    bench.gate.open()
    let status = try running.status()
    #expect(status == 84)
    #expect(try bench.inferStatus(count: 1, TinyModels.inputs(1)) == 82)
  }

  // MARK: Windows

  @Test func startsInItsWindow() throws {
    let bench = try Bench()
    try bench.load()
    let earliest = bench.clock.now() + 60_000_000
    let answer = try bench.call(body: TinyModels.inputs(1)) {
      .infer(.init(actionID: $0, modelID: 0, gpuID: 0, earliest: earliest, latest: earliest + 5_000_000_000))
    }
    guard case .infer(let result) = answer.result else { throw Unexpected("\(answer.result)") }
    // The estimate of the other clock is as good as half of the fastest way there and back.
    #expect(result.exec.begin + 5_000_000 >= earliest)
    #expect(result.copyInput.begin + 10_000_000 >= earliest, "5 ms before, for copying")
    #expect(result.copyInput.begin <= result.exec.begin)
  }

  @Test func whatIsLateIsNotDone() throws {
    let bench = try Bench()
    try bench.load(weights: false)
    let past = bench.clock.now() - 1_000_000_000
    #expect(try bench.status { .loadModelFromDisk(.init(actionID: $0, modelID: 5, path: "tiny", latest: past)) } == 11)
    #expect(try bench.status { .loadWeights(.init(actionID: $0, modelID: 0, gpuID: 0, latest: past)) } == 51)
    #expect(try bench.loadWeights(0) == 0)
    #expect(try bench.status { .evictWeights(.init(actionID: $0, modelID: 0, gpuID: 0, latest: past)) } == 61)
    let inputs = TinyModels.inputs(1)
    #expect(
      try bench.status(body: inputs) { .infer(.init(actionID: $0, modelID: 0, gpuID: 0, latest: past)) } == 71)
    #expect(try bench.status(body: inputs) { .infer(.init(actionID: $0, modelID: 0, gpuID: 0, latest: 1)) } == 71)
    #expect(try bench.inferStatus(count: 1, inputs) == 0, "the late eviction was not done")
    #expect(try bench.state().models.map(\.id) == [0])
  }

  /// A batch whose inputs were there in time, and that had to wait for another beyond its window.
  @Test func aBatchHeldUpBeyondItsWindowIsTooLate() throws {
    let bench = try Bench()
    try bench.load()
    bench.gate.close()
    let inputs = TinyModels.inputs(1)
    let first = bench.start(body: inputs) { .infer(.init(actionID: $0, modelID: 0, gpuID: 0)) }
    try bench.gate.waitForVisitor()
    let latest = bench.clock.now() + 100_000_000
    let second = bench.start(body: inputs) { .infer(.init(actionID: $0, modelID: 0, gpuID: 0, latest: latest)) }
    // Answered at once, which tells that what was sent before it has been taken from the wire.
    _ = try bench.status { .clearCache(.init(actionID: $0)) }
    while bench.clock.now() < latest + 50_000_000 { Thread.sleep(forTimeInterval: 0.01) }
    bench.gate.open()
    #expect(try first.status() == 84, "the weights were cleared meanwhile")
    #expect(try second.status() == 81)
  }

  @Test func anEvictionOvertakesLoadsThatWait() throws {
    let bench = try Bench()
    try bench.load(copies: 2)
    let later = bench.clock.now() + 300_000_000
    let load = bench.start { .loadWeights(.init(actionID: $0, modelID: 1, gpuID: 0, earliest: later)) }
    #expect(try bench.evict(0) == 0)
    #expect(load.isEmpty, "the load was sent before, and may start later only")
    #expect(try load.status() == 0)
  }

  /// The ends of time mean "any time" on either clock.
  @Test(arguments: [Duration.seconds(-34 * 3600), .seconds(34 * 3600), .zero])
  func clocksMayDiffer(by offset: Duration) throws {
    let bench = try Bench(workerOffset: offset)
    // The first answer's times are the worker's own; ``ResultCheck`` looks at all later ones in the controller's.
    try bench.load(copies: 2)
    let inputs = TinyModels.inputs(1)
    #expect(try bench.inferStatus(count: 1, inputs) == 0)
    #expect(try bench.evict(0) == 0)
    let now = bench.clock.now()
    #expect(
      try bench.status {
        .loadWeights(.init(actionID: $0, modelID: 0, gpuID: 0, earliest: now, latest: now + 5_000_000_000))
      } == 0)
    #expect(
      try bench.status { .loadWeights(.init(actionID: $0, modelID: 0, gpuID: 0, latest: now - 1_000_000_000)) } == 51)
    let later = bench.clock.now() + 50_000_000
    let answer = try bench.call(body: inputs) {
      .infer(.init(actionID: $0, modelID: 0, gpuID: 0, earliest: later, latest: later + 5_000_000_000))
    }
    guard case .infer(let result) = answer.result else { throw Unexpected("\(answer.result)") }
    #expect(result.exec.begin + 5_000_000 >= later)
  }

  // MARK: Connections

  @Test func manyActionsAreAnsweredOnceEach() throws {
    let bench = try Bench()
    try bench.load()
    let expected = try bench.models.expected("tiny", TinyModels.inputs(1))
    let running = (0..<100).map { _ in
      bench.start(body: TinyModels.inputs(1)) { .infer(.init(actionID: $0, modelID: 0, gpuID: 0)) }
    }
    #expect(try running.allSatisfy { try $0.status() == 0 })
    #expect(expected.count == 16)
  }

  @Test func aNewControllerFindsModelsAndNoWeights() throws {
    let bench = try Bench()
    try bench.load(copies: 2)
    try bench.reconnect()
    let state = try bench.state()
    #expect(state.models.map(\.id) == [0, 1])
    #expect(state.gpus[0].models == [], "a controller begins by assuming so")
    #expect(try bench.inferStatus(count: 1, TinyModels.inputs(1)) == 82)
    #expect(try bench.loadWeights(0) == 0)
    #expect(try bench.inferStatus(count: 1, TinyModels.inputs(1)) == 0)
  }

  @Test func whoeverWaitsIsToldWhenItStops() throws {
    let bench = try Bench()
    try bench.load()
    let far = bench.clock.now() + 3_600_000_000_000
    let waiting = (0..<3).map { _ in
      bench.start(body: TinyModels.inputs(1)) { .infer(.init(actionID: $0, modelID: 0, gpuID: 0, earliest: far)) }
    }
    let load = bench.start { .loadWeights(.init(actionID: $0, modelID: 0, gpuID: 0, earliest: far)) }
    _ = try bench.evict(0)
    bench.server.stop()
    #expect(try waiting.map { try $0.status() } == [1, 1, 1])
    #expect(try load.status() == 1)
    #expect(bench.link.waitUntilEnded(.seconds(10)))
  }
}
