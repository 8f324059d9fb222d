import Foundation
import NIOCore
import RPC
import Testing

extension ServerTests {
  @Suite struct TLSTests {
    /// Certificates for one test, made by the openssl command.
    private struct Certificates: ~Copyable {
      let folder = FileManager.default.temporaryDirectory.appending(path: "rpc-tests-\(UUID().uuidString)")

      init() async throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try await openssl(
          "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=root",
          "-keyout ca.key -out ca.pem")
        for (name, extensions) in [
          ("server", "subjectAltName=DNS:localhost,IP:127.0.0.1"), ("client", "basicConstraints=CA:FALSE"),
        ] {
          try extensions.write(to: folder.appending(path: "\(name).ext"), atomically: true, encoding: .utf8)
          try await openssl(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=\(name)",
            "-keyout \(name).key -out \(name).csr")
          try await openssl(
            "x509 -req -in \(name).csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2",
            "-extfile \(name).ext -out \(name).pem")
        }
      }

      deinit { try? FileManager.default.removeItem(at: folder) }

      private func openssl(_ words: String...) async throws {
        let arguments = words.joined(separator: " ").split(separator: " ").map { word in
          word.contains(".") && !word.contains("=") && !word.hasPrefix("-")
            ? folder.appending(path: String(word)).path : String(word)
        }
        try await TestServer.run(URL(filePath: "/usr/bin/openssl"), arguments)
      }

      func path(_ name: String) -> String { folder.appending(path: name).path }

      func text(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }
    }

    @Test func `calls go through TLS`() async throws {
      let certificates = try await Certificates()
      let tls = try ServerTLS(key: certificates.text("server.key"), certificate: certificates.text("server.pem"))
      let trust = try ClientTLS(customCA: certificates.text("ca.pem"))
      let ca = certificates.path("ca.pem")
      try await TestServer.run(tls: tls, clientTLS: trust) { test in
        await test.expect("Echo", "secret")
        try await TestServer.python(
          [TestServer.peer, "--tls", ca, "--", "localhost:\(test.port)", "unary", "gzip", "large", "cancel"])
        // In the clear nobody is served.
        let clear = Client(test.server.endpoints[0], group: TestServer.group)
        #expect(await clear.outcome("/test.Echo/Echo").code == .unavailable)
        await clear.shutDown()
      }
    }

    @Test func `a server that nobody vouches for is not called`() async throws {
      let certificates = try await Certificates()
      let tls = try ServerTLS(key: certificates.text("server.key"), certificate: certificates.text("server.pem"))
      try await TestServer.run(tls: tls, clientTLS: try ClientTLS()) { test in
        #expect(await test.client.outcome("/test.Echo/Echo").code == .unavailable)
      }
    }

    @Test func `clients must show a certificate where it is asked for`() async throws {
      let certificates = try await Certificates()
      let tls = try ServerTLS(
        key: certificates.text("server.key"), certificate: certificates.text("server.pem"),
        customCA: certificates.text("ca.pem"), verifiesClients: true)
      let known = try ClientTLS(
        customCA: certificates.text("ca.pem"),
        identity: (certificates.text("client.pem"), certificates.text("client.key")))
      let unknown = try ClientTLS(customCA: certificates.text("ca.pem"))
      let (ca, certificate, key) = (
        certificates.path("ca.pem"), certificates.path("client.pem"), certificates.path("client.key")
      )
      try await TestServer.run(tls: tls, clientTLS: known) { test in
        await test.expect("Echo", "secret")
        let address = "localhost:\(test.port)"
        try await TestServer.python([TestServer.peer, "--tls", ca, certificate, key, "--", address, "unary"])
        try await TestServer.python([TestServer.peer, "--tls", ca, "--", address, "refused"])
        let stranger = Client(.tcp(host: "localhost", port: test.port), tls: unknown, group: TestServer.group)
        #expect(await stranger.outcome("/test.Echo/Echo").code == .unavailable)
        await stranger.shutDown()
      }
    }

    @Test func `what is no PEM text is told by its name`() async throws {
      let certificates = try await Certificates()
      let (key, certificate) = (try certificates.text("server.key"), try certificates.text("server.pem"))
      #expect(throws: RPCError.self) { try ServerTLS(key: "none", certificate: certificate) }
      #expect(throws: RPCError.unreadablePEM(what: "server_cert", reason: "failedToLoadCertificate")) {
        try ServerTLS(key: key, certificate: "")
      }
      let other = try certificates.text("client.key")
      #expect(throws: RPCError.self) { try ServerTLS(key: other, certificate: certificate) }
    }

    @Test(arguments: [
      ("localhost:8500", Endpoint.tcp(host: "localhost", port: 8500)), ("[::1]:1", .tcp(host: "::1", port: 1)),
      ("unix:/run/a.sock", .unix(path: "/run/a.sock")), ("unix:", nil), ("localhost", nil), (":1", nil),
      ("a:65536", nil),
      ("a:b", nil),
    ])
    func `endpoints are read`(text: String, expected: Endpoint?) {
      #expect(Endpoint(text) == expected)
    }
  }
}
