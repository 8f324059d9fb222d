import ArgumentParser
import ClockworkAdapter

struct ControllerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "controller",
    abstract: "Schedule Clockwork workers on this machine: clients connect here, models are loaded on demand.",
    discussion: """
      Speaks the protocols of Clockwork's controller on both sides, for one machine and for tests; a cluster runs \
      Clockwork's own. A worker that breaks the protocol is disconnected.
      """)

  @Argument(help: ArgumentHelp("HOST:PORT of each worker; the port may be left out.", valueName: "worker"))
  var workers: [String]

  @Option(name: .customLong("client_port"), help: "Where clients connect.")
  var clientPort: UInt16 = 12346

  @Option(help: "IPv4 address to listen on.")
  var host = "0.0.0.0"

  @Option(name: .customLong("schedule_ahead_ms"), help: "Work that a GPU may have waiting, and the length of windows.")
  var scheduleAhead = 10.0

  @Option(name: .customLong("default_slo_ms"), help: "For requests that give no SLO of their own.")
  var defaultSLO = 100.0

  @Option(name: .customLong("max_exec_ms"), help: "Batch sizes that take longer are not used.")
  var maxExec = 250.0

  @Option(name: .customLong("max_batch_size"), help: "Items in a batch.")
  var maxBatchSize = 16

  @Flag(
    name: .customLong("item_results"), inversion: .prefixedNo,
    help: "Ask workers for each item's answer as soon as it has left the model.")
  var itemResults = true

  @Option(name: .customLong("log_dir"), help: "Write what became of requests and actions here, as Clockwork does.")
  var logDirectory: String?

  func run() throws {
    try reporting {
      let server: ControllerServer
      do {
        server = try ControllerServer(configuration: configuration(), log: logLine)
      } catch ClockworkError.invalidConfiguration(let text) { throw CommandError.usage(text) }
      logLine("controller: \(server.workerCount) workers; clients connect to port \(server.port)")
      TerminationSignal.wait()
      logLine("controller: shutting down")
      server.stop()
    }
  }

  private func configuration() throws -> ControllerConfiguration {
    var configuration = ControllerConfiguration(
      workers: try workers.map { text in
        guard let address = ControllerConfiguration.WorkerAddress(text) else {
          throw CommandError.usage("a worker is HOST:PORT, got \(text)")
        }
        return address
      })
    func duration(_ milliseconds: Double, _ flag: String) throws -> Duration {
      guard milliseconds > 0, milliseconds <= 1e9 else {
        throw CommandError.usage("\(flag) must be above 0, got \(milliseconds)")
      }
      return .microseconds(Int64(milliseconds * 1000))
    }
    configuration.host = host
    configuration.clientPort = clientPort
    configuration.scheduleAhead = try duration(scheduleAhead, "--schedule_ahead_ms")
    configuration.defaultSLO = try duration(defaultSLO, "--default_slo_ms")
    configuration.maxExec = try duration(maxExec, "--max_exec_ms")
    configuration.maxBatchSize = maxBatchSize
    configuration.asksForItemResults = itemResults
    if let logDirectory {
      let log = try ControllerLog(directory: logDirectory)
      configuration.onAction = { log.add($0) }
      configuration.onRequest = { log.add($0) }
    }
    return configuration
  }
}
