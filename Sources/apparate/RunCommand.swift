import ArgumentParser
import Console
import Datasets
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run a model on inputs from .npy files; write its outputs as .npy files.")

  @Argument(help: "An ONNX file.")
  var model: String

  @Option(name: .customLong("input"), help: "NAME=FILE.npy; once for each input of the model.")
  var inputs: [String] = []

  @Option(help: "Where to write NAME.npy for each output.")
  var outputDir: String?

  @Option(name: .customLong("repeat"), help: "Runs to time; the outputs are those of the last.")
  var repetitions = 1

  @Flag(help: "Print the time of every kernel.")
  var profile = false

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var deviceOptions: DeviceOptions

  private struct Report: Encodable {
    let model: String
    let device: String
    let outputs: [String: [Int]]
    let loadMilliseconds: Double
    let firstRunMilliseconds: Double
    let medianRunMilliseconds: Double
    let files: [String: String]
  }

  func run() throws {
    try reporting {
      guard repetitions > 0 else { throw CommandError.usage("--repeat must be at least 1, got \(repetitions)") }
      let tensors = try readInputs()
      let clock = ContinuousClock()
      let device = try deviceOptions.select()
      let progress = Progress("building programs for \(device.properties.name)")
      var options = try deviceOptions.modelOptions()
      options.progress = { progress.update($0, of: $1) }

      let start = clock.now
      let loaded = try LoadedModel(
        graph: importedModel(model), device: device, options: options, profiling: profile)
      try check(tensors, against: loaded)
      _ = try loaded.prepare(tensors)
      let load = clock.now - start
      progress.finish()

      var outputs: [String: Tensor] = [:]
      var times: [Double] = []
      for _ in 0..<repetitions {
        let time = try clock.measure { outputs = try loaded.run(tensors) }
        times.append(time.milliseconds)
      }
      let files = try write(outputs)
      let report = Report(
        model: model, device: device.properties.name, outputs: outputs.mapValues(\.shape),
        loadMilliseconds: load.milliseconds, firstRunMilliseconds: times[0],
        medianRunMilliseconds: times.sorted()[times.count / 2], files: files)
      if json { try printJSON(report) } else { print(text(of: report)) }
      if profile { print(try profileText(loaded.profile(tensors, repetitions: max(3, repetitions)))) }
    }
  }

  private func readInputs() throws -> [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for text in inputs {
      guard let equals = text.firstIndex(of: "=") else {
        throw CommandError.usage("--input must be NAME=FILE.npy, got \(text)")
      }
      let (name, path) = (String(text[..<equals]), String(text[text.index(after: equals)...]))
      guard FileManager.default.fileExists(atPath: path) else { throw CommandError.noInput("\(path): no such file") }
      do { tensors[name] = try NumPyFile.read(at: path) } catch { throw CommandError.badData("\(error)") }
    }
    return tensors
  }

  /// Names and types are the caller's business, so they are usage errors here.
  private func check(_ tensors: [String: Tensor], against model: LoadedModel) throws {
    let wanted = model.graph.inputs.map { value -> String in
      let shape = model.graph[value].shape?.map(\.description).joined(separator: ", ") ?? "?"
      return "\(model.graph[value].name): \(model.graph[value].type?.rawValue ?? "?") [\(shape)]"
    }.joined(separator: "; ")
    for name in model.inputNames where tensors[name] == nil {
      throw CommandError.usage("input \"\(name)\" is missing (--input \(name)=FILE.npy); the model takes \(wanted)")
    }
    for name in tensors.keys.sorted() where !model.inputNames.contains(name) {
      throw CommandError.usage("the model has no input \"\(name)\"; it takes \(wanted)")
    }
  }

  private func write(_ outputs: [String: Tensor]) throws -> [String: String] {
    guard let outputDir else { return [:] }
    let directory = URL(fileURLWithPath: outputDir, isDirectory: true)
    do { try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true) } catch {
      throw CommandError.failed("\(outputDir) cannot be made: \(error.localizedDescription)")
    }
    var files: [String: String] = [:]
    for (name, tensor) in outputs {
      // A value's name may hold anything; a file's name may not.
      let safe = String(name.map { $0.isLetter || $0.isNumber || "-_.".contains($0) ? $0 : "_" })
      let path = directory.appendingPathComponent((safe.isEmpty || safe.hasPrefix(".") ? "_" + safe : safe) + ".npy")
        .path
      do { try NumPyFile.write(tensor, to: path) } catch {
        throw CommandError.failed("\(path) cannot be written: \(error.localizedDescription)")
      }
      files[name] = path
    }
    return files
  }

  private func text(of report: Report) -> String {
    var lines = report.outputs.sorted { $0.key < $1.key }.map { name, shape in
      "\(name)  \(shape)\(report.files[name].map { "  -> \($0)" } ?? "")"
    }
    lines.append(
      String(
        format: "load %.0f ms, first run %.2f ms, median of %d %.2f ms on %@", report.loadMilliseconds,
        report.firstRunMilliseconds, repetitions, report.medianRunMilliseconds, report.device))
    return lines.joined(separator: "\n")
  }

  private func profileText(_ profile: ModelProfile) -> String {
    var table = Table(["µs", "share", "kernel", "node"])
    for step in profile.steps {
      table.add([
        String(format: "%.1f", Double(step.duration) * 1e-3),
        String(format: "%.1f %%", Double(step.duration) / Double(max(1, profile.total)) * 100), step.kernel, step.node,
      ])
    }
    let outside = Double(profile.span) - Double(profile.total)
    return table.text
      + String(
        format: "\nkernels %.1f µs, first start to last end %.1f µs, %.1f %% between kernels",
        Double(profile.total) * 1e-3, Double(profile.span) * 1e-3, max(0, outside / Double(max(1, profile.span)) * 100))
  }
}

extension Duration {
  var milliseconds: Double { Double(components.seconds) * 1e3 + Double(components.attoseconds) * 1e-15 }
}
