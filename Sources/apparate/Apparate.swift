import ArgumentParser
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime

/// The command line. One file per command.
@main
struct Apparate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apparate", abstract: "Serve deep-learning classifiers with early exits.",
    subcommands: [
      ServeCommand.self, PrepareCommand.self, ReplayCommand.self, DemoCommand.self, RunCommand.self,
      InspectCommand.self,
      DevicesCommand.self, WorkerCommand.self, ControllerCommand.self,
    ])
}

/// Errors of commands, with the exit codes of sysexits.h.
enum CommandError: Error, CustomStringConvertible {
  case usage(String)
  case badData(String)
  case noInput(String)
  case failed(String)

  var description: String {
    switch self {
    case .usage(let text), .badData(let text), .noInput(let text), .failed(let text): text
    }
  }

  var exitCode: ExitCode {
    switch self {
    case .usage: ExitCode(64)
    case .badData: ExitCode(65)
    case .noInput: ExitCode(66)
    case .failed: ExitCode(70)
    }
  }
}

extension ParsableCommand {
  /// Runs a command's body; an error becomes one line on standard error and an exit code.
  func reporting(_ body: () throws -> Void) throws {
    do { try body() } catch let error as ExitCode { throw error } catch {
      let command = error as? CommandError ?? Self.classified(error)
      FileHandle.standardError.write(Data("apparate: error: \(command.description)\n".utf8))
      throw command.exitCode
    }
  }

  private static func classified(_ error: any Error) -> CommandError {
    switch error {
    case is ImportError, is GraphError: .badData("\(error)")
    default: .failed("\(error)")
    }
  }
}

/// Which device, how many threads, which kernels: what every command that computes accepts.
struct DeviceOptions: ParsableArguments {
  @Option(help: "gpu, cpu, PLATFORM:DEVICE, or part of a name (default: the first GPU, else the CPU).")
  var device: String = "auto"

  @Option(help: "Threads of a CPU device (PoCL); default: all cores.")
  var threads: Int?

  @Option(help: "Kernel family: cpu or gpu (default: by the kind of device).")
  var kernels: String?

  func select() throws -> Device {
    if let threads {
      guard threads > 0 else { throw CommandError.usage("--threads must be at least 1, got \(threads)") }
      ProcessorThreads.setCount(threads)
    }
    return try Device.select(DeviceSelector(device))
  }

  func modelOptions() throws -> LoadedModel.Options {
    var options = LoadedModel.Options()
    if let kernels {
      guard let family = KernelTarget.Family(rawValue: kernels) else {
        throw CommandError.usage("--kernels must be cpu or gpu, got \(kernels)")
      }
      options.kernels = family
    }
    return options
  }
}

/// Imports a model, telling a missing file from a bad one.
func importedModel(_ path: String) throws -> Graph {
  guard FileManager.default.fileExists(atPath: path) else { throw CommandError.noInput("\(path): no such file") }
  return try ONNXImporter.importModel(at: path)
}

func printJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  print(String(decoding: try encoder.encode(value), as: UTF8.self))
}

/// A count with its SI prefix: 25.6 M.
func compact(_ count: Int, _ unit: String = "") -> String {
  let steps: [(Double, String)] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")]
  for (size, prefix) in steps where Double(count) >= size {
    return String(format: "%.2f %@%@", Double(count) / size, prefix, unit)
  }
  return unit.isEmpty ? "\(count)" : "\(count) \(unit)"
}
