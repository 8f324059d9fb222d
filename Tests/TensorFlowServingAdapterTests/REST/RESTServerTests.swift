import Dispatch
import Foundation
import ModelGraph
import NIOCore
import NIOPosix
import RPC
import Serving
import ServingFixtures
import Synchronization
import Testing
import Wire

@testable import TensorFlowServingAdapter

/// The REST face on a port of its own, with the models of a ``ModelFolder``.
private final class Face {
  let server: RESTServer
  let port: Int

  init(
    _ folder: ModelFolder, upstream: Int? = nil, limits change: (inout RESTLimits) -> Void = { _ in },
    options set: (inout RESTOptions) -> Void = { _ in }
  ) async throws {
    var limits = RESTLimits()
    change(&limits)
    var options = RESTOptions()
    let repository = folder.repository
    options.modelNames = { repository.configurations.map(\.name) }
    options.isReady = { repository.isReady }
    set(&options)
    server = try await RESTServer.start(
      on: [.tcp(host: "127.0.0.1", port: 0)], service: folder.service, options: options, limits: limits,
      upstream: upstream.map { .tcp(host: "127.0.0.1", port: $0) }, group: MultiThreadedEventLoopGroup.singleton)
    guard case .tcp(_, let port) = server.endpoints[0] else { throw RawClient.Failure(reason: "no port") }
    self.port = port
  }

  func client(timeout: Int = 30) throws -> RawClient { try RawClient(port: port, timeout: timeout) }

  /// Runs `body` with a server, and drains it.
  static func with(
    _ folder: ModelFolder, upstream: Int? = nil, limits: (inout RESTLimits) -> Void = { _ in },
    options: (inout RESTOptions) -> Void = { _ in }, _ body: (Face) async throws -> Void
  ) async throws {
    let face = try await Face(folder, upstream: upstream, limits: limits, options: options)
    do { try await body(face) } catch {
      await face.server.drain(within: .seconds(5))
      throw error
    }
    await face.server.drain(within: .seconds(5))
    #expect(face.server.heldBodyBytes == 0)
  }
}

@Suite("The REST face")
struct RESTServerTests {
  private var folder: ModelFolder { get throws { try ModelFolder.shared.get() } }
  private let half = "/v1/models/half_plus_two"

  // MARK: Calls

  @Test("predict, by row and by column, by version and signature, whatever the case of the path")
  func predict() async throws {
    try await Face.with(folder) { face in
      let client = try face.client()
      let cases = [
        ("\(half):predict", #"{"instances":[[1],[2],[5]]}"#, "{\n    \"predictions\": [[2.5], [3.0], [4.5]]\n}"),
        ("\(half)/versions/123:predict", #"{"inputs":[[1],[2]]}"#, "{\n    \"outputs\": [[2.5], [3.0]]\n}"),
        ("/V1/Models/half_plus_two:PREDICT?q", #"{"instances":[{"x":[1]}]}"#, "{\n    \"predictions\": [[2.5]]\n}"),
        // Shapes that are not the signature's, as TensorFlow Serving's own tests send them.
        ("\(half):predict", #"{"instances":[1.0,2.0,5.0]}"#, "{\n    \"predictions\": [2.5, 3.0, 4.5]\n}"),
        ("\(half):predict", #"{"inputs":2}"#, "{\n    \"outputs\": 3.0\n}"),
      ]
      for (path, body, expected) in cases {
        let answer = try client.call("POST", path, body)
        #expect(answer.status == 200, "\(path) \(body): \(answer.body)")
        #expect(answer.body == expected, "\(path) \(body)")
        #expect(answer.headers["content-type"] == "application/json")
        #expect(answer.headers["apparate-exit"] == "final")
      }
    }
  }

  @Test("several inputs and outputs of different types")
  func severalTensors() async throws {
    try await Face.with(folder) { face in
      let client = try face.client()
      let row = try client.call(
        "POST", "/v1/models/wide:predict", #"{"instances":[{"a":[1,2],"b":[0.5,0.5],"c":[7,8,9]}]}"#)
      #expect(
        row.body == """
          {
              "predictions": [
                  {
                      "same": [7, 8, 9],
                      "sum": [1.5, 2.5]
                  }
              ]
          }
          """)
      let column = try client.call(
        "POST", "/v1/models/wide:predict", #"{"inputs":{"a":[[1,2]],"b":[[3,4]],"c":[[-1,0,1]]}}"#)
      #expect(
        column.body == """
          {
              "outputs": {
                  "same": [[-1, 0, 1]],
                  "sum": [[4.0, 6.0]]
              }
          }
          """)
    }
  }

  @Test("an image through REST gives the same bits as through gRPC's decoding")
  func sameBits() async throws {
    let folder = try folder
    try await Face.with(folder, limits: { $0.inlineBytes = 1024 }) { face in
      var random = Xorshift(seed: 17)
      let model = try folder.repository.model(named: "street", version: .latest)
      let spec = model.servable.signature.inputs[0]
      let shape = try #require(spec.shape).enumerated().map { $0 == 0 ? 2 : $1 ?? 1 }
      let image = Tensor((0..<shape.elementCount).map { _ in Float.random(in: 0...1, using: &random) }, shape: shape)
      let expected = try folder.predict(ModelSpec(name: "street"), [spec.name: image])
      let body = String(decoding: try AnswerJSON.prediction([(spec.name, image)], .columnar), as: UTF8.self)
        .replacing("\"outputs\"", with: "\"inputs\"")
      let answer = try face.client().call("POST", "/v1/models/street:predict", body)
      #expect(answer.status == 200)
      let whole = try AnswerJSON.prediction(expected.map { ($0.key, $0.value) }, .columnar)
      #expect(answer.body == String(decoding: whole, as: UTF8.self))
    }
  }

  @Test("classify and regress with their signatures")
  func examples() async throws {
    try await Face.with(folder) { face in
      let client = try face.client()
      let regress = try client.call(
        "POST", "\(half):regress", #"{"signature_name":"regress_x_to_y","examples":[{"inputs":80.0},{"inputs":20}]}"#)
      #expect(regress.body == "{\n    \"results\": [42.0, 12.0]\n}")
      let context = try client.call(
        "POST", "\(half):regress", #"{"signature_name":"regress_x_to_y","context":{"inputs":2.0},"examples":[{}]}"#)
      #expect(context.body == "{\n    \"results\": [3.0]\n}")
      let classify = try client.call(
        "POST", "\(half):classify", #"{"signature_name":"classify_x_to_y","examples":[{"inputs":[2.0]}]}"#)
      #expect(classify.body == "{\n    \"results\": [[[\"\", 3.0]]]\n}")
      let missing = try client.call("POST", "\(half):classify", #"{"signature_name":"no","examples":[{}]}"#)
      #expect(missing.status == 400)
      #expect(missing.body.contains("No signature was found with the name: no"))
    }
  }

  @Test("status and metadata")
  func models() async throws {
    try await Face.with(folder) { face in
      let client = try face.client()
      let status = try client.call("GET", half)
      #expect(status.status == 200)
      #expect(status.body.contains("\"version\": \"123\""))
      #expect(status.body.contains("\"state\": \"AVAILABLE\""))
      // A status is an answer, whatever the state.
      let broken = try client.call("GET", "/v1/models/broken")
      #expect(broken.status == 200)
      #expect(broken.body.contains("\"state\": \"END\""))
      let metadata = try client.call("GET", "\(half)/versions/123/metadata")
      for part in [
        "\"name\": \"half_plus_two\"", "\"version\": \"123\"", "\"dtype\": \"DT_FLOAT\"",
        "\"method_name\": \"tensorflow/serving/regress\"", "\"signature_def\": {\n            \"signature_def\": {",
      ] { #expect(metadata.body.contains(part), "\(part)") }
      let list = try client.call("GET", "/v1/models")
      #expect(list.status == 200)
      for name in ["half_plus_two", "street", "wide", "broken"] {
        #expect(list.body.contains("\"name\": \"\(name)\""))
      }
      #expect(try client.call("GET", "/healthz").status == 200)
      // One model is broken.
      #expect(try client.call("GET", "/readyz").status == 503)
    }
  }

  @Test("errors have TensorFlow Serving's codes and texts, and leave the connection usable")
  func errors() async throws {
    try await Face.with(folder) { face in
      let client = try face.client()
      let cases: [(String, String, String, Int, String)] = [
        (
          "POST", "/v1/models/nothing:predict", #"{"instances":[1]}"#, 404,
          "Servable not found for request: Latest(nothing)"
        ),
        (
          "POST", "\(half)/versions/7:predict", #"{"instances":[1]}"#, 404,
          "Servable not found for request: Specific(half_plus_two, 7)"
        ),
        (
          "POST", "\(half)/labels/none:predict", #"{"instances":[1]}"#, 400,
          "Unrecognized servable version label: none"
        ),
        ("POST", "\(half):predict", "", 400, "JSON Parse error: The document is empty"),
        ("POST", "\(half):predict", "{", 400, "JSON Parse error: Missing a name for object member. at offset: 1"),
        ("POST", "\(half):predict", "{}", 400, "Missing 'inputs' or 'instances' key"),
        (
          "POST", "\(half):predict", #"{"signature_name":"s","instances":[1]}"#, 400,
          "Serving signature name: \\\"s\\\" not found in signature def"
        ),
        // The body is looked at before the model is.
        ("POST", "/v1/models/nothing:predict", "[", 400, "JSON Parse error"),
        ("GET", "/v1/models/nothing", "", 404, "Could not find any versions of model nothing"),
        ("GET", "\(half)/versions/7", "", 404, "Could not find version 7 of model half_plus_two"),
        ("GET", "/v1/models/nothing/metadata", "", 404, "Servable not found for request: Latest(nothing)"),
        (
          "GET", "\(half)/versions/99999999999999999999", "", 400,
          "Failed to convert version: 99999999999999999999 to numeric."
        ),
        ("GET", "/v1/models/", "", 400, "Malformed request: GET /v1/models/"),
        ("PUT", "\(half):predict", "x", 400, "Malformed request: PUT /v1/models/half_plus_two:predict"),
        ("DELETE", half, "", 400, "Malformed request: DELETE /v1/models/half_plus_two"),
      ]
      for (method, path, body, status, text) in cases {
        let answer = try client.call(method, path, body)
        #expect(answer.status == status, "\(method) \(path) \(body): \(answer.status)")
        #expect(answer.body.hasPrefix("{\n    \"error\": \""), "\(method) \(path)")
        #expect(answer.body.contains(text), "\(method) \(path) \(body): \(answer.body)")
      }
      #expect(try client.call("HEAD", half).status == 400)
      let unknown = try client.call("GET", "/other")
      #expect(unknown.status == 404)
      #expect(unknown.body.contains("<H1>Not Found</H1>"))
      #expect(try client.call("POST", "\(half):predict", #"{"instances":[2]}"#).status == 200)
    }
  }

  @Test("cross-origin clients are answered")
  func crossOrigin() async throws {
    try await Face.with(folder, options: { $0.enablesCORS = true }) { face in
      let client = try face.client()
      let answer = try client.call("GET", half)
      #expect(answer.headers["access-control-allow-origin"] == "*")
      #expect(answer.headers["access-control-allow-methods"] == "POST, GET")
      #expect(answer.headers["access-control-allow-headers"] == "Content-Type")
      let allowed = try client.call("OPTIONS", "\(half):predict", headers: ["Origin": "https://example.com"])
      #expect(allowed.status == 200)
      #expect(allowed.body.isEmpty)
      #expect(try client.call("OPTIONS", "\(half):predict", headers: ["Origin": "file://x"]).status == 400)
      #expect(try client.call("OPTIONS", "\(half):predict").status == 400)
    }
    try await Face.with(folder) { face in
      let answer = try face.client().call("GET", half)
      #expect(answer.headers["access-control-allow-origin"] == nil)
    }
  }

  @Test("metrics count what was asked, under TensorFlow Serving's names")
  func metrics() async throws {
    let registry = MetricsRegistry()
    let metrics = ServingMetrics(registry)
    try await Face.with(
      folder,
      options: {
        $0.registry = registry
        $0.metrics = metrics
        $0.metricsPath = "/monitoring/prometheus/metrics"
      }
    ) { face in
      let client = try face.client()
      for _ in 0..<3 { _ = try client.call("POST", "\(half):predict", #"{"instances":[1,2]}"#) }
      _ = try client.call("POST", "/v1/models/nothing:predict", #"{"instances":[1]}"#)
      let answer = try client.call("GET", "/monitoring/prometheus/metrics")
      #expect(answer.headers["content-type"] == "text/plain")
      for line in [
        #":tensorflow:serving:request_count{model_name="half_plus_two",status="OK"} 3"#,
        #":tensorflow:serving:request_count{model_name="nothing",status="NOT_FOUND"} 1"#,
        #":tensorflow:serving:request_latency_count{model_name="half_plus_two",API="predict",entrypoint="REST"} 3"#,
        #":tensorflow:serving:runtime_latency_count{model_name="half_plus_two",API="predict",runtime="Apparate"} 3"#,
        #":tensorflow:serving:request_example_count_total{model="half_plus_two"} 6"#,
        "# TYPE :tensorflow:serving:request_latency histogram",
      ] { #expect(answer.body.contains(line), "\(line)") }
      let wrong = try client.call("GET", "/monitoring/metrics")
      #expect(wrong.status == 400)
      #expect(wrong.body == "Unexpected path: /monitoring/metrics. Should be /monitoring/prometheus/metrics")
    }
  }

  @Test("a request can ask for the model's own answer")
  func exact() async throws {
    let directory = try ModelDirectory()
    try directory.add(version: "1", TinyModel.affine(scale: 2, offset: 1))
    let loader = WatchedLoader()
    let repository = ModelRepository(loader: loader)
    let loaded = DispatchSemaphore(value: 0)
    repository.reload([ModelConfiguration(name: "m", basePath: directory.path)]) { _ in loaded.signal() }
    #expect(loaded.wait(timeout: .now() + 60) == .success)
    let server = try await RESTServer.start(
      on: [.tcp(host: "127.0.0.1", port: 0)],
      service: InferenceService(source: repository, scheduler: RequestScheduler()),
      group: MultiThreadedEventLoopGroup.singleton)
    guard case .tcp(_, let port) = server.endpoints[0] else { throw RawClient.Failure(reason: "no port") }
    let client = try RawClient(port: port)
    for (headers, expected) in [([:], []), (["apparate-exact": "1"], [0, 1]), (["Apparate-Exact": "0"], [])] {
      let answer = try client.call("POST", "/v1/models/m:predict", headers: headers, #"{"instances":[1,2]}"#)
      #expect(answer.body == "{\n    \"predictions\": [3.0, 5.0]\n}")
      #expect(loader.exactItems.withLock { $0 } == expected, "\(headers)")
    }
    await server.drain(within: .seconds(5))
    #expect(repository.shutDown(timeout: .seconds(60)))
  }

  /// Notes which items of a batch must be exact, and lets the model answer.
  private final class WatchedLoader: ServableLoader {
    let exactItems = Mutex<[Int]>([])

    private final class Watched: Servable {
      let inner: ModelServable
      let loader: WatchedLoader
      var signature: Signature { inner.signature }

      init(_ inner: ModelServable, _ loader: WatchedLoader) {
        self.inner = inner
        self.loader = loader
      }

      func submit(_ batch: Batch, to receiver: any AnswerReceiver) {
        loader.exactItems.withLock { $0 = batch.exactItems }
        inner.submit(batch, to: receiver)
      }
    }

    func load(_ id: ServableID, from files: VersionFiles) throws -> LoadedServable {
      guard case .onnx(let path) = files.model else { throw RepositoryError.noModel(directory: files.directory) }
      return LoadedServable(servable: Watched(try ModelServable(path: path), self))
    }
  }

  // MARK: Bodies

  @Test("bodies come in chunks, compressed, after 100 Continue, and pipelined")
  func bodies() async throws {
    try await Face.with(folder) { face in
      let client = try face.client()
      try client.send(
        "POST \(half):predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n{\"inst\r\n")
      try client.send("b\r\nances\":[1]}\r\n0\r\n\r\n")
      #expect(try client.answer().body == "{\n    \"predictions\": [2.5]\n}")

      let gzip = try Gzip.compressed(Array(#"{"instances":[2]}"#.utf8))
      #expect(
        try client.call("POST", "\(half):predict", headers: ["Content-Encoding": "gzip"], gzip).body
          == "{\n    \"predictions\": [3.0]\n}")

      try client.send(
        "POST \(half):predict HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\nExpect: 100-continue\r\n\r\n")
      #expect(try client.answer(hasBody: false).status == 100)
      try client.send(#"{"instances":[4]}"#)
      #expect(try client.answer().body == "{\n    \"predictions\": [4.0]\n}")

      var pipelined = ""
      for value in 0..<50 {
        let body = "{\"instances\":[\(2 * value)]}"
        pipelined += "POST \(half):predict HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
      }
      try client.send(pipelined)
      for value in 0..<50 {
        #expect(try client.answer().body == "{\n    \"predictions\": [\(value + 2).0]\n}")
      }
    }
  }

  @Test("compressed bodies are limited by what they become, and damaged ones refused")
  func compressedBodies() async throws {
    try await Face.with(folder, limits: { $0.inflatedBodyBytes = 100_000 }) { face in
      let client = try face.client()
      let bomb = try Gzip.compressed([UInt8](repeating: UInt8(ascii: " "), count: 10_000_000))
      let header = ["Content-Encoding": "gzip"]
      let large = try client.call("POST", "\(half):predict", headers: header, bomb)
      #expect(large.status == 400)
      #expect(large.body.contains("Failed to decompress the request body"))
      for bytes in [Array("no gzip".utf8), Array(bomb.prefix(100)), []] {
        let answer = try client.call("POST", "\(half):predict", headers: header, bytes)
        #expect(answer.status == 400)
        #expect(answer.body.contains("Failed to decompress the request body"))
      }
    }
  }

  @Test("bodies that are too large are refused before they have been read")
  func largeBodies() async throws {
    try await Face.with(folder, limits: { $0.bodyBytes = 1000 }) { face in
      let announced = try face.client()
      try announced.send("POST \(half):predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n")
      let answer = try announced.answer()
      #expect(answer.status == 413)
      #expect(answer.headers["connection"] == "close")
      #expect(answer.body.contains("more than 1000 bytes"))
      #expect(announced.isClosed())

      let chunked = try face.client()
      try chunked.send("POST \(half):predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
      for _ in 0..<3 { try chunked.send("1f4\r\n" + String(repeating: " ", count: 500) + "\r\n") }
      #expect(try chunked.answer().status == 413)
      #expect(chunked.isClosed())
    }
    try await Face.with(folder, limits: { $0.heldBodyBytes = 1000 }) { face in
      let client = try face.client()
      let answer = try client.call("POST", "\(half):predict", String(repeating: " ", count: 2000))
      #expect(answer.status == 429)
      #expect(face.server.heldBodyBytes == 0)
      #expect(try face.client().call("POST", "\(half):predict", #"{"instances":[2]}"#).status == 200)
    }
  }

  // MARK: Clients that misbehave

  @Test("clients that dawdle are given up, and hold nothing any more")
  func slowClients() async throws {
    try await Face.with(
      folder,
      limits: {
        $0.idle = .milliseconds(200)
        $0.stall = .milliseconds(200)
      }
    ) { face in
      let silent = try face.client()
      let headless = try face.client()
      try headless.send("GET /v1/models")
      let bodiless = try face.client()
      try bodiless.send("POST \(half):predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"inst")
      #expect(try bodiless.answer().status == 408)
      #expect(bodiless.isClosed())
      #expect(silent.isClosed())
      #expect(headless.isClosed())
      #expect(face.server.heldBodyBytes == 0)
    }
  }

  @Test("a client that reads no answers costs one answer's memory and then its connection")
  func deafClient() async throws {
    try await Face.with(
      folder,
      limits: {
        $0.idle = .seconds(30)
        $0.stall = .milliseconds(300)
      }
    ) { face in
      let deaf = try face.client()
      let values = (0..<40_000).map { "\($0)" }.joined(separator: ",")
      let body = "{\"instances\":[\(values)]}"
      let request = "POST \(half):predict HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
      // Sending fails once the server has stopped reading and then given up.
      var error: (any Error)?
      for _ in 0..<200 where error == nil {
        do { try deaf.send(request) } catch let failure { error = failure }
      }
      #expect(error != nil, "the server went on reading")
    }
  }

  @Test("nonsense is answered or cut off, and harms nobody else")
  func nonsense() async throws {
    try await Face.with(folder) { face in
      var random = Xorshift(seed: 31)
      for text in [
        "GARBAGE\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /v1/models/m HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /v1/models/m HTTP/1.1\r\n" + String(repeating: "a: b\r\n", count: 100_000) + "\r\n",
      ] {
        let client = try face.client()
        try? client.send(text)
        let answer = try? client.answer()
        #expect(
          answer.map { (400..<500).contains($0.status) } ?? true,
          "\(text.prefix(40)): \(String(describing: answer?.status))")
      }
      for _ in 0..<50 {
        let client = try face.client()
        try? client.send((0..<300).map { _ in UInt8.random(in: 0...255, using: &random) })
        client.reset()
      }
      #expect(try face.client().call("POST", "\(half):predict", #"{"instances":[2]}"#).status == 200)
    }
  }

  @Test("clients that go away while their answer is made leave nothing behind")
  func vanishingClients() async throws {
    try await Face.with(folder) { face in
      let body = #"{"instances":[1]}"#
      for _ in 0..<300 {
        let client = try face.client()
        try client.send("POST \(half):predict HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        client.reset()
      }
      #expect(try face.client().call("POST", "\(half):predict", #"{"instances":[2]}"#).status == 200)
    }
  }

  @Test("a call that takes too long is answered without its result")
  func timeout() async throws {
    try await Face.with(folder, options: { $0.timeout = .nanoseconds(1) }) { face in
      let answer = try face.client().call("POST", "\(half):predict", #"{"instances":[1]}"#)
      #expect(answer.status == 504)
    }
  }

  @Test("draining finishes what has begun and closes what is idle")
  func draining() async throws {
    let face = try await Face(folder)
    let idle = try face.client()
    #expect(try idle.call("GET", half).status == 200)
    let busy = try face.client()
    try busy.send("POST \(half):predict HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\n\r\n{\"instances\"")
    // The head has arrived when the connection is told to go on.
    let patient = try face.client()
    try patient.send("POST \(half):predict HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\nExpect: 100-continue\r\n\r\n")
    #expect(try patient.answer(hasBody: false).status == 100)
    let server = face.server
    let drained = Task { await server.drain(within: .seconds(20)) }
    #expect(idle.isClosed())
    try patient.send(#"{"instances":[2]}"#)
    let answer = try patient.answer()
    #expect(answer.status == 200)
    #expect(answer.headers["connection"] == "close")
    try busy.send(":[4]}")
    #expect(try busy.answer().body == "{\n    \"predictions\": [4.0]\n}")
    #expect(await drained.value == 0)
    #expect(throws: RawClient.Failure.self) { try face.client() }
  }

  // MARK: A real client

  @Test("curl: plain, compressed, large bodies, keep-alive")
  func curl() async throws {
    try await Face.with(folder) { face in
      let url = "http://127.0.0.1:\(face.port)\(half):predict"
      #expect(
        try Curl.run(["-d", #"{"instances":[1.0,2.0,5.0]}"#, url]) == "{\n    \"predictions\": [2.5, 3.0, 4.5]\n}")
      let directory = try TemporaryDirectory()
      let values = (0..<200_000).map { "\(Float($0) / 8)" }.joined(separator: ",")
      try directory.write("body.json", Array("{\"instances\":[\(values)]}".utf8))
      try directory.write("body.json.gz", Gzip.compressed(Array("{\"instances\":[\(values)]}".utf8)))
      // More than a megabyte: curl asks first whether it may send that.
      let plain = try Curl.run(["--data-binary", "@\(directory.path)/body.json", url])
      #expect(plain.hasPrefix("{\n    \"predictions\": [2.0, 2.0625, 2.125, "))
      #expect(plain.hasSuffix(", 12501.9375]\n}"))
      let compressed = try Curl.run([
        "-H", "Content-Encoding: gzip", "--data-binary", "@\(directory.path)/body.json.gz", url,
      ])
      #expect(compressed == plain)
      let twice = try Curl.run([
        "-s", "-w", "%{num_connects} ", "-o", "/dev/null", "-o", "/dev/null", "http://127.0.0.1:\(face.port)\(half)",
        "http://127.0.0.1:\(face.port)\(half)",
      ])
      #expect(twice == "1 0 ")
      #expect(try Curl.run(["-I", "-s", "-o", "/dev/null", "-w", "%{http_code}", url]) == "400")
    }
  }
}

@Suite("REST calls for models of a neighbour")
struct RESTUpstreamTests {
  @Test("go there as they came and come back as they were answered")
  func forwarding() async throws {
    let folder = try ModelFolder.shared.get()
    try await Face.with(folder) { neighbour in
      let empty = ModelRepository(loader: NoLoader())
      let service = InferenceService(source: empty, scheduler: RequestScheduler())
      let face = try await RESTServer.start(
        on: [.tcp(host: "127.0.0.1", port: 0)], service: service,
        upstream: .tcp(host: "127.0.0.1", port: neighbour.port), group: MultiThreadedEventLoopGroup.singleton)
      guard case .tcp(_, let port) = face.endpoints[0] else { throw RawClient.Failure(reason: "no port") }
      let (here, there) = (try RawClient(port: port), try neighbour.client())
      let gzip = try Gzip.compressed(Array(#"{"instances":[2]}"#.utf8))
      let calls: [(String, String, [String: String], [UInt8])] = [
        ("POST", "/v1/models/half_plus_two:predict", [:], Array(#"{"instances":[1,2]}"#.utf8)),
        ("POST", "/v1/models/half_plus_two:predict?x=1", ["Content-Encoding": "gzip"], gzip),
        ("GET", "/v1/models/half_plus_two", [:], []), ("GET", "/v1/models/half_plus_two/metadata", [:], []),
        ("GET", "/v1/models/nothing", [:], []), ("POST", "/v1/models/half_plus_two:predict", [:], Array("{".utf8)),
      ]
      for _ in 0..<3 {
        for (method, path, headers, body) in calls {
          let (forwarded, direct) = (
            try here.call(method, path, headers: headers, body), try there.call(method, path, headers: headers, body)
          )
          #expect(forwarded.status == direct.status, "\(method) \(path)")
          #expect(forwarded.body == direct.body, "\(method) \(path)")
          #expect(forwarded.headers["content-type"] == direct.headers["content-type"])
          #expect(forwarded.headers["apparate-exit"] == direct.headers["apparate-exit"])
        }
      }
      // All of them on one connection, which was used again.
      #expect(neighbour.server.connectionCount == 2)
      await face.drain(within: .seconds(5))
    }
  }

  @Test("a neighbour that is gone is UNAVAILABLE; one that comes back is used again")
  func unavailable() async throws {
    let folder = try ModelFolder.shared.get()
    let neighbour = try await Face(folder)
    let service = InferenceService(source: ModelRepository(loader: NoLoader()), scheduler: RequestScheduler())
    let face = try await RESTServer.start(
      on: [.tcp(host: "127.0.0.1", port: 0)], service: service,
      upstream: .tcp(host: "127.0.0.1", port: neighbour.port), group: MultiThreadedEventLoopGroup.singleton)
    guard case .tcp(_, let port) = face.endpoints[0] else { throw RawClient.Failure(reason: "no port") }
    let client = try RawClient(port: port)
    #expect(try client.call("GET", "/v1/models/half_plus_two").status == 200)
    await neighbour.server.drain(within: .seconds(5))
    let answer = try client.call("GET", "/v1/models/half_plus_two")
    #expect(answer.status == 503)
    #expect(answer.body.contains("upstream"))
    #expect(try client.call("GET", "/healthz").status == 200)
    await face.drain(within: .seconds(5))
  }

  private struct NoLoader: ServableLoader {
    func load(_ id: ServableID, from files: VersionFiles) throws -> LoadedServable {
      throw RepositoryError.noModel(directory: files.directory)
    }
  }
}

// MARK: Tools

private enum Curl {
  /// What curl prints; fails unless it ends well.
  static func run(_ arguments: [String]) throws -> String {
    try Tool.run("curl", ["-sS", "--max-time", "60"] + arguments)
  }
}

private enum Gzip {
  /// By the real gzip.
  static func compressed(_ bytes: [UInt8]) throws -> [UInt8] {
    let directory = try TemporaryDirectory()
    try directory.write("plain", bytes)
    _ = try Tool.run("gzip", ["\(directory.path)/plain"])
    return Array(try Data(contentsOf: URL(fileURLWithPath: "\(directory.path)/plain.gz")))
  }
}

private enum Tool {
  static func run(_ name: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [name] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw RawClient.Failure(reason: "\(name) ended with \(process.terminationStatus)")
    }
    return String(decoding: data, as: UTF8.self)
  }
}

private final class TemporaryDirectory {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("apparate-\(UUID().uuidString)").path

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
  }
}
