import ArgumentParser
import Foundation
import OpenCLRuntime
import RPC
import Sidecar
import TensorFlowServingAdapter

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serve models with early exits over gRPC and REST, in the place of tensorflow_model_server.",
    discussion: "Takes the flags of tensorflow_model_server, written --name=value, and some more: see --help.")

  // TensorFlow's flags are not what ArgumentParser takes for flags.
  @Argument(parsing: .captureForPassthrough)
  var arguments: [String] = []

  func run() throws {
    try reporting {
      let flags = try flags()
      let usage = ServeFlags.usage(program: "apparate serve")
      if flags.wantsHelp { return print(usage, terminator: "") }
      if flags.wantsVersion { return print("TensorFlow ModelServer: apparate\nTensorFlow Library: none") }
      for argument in flags.unknownArguments { logLine("unknown argument: \(argument)") }
      if !flags.unknownArguments.isEmpty { logLine(usage) }
      for name in flags.ignoredFlags { logLine("--\(name) has no effect here") }
      try serve(flags.options)
    }
  }

  private func flags() throws -> ServeFlags {
    do { return try ServeFlags(arguments) } catch { throw CommandError.usage("\(error)") }
  }

  private func serve(_ options: ServeOptions) throws {
    let configuration: ServerConfiguration
    do { configuration = try ServerConfiguration(options) } catch {
      throw CommandError.usage("Failed to start server. Error: \(error)")
    }
    let device = try device(options)
    logLine("serve: models run on \(device.properties.name)")
    let server: SidecarServer
    do {
      server = try blocking { try await SidecarServer.start(configuration, device: device, log: logLine) }
    } catch { throw CommandError.failed("Failed to start server. Error: \(error)") }
    logLine("serve: ready")
    TerminationSignal.wait()
    logLine("serve: shutting down; calls under way have \(options.drainSeconds) s")
    let cut = try blocking { await server.stop(within: .seconds(options.drainSeconds)) }
    logLine(cut == 0 ? "serve: ended" : "serve: ended; \(cut) connections had to be cut")
  }

  private func device(_ options: ServeOptions) throws -> Device {
    if options.threads > 0 { ProcessorThreads.setCount(options.threads) }
    return try Device.select(DeviceSelector(options.device))
  }
}
