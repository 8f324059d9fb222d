import EarlyExit
import Foundation
import ModelGraph
import RPC
import Serving
import ServingFixtures
import TensorFlowServingAdapter
import Testing
import Wire

@testable import Sidecar

extension SidecarTests {
  /// Answers that leave early, as clients see them.
  @Suite struct ExitsTests {
    private func folder() throws -> Folder {
      let folder = try Folder()
      let version = folder.url.appending(path: "1")
      try FileManager.default.createDirectory(at: version, withIntermediateDirectories: true)
      try Street.prepared.get().write(
        to: version.appending(path: VersionFiles.preparedName).path, original: Street.modelPath)
      return folder
    }

    @Test("answers leave early once thresholds are tuned, say so, and are exact when that is asked for")
    func exits() async throws {
      let folder = try folder()
      let flags = [
        "--model_base_path=\(folder.path)", "--model_name=street", "--apparate_guarantee=window",
        "--apparate_accuracy=0.8", "--apparate_ramp_budget=0.5",
      ]
      let items = try Street.items("stream")
      let batch = items.batch(0..<min(64, items.count))
      let expected = try #require(Street.original.get().run(batch)["logits"])

      let first = try await RunningSidecar.start(flags)
      let engine = try #require(first.server.engines.engines.first).engine
      #expect(
        try await eventually {
          _ = try await first.predict("street", batch)
          return engine.statistics.earlyExits > 0
        })
      let early = try await first.predict("street", batch)
      #expect(early.exits?.contains("ramp-") == true, "\(early.exits ?? "")")
      #expect(early.outputs["logits"]?.shape == expected.shape)
      let exact = try await first.predict("street", batch, isExact: true)
      #expect(exact.exits == "final")
      #expect(exact.outputs["logits"]?.bytes == expected.bytes)
      let text = try await first.curl("/monitoring/prometheus/metrics").body
      #expect(text.contains(#"apparate_threshold{model_name="street",version="1",ramp="#))
      await first.end()

      // What was learnt is there again, beside the model.
      #expect(FileManager.default.fileExists(atPath: folder.path + "/1/" + StateFolder.controllerName))
      let second = try await RunningSidecar.start(flags)
      #expect(try await second.predict("street", batch).exits?.contains("ramp-") == true)
      await second.end()

      let off = try await RunningSidecar.start(flags + ["--apparate_exits=off"])
      let answer = try await off.predict("street", batch)
      #expect(answer.exits == "final" && answer.outputs["logits"]?.bytes == expected.bytes)
      await off.end()
    }

    @Test("ramps that were measured nowhere, or elsewhere, are measured here")
    func measuring() async throws {
      let folder = try Folder()
      let version = folder.url.appending(path: "1")
      try FileManager.default.createDirectory(at: version, withIntermediateDirectories: true)
      var prepared = try Street.prepared.get()
      prepared.description.device = "another"
      try prepared.write(
        to: version.appending(path: VersionFiles.preparedName).path, original: Street.modelPath)
      try await RunningSidecar.with("--model_base_path=\(folder.path)", "--model_name=street") { sidecar in
        let engine = try #require(sidecar.server.engines.engines.first).engine
        #expect(engine.controllerStatus != nil)
        _ = try await sidecar.predict("street", try Street.items("stream").batch(0..<2))
        // Answers go out before they are counted.
        #expect(try await eventually { engine.statistics.items == 2 })
      }
    }

    @Test("what is learnt is kept beside the model, or in the directory for that")
    func stateFolder() throws {
      let folder = try Folder()
      let id = ServableID(name: "../a b", version: 3)
      let beside = StateFolder(fallback: folder.path)
      #expect(beside.path(for: id, at: folder.path) == folder.path)
      let readOnly = StateFolder(fallback: folder.path + "/state") { $0.hasPrefix(folder.path + "/state/") }
      let own = try #require(readOnly.path(for: id, at: "/models/a/3"))
      #expect(own == folder.path + "/state/_.._a_b/3")
      #expect(FileManager.default.fileExists(atPath: own))
      #expect(StateFolder(fallback: nil) { _ in false }.path(for: id, at: "/models/a/3") == nil)
    }
  }
}
