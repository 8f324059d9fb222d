import Foundation
import RPC
import Serving
import ServingFixtures
import TensorFlowServingAdapter
import Testing
import Wire

extension SidecarTests {
  /// The command as a start script sees it.
  @Suite struct ServeCommandTests {
    @Test("starts with tensorflow_model_server's flags, says where it listens, and ends well on SIGTERM")
    func process() async throws {
      let directory = try ModelDirectory()
      try directory.add(version: "1", TinyModel.affine(scale: 1, offset: 1, width: 1))
      let folder = try Folder()
      let socket = folder.path + "/socket"
      let process = Process()
      process.executableURL = try RunningSidecar.program
      process.arguments = [
        "serve", "--port=0", "--grpc_socket_path=\(socket)", "--model_name=m", "--model_base_path=\(directory.path)",
        "--tensorflow_session_parallelism=2", "--no_such_flag=1",
      ]
      let output = folder.url.appending(path: "log")
      try Data().write(to: output)
      process.standardError = try FileHandle(forWritingTo: output)
      let (ends, end) = AsyncStream.makeStream(of: Int32.self)
      process.terminationHandler = { end.yield($0.terminationStatus) }
      try process.run()
      defer { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
      func said(_ words: String) throws -> Bool { try String(contentsOf: output, encoding: .utf8).contains(words) }
      #expect(try await eventually { try said("serve: ready") || !process.isRunning })
      let log = try String(contentsOf: output, encoding: .utf8)
      #expect(log.contains("Running gRPC ModelServer at unix:\(socket) ..."), "\(log)")
      #expect(log.contains("unknown argument: --no_such_flag=1"))

      let client = PredictClient(.unix(path: socket), group: RunningSidecar.group)
      let answer = try await client.predict(["x": .init([5] as [Float], shape: [1, 1])], of: ModelSpec(name: "m"))
      #expect(answer.outputs["y"]?.floats == [6])
      kill(process.processIdentifier, SIGTERM)
      var iterator = ends.makeAsyncIterator()
      #expect(await iterator.next() == 0)
      #expect(try said("serve: ended"))
      await client.shutDown()
    }

    @Test(
      "says why it does not start",
      arguments: [
        ([], "Both server_options.model_base_path and server_options.model_config_file are empty!"),
        (["--port=many"], "Couldn't interpret value many for flag port"),
        (["--model_config_file=CONFIG"], "Error parsing text-format tensorflow.serving.ModelServerConfig: 1:1"),
        (["--model_base_path=relative"], "Expected model default to have an absolute path or URI"),
        (["--model_base_path=/none", "--file_system_poll_wait_seconds=0"], "Could not find base path /none"),
      ])
    func failures(_ arguments: [String], _ text: String) async throws {
      let folder = try Folder()
      let config = try folder.write("bad.config", "}")
      let flags = arguments.map { $0.replacing("CONFIG", with: config) }
      let output = try await Tool.run(RunningSidecar.program, ["serve"] + flags, expectSuccess: false)
      #expect(output.contains(text), "\(output)")
      #expect(output.contains("apparate: error:"))
    }
  }
}
