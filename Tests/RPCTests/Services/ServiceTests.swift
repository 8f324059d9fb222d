import Foundation
import NIOCore
import RPC
import Testing
import Wire

extension ServerTests {
  /// Health and reflection, called by grpcurl, which knows a server's methods by reflection only, and by grpcio.
  @Suite struct ServiceTests {
    private func run(body: (TestServer, HealthService) async throws -> Void) async throws {
      let health = HealthService()
      health.set("", .serving)
      health.set("model", .serving)
      let reflection = try ReflectionService(
        fileDescriptorSet: ServiceDescriptors.fileDescriptorSet, services: ["grpc.health.v1.Health"])
      try await TestServer.run(router: {
        health.add(to: &$0)
        reflection.add(to: &$0)
      }) { try await body($0, health) }
    }

    private func grpcurl(_ test: TestServer, _ arguments: String...) async throws -> String {
      try await TestServer.python(
        ["-plaintext", "-max-time", "30"] + arguments.dropLast(arguments.count - split(arguments))
          + ["127.0.0.1:\(test.port)"] + arguments.dropFirst(split(arguments)), program: "grpcurl")
    }

    /// Options come before the address.
    private func split(_ arguments: [String]) -> Int { arguments.first == "-d" ? 2 : 0 }

    @Test func `grpcurl lists services`() async throws {
      try await run { test, _ in
        let text = try await grpcurl(test, "list")
        #expect(
          text == """
            grpc.health.v1.Health
            grpc.reflection.v1.ServerReflection
            grpc.reflection.v1alpha.ServerReflection

            """)
      }
    }

    @Test func `grpcurl describes services and messages`() async throws {
      try await run { test, _ in
        #expect(try await grpcurl(test, "list", "grpc.health.v1.Health").contains("grpc.health.v1.Health.Watch"))
        #expect(try await grpcurl(test, "describe", "grpc.health.v1.Health").contains("rpc Check"))
        #expect(
          try await grpcurl(test, "describe", "grpc.health.v1.HealthCheckResponse.ServingStatus")
            .contains("NOT_SERVING = 2;"))
        let unknown = try await TestServer.run(
          TestServer.root.appending(path: ".build-python/bin/grpcurl"),
          ["-plaintext", "127.0.0.1:\(test.port)", "describe", "no.such.Thing"], expectSuccess: false)
        #expect(unknown.contains("not found"), "\(unknown)")
      }
    }

    @Test func `grpcurl asks for health`() async throws {
      try await run { test, health in
        let model = #"{"service": "model"}"#
        let check = "grpc.health.v1.Health/Check"
        #expect(try await grpcurl(test, "-d", model, check).contains(#""status": "SERVING""#))
        health.set("model", .notServing)
        #expect(try await grpcurl(test, "-d", model, check).contains(#""status": "NOT_SERVING""#))
        health.set("model", nil)
        let unknown = try await TestServer.run(
          TestServer.root.appending(path: ".build-python/bin/grpcurl"),
          ["-plaintext", "-d", model, "127.0.0.1:\(test.port)", check], expectSuccess: false)
        #expect(unknown.contains("Code: NotFound"), "\(unknown)")
      }
    }

    @Test func `a watch tells the status and ends when the server drains`() async throws {
      let health = HealthService()
      health.set("model", .serving)
      let drain = Inbox<Void>()
      var router = Router()
      health.add(to: &router)
      router.add("/test.Echo/Drain") { call in
        call.respond(ByteBuffer())
        drain.put(())
      }
      let server = try await Server.start(
        on: [.tcp(host: "127.0.0.1", port: 0)], router: router, group: TestServer.group)
      guard case .tcp(_, let port) = server.endpoints[0] else { return }
      async let peer = TestServer.python([TestServer.peer, "127.0.0.1:\(port)", "health_watch", "health_drain"])
      try await drain.next()
      #expect(await server.drain(within: TestServer.patience) == 0)
      _ = try await peer
    }

    @Test func `damaged descriptors are told`() {
      #expect(throws: RPCError.self) {
        try ReflectionService(
          fileDescriptorSet: Array(ServiceDescriptors.fileDescriptorSet.dropLast()), services: [])
      }
    }
  }
}
