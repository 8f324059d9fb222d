import ArgumentParser

/// The measurements behind the figures in the README, one subcommand for each.
@main
struct ApparateBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apparate-bench",
    abstract: "Reproducible measurements: one subcommand for each figure in the README.",
    subcommands: [
      ClockworkBench.self, EngineBench.self, ExitsBench.self, LoadBench.self, RampsBench.self, RPCBench.self,
      SegmentsBench.self, ServingBench.self, TrainingBench.self, TunerBench.self, EngineWorker.self, RPCServer.self,
    ])
}
