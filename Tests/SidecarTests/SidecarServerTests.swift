import ClockworkAdapter
import Foundation
import InferenceEngine
import ModelGraph
import RPC
import Serving
import ServingFixtures
import Synchronization
import TensorFlowServingAdapter
import Testing
import Wire

@testable import Sidecar

extension SidecarTests {
  /// The whole server, started with TensorFlow-Serving's flags and called by real clients.
  @Suite struct SidecarServerTests {
    /// The official client's models, in a folder and in a model config file.
    private func models() throws -> (folder: Folder, config: String) {
      let folder = try Folder()
      try ModelFiles.write(to: folder.url)
      let entries = ["half_plus_two", "street", "wide"].map { name in
        #"config { name: "\#(name)" base_path: "\#(folder.path)/\#(name)" model_platform: "tensorflow" }"#
      }
      let config = try folder.write(
        "models.config", "model_config_list { \(entries.joined(separator: " ")) }")
      return (folder, config)
    }

    @Test("answers TensorFlow-Serving's official client")
    func officialClient() async throws {
      let (folder, config) = try models()
      try await RunningSidecar.with("--model_config_file=\(config)", "--file_system_poll_wait_seconds=0") { sidecar in
        let scenarios = ["predict", "large", "exits", "errors", "examples", "metadata", "concurrent", "reload"]
        try await sidecar.officialClient(scenarios, models: folder.path)
      }
    }

    @Test("answers it so when requests are put together, too")
    func officialClientBatched() async throws {
      let (folder, config) = try models()
      let batching = try folder.write(
        "batching.config",
        "max_batch_size { value: 64 } batch_timeout_micros { value: 1000 } allowed_batch_sizes: [1, 8, 64]")
      try await RunningSidecar.with(
        "--model_config_file=\(config)", "--enable_batching", "--batching_parameters_file=\(batching)"
      ) { sidecar in
        try await sidecar.officialClient(
          ["predict", "large", "errors", "examples", "concurrent"], models: folder.path)
        let metrics = try await sidecar.curl("/monitoring/prometheus/metrics").body
        #expect(metrics.contains(#":tensorflow:serving:batching_session:processed_batch_size_count"#))
      }
    }

    @Test("gives the bytes that the model gives, over gRPC and REST, alone and together")
    func sameBytes() async throws {
      let (folder, config) = try models()
      defer { withExtendedLifetime(folder) {} }
      let model = try LoadedModel(
        path: ModelFiles.workloads.appending(path: "vtest-resnet18.onnx").path, device: RunningSidecar.device.get(),
        options: RunningSidecar.loading)
      let images = (0..<6).map { (item: Int) -> Tensor in
        let pixels = (0..<3 * 64 * 64).map { (index: Int) -> Float in Float((index * 37 + item * 101) % 256) }
        return Tensor(pixels.map { $0 / 128 - 1 }, shape: [1, 3, 64, 64])
      }
      let expected = try images.map { try #require(model.run(["image": $0])["logits"]) }
      for flags in [[], ["--enable_batching"]] {
        let sidecar = try await RunningSidecar.start(flags + ["--model_config_file=\(config)"])
        try await withThrowingTaskGroup(of: (Int, [UInt8]?).self) { group in
          for item in images.indices {
            group.addTask {
              (item, try await sidecar.predict("street", ["image": images[item]]).outputs["logits"]?.bytes)
            }
          }
          for try await (item, bytes) in group { #expect(bytes == expected[item].bytes, "item \(item), \(flags)") }
        }
        let body = try Folder()
        let file = try body.write("body.json", #"{"inputs": [\#(images[0].nested)]}"#)
        let answer = try await sidecar.curl("/v1/models/street:predict", "-d", "@\(file)")
        #expect(answer.status == 200, "\(answer.body)")
        let outputs = try JSONDecoder().decode([String: [[Float]]].self, from: Data(answer.body.utf8))
        #expect(outputs["outputs"]?.first == expected[0].floats, "\(flags)")
        await sidecar.end()
      }
    }

    @Test("tells how each model is, what it can do, and counts")
    func operations() async throws {
      let (folder, config) = try models()
      try await RunningSidecar.with("--model_config_file=\(config)") { sidecar in
        for name in ["", "wide", "PredictionService", "tensorflow.serving.ModelService"] {
          let text = try await sidecar.grpcurl(
            ["-d", #"{"service": "\#(name)"}"#], "grpc.health.v1.Health/Check")
          #expect(text.contains(#""SERVING""#), "\(name): \(text)")
        }
        let unknown = try await sidecar.grpcurl(
          ["-d", #"{"service": "none"}"#], "grpc.health.v1.Health/Check", expectSuccess: false)
        #expect(unknown.contains("NotFound"))
        #expect(try await sidecar.grpcurl([], "list").contains("tensorflow.serving.PredictionService\n"))
        // grpcurl knows the messages by reflection only.
        let request = #"{"model_spec":{"name":"half_plus_two"},"inputs":{"x":{"dtype":1,"float_val":[4]}}}"#
        let answer = try await sidecar.grpcurl(["-d", request], "tensorflow.serving.PredictionService/Predict")
        #expect(answer.contains("\"floatVal\": [\n        4\n      ]"), "\(answer)")

        #expect(try await sidecar.curl("/readyz").status == 200)
        let instances = try await sidecar.curl("/v1/models/half_plus_two:predict", "-d", #"{"instances": [1, 2]}"#)
        #expect(instances.body.contains("[2.5, 3.0]"))
        let text = try await sidecar.curl("/monitoring/prometheus/metrics").body
        let metrics = Set(text.split(separator: "\n").map(String.init))
        for line in [
          #":tensorflow:serving:request_count{model_name="half_plus_two",status="OK"} 2"#,
          #":tensorflow:serving:request_latency_count{model_name="half_plus_two",API="Predict",entrypoint="GRPC"} 1"#,
          #":tensorflow:serving:request_latency_count{model_name="half_plus_two",API="predict",entrypoint="REST"} 1"#,
          #"apparate_exits_total{model_name="half_plus_two",version="123",exit="final"} 3"#,
          #":tensorflow:cc:saved_model:load_attempt_count{model_path="\#(folder.path)/wide/3",status="success"} 1"#,
          ":tensorflow:core:graph_runs 2",
        ] { #expect(metrics.contains(line), "\(line) is missing in\n\(text)") }
      }
    }

    @Test("changes versions without a gap, and models with their config file")
    func versions() async throws {
      let directory = try ModelDirectory()
      try directory.add(version: "1", TinyModel.affine(scale: 1, offset: 0, width: 1))
      let folder = try Folder()
      func list(_ names: [String], _ more: String = "") -> String {
        let entries = names.map {
          "config { name: '\($0)' base_path: '\(directory.path)' model_platform: 'tensorflow' \(more) }"
        }
        return "model_config_list { \(entries.joined(separator: " ")) }"
      }
      let config = try folder.write("models.config", list(["m"]))
      try await RunningSidecar.with("--model_config_file=\(config)", "--model_config_file_poll_wait_seconds=1") {
        sidecar in
        #expect(try await sidecar.affine("m", 3) == 3)
        try directory.add(version: "2", TinyModel.affine(scale: 2, offset: 0, width: 1))
        #expect(try await eventually { try await sidecar.affine("m", 3) == 6 })
        try await sidecar.log.wait(for: "unloaded m 1")
        await #expect(throws: Status.self) { try await sidecar.affine("m", 3, version: .number(1)) }

        let both = "model_version_policy { all {} } version_labels { key: 'old' value: 1 }"
        _ = try folder.write("models.config", list(["m", "n"], both))
        try await sidecar.log.wait(for: "serving 2 models")
        #expect(try await sidecar.affine("m", 3, version: .label("old")) == 3)
        #expect(try await sidecar.affine("n", 3, version: .number(2)) == 6)
        let health = try await sidecar.grpcurl(["-d", #"{"service": "n"}"#], "grpc.health.v1.Health/Check")
        #expect(health.contains(#""SERVING""#))

        _ = try folder.write("models.config", list(["n"]))
        try await sidecar.log.wait(for: "serving 1 models")
        try await sidecar.log.wait(for: "unloaded m 2")
        await #expect(throws: Status.self) { try await sidecar.affine("m", 3) }
        let gone = try await sidecar.grpcurl(
          ["-d", #"{"service": "m"}"#], "grpc.health.v1.Health/Check", expectSuccess: false)
        #expect(gone.contains("NotFound"), "\(gone)")
      }
    }

    /// Callers that wait, callers that give up, and versions that come and go: every call that was taken is answered, by
    /// the newest version, and what others do is no reason for a failure.
    @Test("loses no call while versions change and calls are given up")
    func changesUnderLoad() async throws {
      let directory = try ModelDirectory()
      try directory.add(version: "1", TinyModel.affine(scale: 1, offset: 0, width: 1))
      let flags = ("--model_name=m", "--model_base_path=\(directory.path)", "--file_system_poll_wait_seconds=1")
      try await RunningSidecar.with(flags.0, flags.1, flags.2) { sidecar in
        let end = End()
        try await withThrowingTaskGroup(of: [Float].self) { group in
          for _ in 0..<4 {
            group.addTask {
              var answers: [Float] = []
              while !end.hasCome {
                guard let answer = try await sidecar.affine("m", 3) else { return [.nan] }
                if answers.last != answer { answers.append(answer) }
              }
              return answers
            }
          }
          for _ in 0..<2 {
            group.addTask {
              while !end.hasCome {
                do throws(Status) {
                  _ = try await sidecar.client.predict(
                    ["x": Tensor([3] as [Float], shape: [1, 1])], of: ModelSpec(name: "m"), timeout: .microseconds(50))
                } catch {
                  guard error.code == .deadlineExceeded else { throw error }
                }
              }
              return []
            }
          }
          for version in 2...4 {
            try directory.add(
              version: "\(version)", TinyModel.affine(scale: Float(version), offset: 0, width: 1))
            #expect(try await eventually { try await sidecar.affine("m", 3) == Float(3 * version) })
          }
          end.come()
          for try await answers in group where !answers.isEmpty {
            #expect(answers.last == 12)
            #expect(answers == answers.sorted() && Set(answers).isSubset(of: [3, 6, 9, 12]), "\(answers)")
          }
        }
      }
    }

    @Test("replays the warm-up file, takes per-model batching parameters, and fails versions whose files are wrong")
    func versionFiles() async throws {
      let directory = try ModelDirectory()
      try directory.add(version: "1", TinyModel.affine(scale: 1, offset: 1, width: 1))
      try Data("max_batch_size { value: 2 } enable_large_batch_splitting { value: false }".utf8)
        .write(to: URL(filePath: directory.path + "/1/batching_params.pbtxt"))
      let flags = [
        "--model_base_path=\(directory.path)", "--model_name=m", "--enable_batching",
        "--enable_per_model_batching_parameters", "--max_num_load_retries=0",
      ]
      let sidecar = try await RunningSidecar.start(flags)
      do {
        _ = try await sidecar.predict("m", ["x": Tensor([1, 2, 3] as [Float], shape: [3, 1])])
        Issue.record("three items in a batch of two")
      } catch let status as Status {
        #expect(status.message == "Task size 3 is larger than maximum input batch size 2")
      }
      await sidecar.end()

      try FileManager.default.createDirectory(
        atPath: directory.path + "/1/assets.extra", withIntermediateDirectories: true)
      let warmup = URL(filePath: directory.path + "/1/" + VersionFiles.warmupName)
      try Data("no records".utf8).write(to: warmup)
      do {
        _ = try await RunningSidecar.start(flags, log: Lines())
        Issue.record("started with a warm-up file that is none")
      } catch let error as ServerStartError {
        #expect(error.description.contains("Please verify your warmup data is in TFRecord format."), "\(error)")
      }
      try await RunningSidecar.with(
        "--model_base_path=\(directory.path)", "--model_name=m", "--enable_model_warmup=false"
      ) { sidecar in
        let y = try await sidecar.affine("m", 1)
        #expect(y == 2)
      }
    }

    @Test("waits for a first version, and does not start with a model that cannot be loaded")
    func start() async throws {
      let directory = try ModelDirectory()
      let log = Lines()
      async let starting = RunningSidecar.start(
        ["--model_base_path=\(directory.path)", "--model_name=late"], log: log)
      try await log.wait(for: "No versions of servable late found")
      try directory.add(version: "7", TinyModel.affine(scale: 1, offset: 1, width: 1))
      let late = try await starting
      #expect(late.tensorFlow.isReady)
      await late.stop(within: .zero)
      #expect(!late.tensorFlow.isReady)

      try directory.add(version: "8", Array("no model".utf8))
      do {
        _ = try await RunningSidecar.start(
          ["--model_base_path=\(directory.path)", "--model_name=bad", "--max_num_load_retries=0"], log: Lines())
        Issue.record("started with a broken model")
      } catch let error as ServerStartError {
        #expect(error.description.contains("1 model(s) did not become available: {{bad due to error:"), "\(error)")
      }
    }

    @Test("listens on a unix socket, and speaks TLS when told to")
    func transports() async throws {
      let directory = try ModelDirectory()
      try directory.add(version: "1", TinyModel.affine(scale: 1, offset: 1, width: 1))
      let folder = try Folder()
      func path(_ name: String) -> String { folder.url.appending(path: name).path }
      try await Tool.run(
        URL(filePath: "/usr/bin/openssl"),
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost".split(separator: " ")
          .map(String.init) + [
            "-addext", "subjectAltName=DNS:localhost", "-keyout", path("key.pem"), "-out", path("cert.pem"),
          ])
      let (key, certificate) = (
        try String(contentsOfFile: path("key.pem"), encoding: .utf8),
        try String(contentsOfFile: path("cert.pem"), encoding: .utf8)
      )
      func quoted(_ text: String) -> String { "\"\(text.replacing("\n", with: "\\n"))\"" }
      let ssl = try folder.write("ssl.config", "server_key: \(quoted(key)) server_cert: \(quoted(certificate))")
      let flags = ["--model_base_path=\(directory.path)", "--model_name=m", "--grpc_socket_path=\(path("socket"))"]
      try await RunningSidecar.with(
        flags[0], flags[1], flags[2], "--ssl_config_file=\(ssl)", tls: try ClientTLS(customCA: certificate)
      ) { sidecar in
        let y = try await sidecar.affine("m", 1)
        #expect(y == 2)
        let clear = PredictClient(sidecar.server.tensorFlow.grpcEndpoints[0], group: RunningSidecar.group)
        await #expect(throws: Status.self) {
          try await clear.predict([:], of: ModelSpec(name: "m"), timeout: .seconds(5))
        }
        await clear.shutDown()
      }
      try await RunningSidecar.with(flags[0], flags[1], flags[2]) { sidecar in
        let local = PredictClient(.unix(path: path("socket")), group: RunningSidecar.group)
        let answer = try await local.predict(["x": Tensor([5] as [Float], shape: [1, 1])], of: ModelSpec(name: "m"))
        #expect(answer.outputs["y"]?.floats == [6] && answer.exits == "final")
        await local.shutDown()
      }
      #expect(!FileManager.default.fileExists(atPath: path("socket")))
    }

    @Test("passes calls for other models to the server beside it")
    func upstream() async throws {
      let (folder, config) = try models()
      let directory = try ModelDirectory()
      try directory.add(version: "1", TinyModel.affine(scale: 1, offset: 1, width: 1))
      try await RunningSidecar.with("--model_config_file=\(config)") { upstream in
        try await RunningSidecar.with(
          "--model_base_path=\(directory.path)", "--model_name=own", "--upstream=127.0.0.1:\(upstream.grpcPort)",
          "--upstream_rest=127.0.0.1:\(upstream.restPort)"
        ) { sidecar in
          #expect(try await sidecar.affine("own", 1) == 2)
          try await sidecar.officialClient(["predict", "large", "examples", "metadata"], models: folder.path)
          let path = "/v1/models/half_plus_two:predict"
          #expect(try await sidecar.curl(path, "-d", #"{"instances": [1]}"#).body.contains("[2.5]"))
          #expect(try await sidecar.curl("/v1/models/none").status == 404)
          await #expect(throws: Status.self) { try await upstream.affine("own", 1) }
        }
      }
    }

    @Test("compares a share of its answers with the server beside it")
    func shadow() async throws {
      let (ours, theirs) = (try ModelDirectory(), try ModelDirectory())
      try ours.add(version: "1", TinyModel.affine(scale: 2, offset: 0, width: 1))
      try theirs.add(version: "9", TinyModel.affine(scale: 1, offset: 1, width: 1))
      try await RunningSidecar.with("--model_base_path=\(theirs.path)", "--model_name=m") { upstream in
        try await RunningSidecar.with(
          "--model_base_path=\(ours.path)", "--model_name=m", "--upstream=127.0.0.1:\(upstream.grpcPort)",
          "--upstream_rest=127.0.0.1:\(upstream.restPort)", "--shadow=1"
        ) { sidecar in
          // At 1 both models say 2.
          for x: Float in [1, 1, 5] {
            let y = try await sidecar.affine("m", x)
            #expect(y == 2 * x)
          }
          let answer = try await sidecar.curl("/v1/models/m:predict", "-d", #"{"instances": [1]}"#)
          #expect(answer.body.contains("[2.0]"))
          let counts = [(#"result="same""#, 3), (#"result="different""#, 1)]
          let isCounted = try await eventually {
            let text = sidecar.server.registry.prometheusText()
            return counts.allSatisfy {
              text.contains(#"apparate_shadow_requests_total{model_name="m",\#($0.0)} \#($0.1)"#)
            }
          }
          #expect(isCounted, "\(sidecar.server.registry.prometheusText())")
          try await sidecar.log.wait(for: "shadow: m: answers differ in y")
          // A call for a version that only one of them has.
          _ = try await sidecar.affine("m", 1, version: .number(1))
          let isFailure = try await eventually {
            sidecar.server.registry.prometheusText().contains(
              #"apparate_shadow_requests_total{model_name="m",result="failed"} 1"#)
          }
          #expect(isFailure)
        }
      }
    }

    @Test("lets calls under way finish when it is told to stop")
    func draining() async throws {
      let (folder, config) = try models()
      defer { withExtendedLifetime(folder) {} }
      let sidecar = try await RunningSidecar.start(["--model_config_file=\(config)"])
      let images = Tensor([Float](repeating: 0.5, count: 256 * 3 * 64 * 64), shape: [256, 3, 64, 64])
      async let answers = withThrowingTaskGroup(of: Int?.self) { group in
        for _ in 0..<4 {
          group.addTask { try await sidecar.predict("street", ["image": images]).outputs["logits"]?.shape[0] }
        }
        var counts: [Int?] = []
        for try await count in group { counts.append(count) }
        return counts
      }
      let engine = try #require(sidecar.server.engines.engines.first { $0.id.name == "street" }).engine
      #expect(try await eventually { engine.statistics.queueDepth == 3 })
      #expect(await sidecar.server.stop(within: .seconds(60)) == 0)
      #expect(try await answers == [256, 256, 256, 256])
      await sidecar.client.shutDown()
    }

    @Test("is a Clockwork worker on the same engines")
    func clockwork() async throws {
      let (folder, config) = try models()
      defer { withExtendedLifetime(folder) {} }
      try await RunningSidecar.with("--model_config_file=\(config)", "--clockwork_port=0") { sidecar in
        let port = try #require(sidecar.server.clockworkPort)
        var controller = ControllerConfiguration(workers: [.init(host: "127.0.0.1", port: UInt16(port))])
        controller.host = "127.0.0.1"
        controller.clientPort = 0
        controller.defaultSLO = .seconds(30)
        controller.scheduleAhead = .seconds(5)
        let server = try ControllerServer(configuration: controller, log: { sidecar.log.add($0) })
        defer { server.stop() }
        let client = try ClockworkClient(host: "127.0.0.1", port: server.port)
        defer { client.close() }
        let before = sidecar.server.engines.engines.count
        let loaded = try client.load("half_plus_two")
        #expect(sidecar.server.engines.engines.count == before)
        let input: [Float] = [4]
        let output = try await client.infer(
          model: loaded.ids.lowerBound, input: input.withUnsafeBytes { Array($0) })
        #expect(output == ([4] as [Float]).withUnsafeBytes { Array($0) })
        // Whatever the controller does with its weights, this face has the model.
        #expect(try await sidecar.affine("half_plus_two", 6) == 5)
        #expect(server.violations.isEmpty)

        // Off the list of one face, the model stays with the other.
        let reload = #"{"config":{"model_config_list":{"config":[]}}}"#
        _ = try await sidecar.grpcurl(
          ["-d", reload], "tensorflow.serving.ModelService/HandleReloadConfigRequest")
        #expect(try await eventually { sidecar.server.engines.engines.map(\.id.name) == ["half_plus_two"] })
        let again = try await client.infer(
          model: loaded.ids.lowerBound, input: input.withUnsafeBytes { Array($0) })
        #expect(again == output)
      }
    }
  }
}

extension Tensor {
  /// As nested JSON, without the first axis.
  fileprivate var nested: String {
    func write(_ shape: ArraySlice<Int>, _ values: ArraySlice<Float>) -> String {
      guard let extent = shape.first else { return "\(values.first ?? 0)" }
      let width = values.count / extent
      let parts = (0..<extent).map { part in
        let start = values.startIndex + part * width
        return write(shape.dropFirst(), values[start..<start + width])
      }
      return "[\(parts.joined(separator: ","))]"
    }
    return write(shape.dropFirst(), floats[...])
  }
}

/// Tells tasks that they are to end.
private final class End: Sendable {
  private let state = Atomic(false)
  var hasCome: Bool { state.load(ordering: .relaxed) }
  func come() { state.store(true, ordering: .relaxed) }
}
