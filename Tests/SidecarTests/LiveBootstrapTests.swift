import Foundation
import ModelGraph
import Serving
import ServingFixtures
import TensorFlowServingAdapter
import Testing

@testable import Sidecar

extension SidecarTests {
  /// A model without ramps gets some while it is served.
  @Suite struct LiveBootstrapTests {
    private func options() throws -> BootstrapOptions {
      var options = BootstrapOptions()
      options.program = try RunningSidecar.program
      options.fewestItems = 48
      options.mostItems = 48
      options.spread = 1
      // As fast as it goes, whatever other tests do.
      options.share = 1
      options.yields = false
      return options
    }

    @Test("is prepared from what it is sent, and the prepared model takes its place without a gap")
    func prepares() async throws {
      let directory = try ModelDirectory()
      try directory.add(version: "1", linkingTo: Street.modelPath)
      let flags = ["--model_base_path=\(directory.path)", "--model_name=street"]
      let items = try Street.items("stream")
      try await RunningSidecar.with(flags[0], flags[1], bootstrap: try options()) { sidecar in
        let shared = try #require(sidecar.server.engines.engines.first)
        let vanilla = shared.engine
        var count = 0
        /// The model's own bytes, whoever answers.
        func call() async throws {
          let batch = items.batch([count % items.count])
          count += 1
          let answer = try await sidecar.predict("street", batch, isExact: true)
          let expected = try Street.original.get().run(batch)["logits"]
          #expect(answer.exits == "final" && answer.outputs["logits"]?.bytes == expected?.bytes)
        }
        for _ in 0..<60 { try await call() }
        var polls = 0
        let isReplaced = try await eventually(within: 240) {
          polls += 1
          // Now and then, so that the preparation has the processors.
          if polls % 20 == 0 { try await call() }
          return shared.engine !== vanilla
        }
        #expect(isReplaced, "\(sidecar.log.all)")
        try await sidecar.log.wait(for: "street 1: serving with 9 ramps from now on")
        #expect(shared.engine.description.ramps.count == 9)
        #expect(shared.engine.controllerStatus != nil)
        // One more, to the engine that is new: counters go on.
        try await call()
        let text = try await sidecar.curl("/monitoring/prometheus/metrics").body
        #expect(
          text.contains(#"apparate_exits_total{model_name="street",version="1",exit="final"} \#(count)"#), "\(text)")
      }
      // The next start has them from the first request on.
      let next = try await RunningSidecar.start(flags)
      #expect(try #require(next.server.engines.engines.first).engine.description.ramps.count == 9)
      await next.end()
      let left = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/1").sorted()
      #expect(left == [VersionFiles.preparedName, StateFolder.controllerName, VersionFiles.onnxName].sorted())
    }

    @Test("a model that is no classifier is served as it is")
    func noClassifier() async throws {
      let directory = try ModelDirectory()
      try directory.add(version: "1", TinyModel.affine(scale: 2, offset: 1, width: 1))
      try await RunningSidecar.with(
        "--model_base_path=\(directory.path)", "--model_name=m", bootstrap: try options()
      ) { sidecar in
        let y = try await sidecar.affine("m", 1)
        #expect(y == 3)
        try await sidecar.log.wait(for: "m 1: is served as it is:")
        #expect(sidecar.server.engines.bootstraps.map(\.bootstrap.stage) == [.ended])
      }
    }

    @Test("nothing is collected when that is not wanted")
    func off() async throws {
      let directory = try ModelDirectory()
      try directory.add(version: "1", linkingTo: Street.modelPath)
      for flag in ["--apparate_bootstrap=off", "--apparate_exits=off"] {
        try await RunningSidecar.with(
          "--model_base_path=\(directory.path)", "--model_name=street", flag, bootstrap: try options()
        ) { #expect($0.server.engines.bootstraps.isEmpty) }
      }
    }

    @Test("a preparation that fails says why")
    func failures() throws {
      func run(_ program: String, _ arguments: [String]) -> PreparationProcess.Outcome {
        PreparationProcess(
          program: URL(filePath: program), arguments: arguments, share: 1, timeLimit: .seconds(60)
        ).run(requests: { 0 })
      }
      #expect(run("/bin/sh", ["-c", "echo one >&2; echo 'apparate: error: two' >&2; exit 1"]) == .failed("two"))
      #expect(run("/bin/true", []) == .done)
      guard case .failed(let reason) = run("/no/such/program", []) else {
        Issue.record("a program that is not there was run")
        return
      }
      #expect(reason.contains("/no/such/program cannot be run"))
    }

    @Test("a preparation ends with what it is for, also while it is held")
    func cancelling() throws {
      let folder = try Folder()
      let mark = folder.path + "/began"
      let process = PreparationProcess(
        program: URL(filePath: "/bin/sh"), arguments: ["-c", "touch \(mark); exec sleep 600"], share: 0,
        timeLimit: .seconds(60))
      var polls: UInt64 = 0
      let outcome = process.run {
        // Requests come all the time once it has begun, so that it is held.
        if FileManager.default.fileExists(atPath: mark) { polls += 1 }
        if polls == 3 { process.cancel() }
        return polls
      }
      #expect(outcome == .cancelled)
      #expect(process.run { 0 } == .cancelled)
    }
  }
}
