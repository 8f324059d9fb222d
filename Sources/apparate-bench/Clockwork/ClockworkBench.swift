import ArgumentParser

/// A worker, a controller and clients on this machine.
struct ClockworkBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clockwork", abstract: "Measure the Clockwork worker under a controller, all on this machine.",
    subcommands: [ClockworkChurnBench.self, ClockworkLatencyBench.self])
}
