import Foundation

/// A Python with the peers at pinned versions, made on first use in the cache folder, and the scripts that run in it.
struct PythonEnvironment {
  let interpreter: URL
  /// The folder of `peer.py` and `models.py`.
  let scripts: URL
  static let variables = ["PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"]

  /// Finds the environment in `cache`, or makes it: that needs python3 with venv, and the network.
  init(cache: URL, progress: (String) -> Void) throws {
    guard let scripts = Bundle.module.url(forResource: "Peers", withExtension: nil) else {
      throw BenchError.missingFile(path: "Peers", hint: "the resources of apparate-bench are missing; build it again")
    }
    self.scripts = scripts
    let home = cache.appending(path: "python")
    interpreter = home.appending(path: "bin/python")

    let requirements = scripts.appending(path: "requirements.txt")
    let wanted = try Data(contentsOf: requirements)
    let stamp = home.appending(path: "apparate-requirements")
    if (try? Data(contentsOf: stamp)) == wanted { return }

    progress("installing the peers into \(home.path) (once)")
    try FileManager.default.createDirectory(at: cache, withIntermediateDirectories: true)
    if FileManager.default.fileExists(atPath: home.path) {
      try FileManager.default.removeItem(at: home)
    }
    let env = URL(filePath: "/usr/bin/env")
    try BoundedCommand(executable: env, arguments: ["python3", "-m", "venv", home.path]).run(within: .seconds(120))
    let pip = ["-m", "pip", "--disable-pip-version-check", "--quiet"]
    let install = pip + ["install", "--no-deps", "-r", requirements.path]
    try BoundedCommand(executable: interpreter, arguments: install).run(within: .seconds(900))
    try wanted.write(to: stamp)
  }

  /// Runs one of the scripts and decodes the JSON that it prints.
  func run<Result: Decodable>(_ script: String, _ arguments: [String], within limit: Duration) throws -> Result {
    let command = BoundedCommand(
      executable: interpreter, arguments: [scripts.appending(path: script).path] + arguments,
      environment: Self.variables)
    let output = try command.run(within: limit)
    do {
      return try JSONDecoder().decode(Result.self, from: output)
    } catch {
      throw BenchError.unreadableOutput(command: script, text: String(decoding: output, as: UTF8.self))
    }
  }
}
