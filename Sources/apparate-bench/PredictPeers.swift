import Foundation

/// The C++ programs of `Peers/rpc`, compiled on first use in the cache folder.
struct PredictPeers {
  let server: URL
  let client: URL

  /// - Parameters:
  ///   - cache: Where they are compiled, once for each version of their sources.
  ///   - proto: The folder with the messages.
  init(cache: URL, proto: URL, progress: (String) -> Void) throws {
    guard let sources = Bundle.module.url(forResource: "Peers", withExtension: nil)?.appending(path: "rpc") else {
      throw BenchError.missingFile(path: "Peers", hint: "the resources of apparate-bench are missing; build it again")
    }
    let home = cache.appending(path: "rpc")
    server = home.appending(path: "predict_server")
    client = home.appending(path: "predict_client")

    let protos = try Self.protos(in: proto)
    let programs = [server, client].map { sources.appending(path: $0.lastPathComponent + ".cc") }
    var wanted = Data()
    for file in programs + protos.map({ proto.appending(path: $0) }) { wanted.append(try Data(contentsOf: file)) }
    let stamp = home.appending(path: "sources")
    if (try? Data(contentsOf: stamp)) == wanted { return }

    try Self.checkTools(in: cache)
    progress("compiling the peers into \(home.path) (once)")
    if FileManager.default.fileExists(atPath: home.path) { try FileManager.default.removeItem(at: home) }
    try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
    let plugin = try Self.run(["sh", "-c", "command -v grpc_cpp_plugin"], in: home)
    try Self.run(
      [
        "protoc", "--proto_path=\(proto.path)", "--cpp_out=\(home.path)", "--grpc_out=\(home.path)",
        "--plugin=protoc-gen-grpc=\(plugin.trimmingCharacters(in: .whitespacesAndNewlines))",
      ] + protos,
      in: home)
    let generated = protos.map { String($0.dropLast("proto".count)) + "pb.cc" }
    let service = "tensorflow_serving/apis/prediction_service.grpc.pb.cc"
    let flags = ["g++", "-O2", "-std=c++17", "-I\(home.path)"]
    var objects: [String] = []
    for source in generated + [service] {
      let object = home.appending(path: source + ".o").path
      try Self.run(flags + ["-c", home.appending(path: source).path, "-o", object], in: home)
      objects.append(object)
    }
    let libraries = try Self.run(["pkg-config", "--libs", "grpc++", "protobuf"], in: home).split(
      whereSeparator: \.isWhitespace)
    for (program, source) in zip([server, client], programs) {
      try Self.run(flags + [source.path] + objects + ["-o", program.path] + libraries.map(String.init), in: home)
    }
    try wanted.write(to: stamp)
  }

  /// What compiling needs, and the Debian package that has it.
  private static let tools = [
    (package: "g++", check: "command -v g++"), (package: "protobuf-compiler", check: "command -v protoc"),
    (package: "protobuf-compiler-grpc", check: "command -v grpc_cpp_plugin"),
    (package: "pkg-config", check: "command -v pkg-config"),
    (package: "libprotobuf-dev", check: "pkg-config --exists protobuf"),
    (package: "libgrpc++-dev", check: "pkg-config --exists grpc++"),
  ]

  private static func checkTools(in folder: URL) throws {
    let missing = tools.filter { (try? run(["sh", "-c", $0.check], in: folder)) == nil }.map(\.package)
    guard missing.isEmpty else {
      throw BenchError.missingTools(
        what: "gRPC's C++ peers", install: "apt-get install \(missing.joined(separator: " "))")
    }
  }

  /// TensorFlow's messages, as paths below `folder`. Those of google come with libprotobuf.
  private static func protos(in folder: URL) throws -> [String] {
    guard let files = FileManager.default.enumerator(atPath: folder.path) else {
      throw BenchError.missingFile(path: folder.path, hint: "give the repository's folder proto as --proto")
    }
    let protos = files.compactMap { $0 as? String }.filter {
      $0.hasSuffix(".proto") && $0.contains("/") && !$0.hasPrefix("google/") && !$0.hasPrefix("grpc/")
    }
    guard protos.contains("tensorflow_serving/apis/prediction_service.proto") else {
      throw BenchError.missingFile(
        path: folder.appending(path: "tensorflow_serving/apis/prediction_service.proto").path,
        hint: "give the repository's folder proto as --proto")
    }
    return protos.sorted()
  }

  @discardableResult
  private static func run(_ words: [String], in folder: URL) throws -> String {
    let command = BoundedCommand(executable: URL(filePath: "/usr/bin/env"), arguments: words)
    return String(decoding: try command.run(within: .seconds(300)), as: UTF8.self)
  }
}
