import ArgumentParser
import Console
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show a model: inputs, outputs, operators, cost, what fuses, and where ramps could sit.")

  @Argument(help: "An ONNX file.")
  var model: String

  @Option(name: .customLong("dim"), help: "The extent of a symbolic dimension, NAME=N; may be repeated.")
  var dimensions: [String] = []

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(help: "Only read the file: measure no latencies.")
  var fileOnly = false

  @OptionGroup var deviceOptions: DeviceOptions

  private struct Port: Encodable {
    let name: String
    let type: String
    let shape: [String]
  }

  private struct Site: Encodable {
    let name: String
    let flopShare: Double
    let latencyShare: Double?
  }

  private struct Report: Encodable {
    let model: String
    let inputs: [Port]
    let outputs: [Port]
    let operators: [String: Int]
    let parameters: Int
    let flops: Int
    let bytes: Int
    let measuredAt: [String: [Int]]
    let latencyMilliseconds: Double?
    let device: String?
    let fused: [String: Int]
    let sites: [Site]
  }

  func run() throws {
    try reporting {
      let report = try makeReport()
      if json { try printJSON(report) } else { print(text(of: report)) }
    }
  }

  private func makeReport() throws -> Report {
    let graph = try importedModel(model)
    let inputs = try RandomInputs(graph, dimensions: try parsedDimensions())
    let specialised = try graph.specialized(inputShapes: inputs.shapes, inputValues: inputs.shapeValues)
    let cost = specialised.totalCost()
    func port(_ value: ValueID) -> Port {
      Port(
        name: graph[value].name, type: graph[value].type?.rawValue ?? "?",
        shape: graph[value].shape?.map(\.description) ?? ["?"])
    }
    var profile: ModelProfile?
    var device: Device?
    if !fileOnly {
      let chosen = try deviceOptions.select()
      let progress = Progress("building programs for \(chosen.properties.name)")
      var options = try deviceOptions.modelOptions()
      options.progress = { progress.update($0, of: $1) }
      options.singleLaunch = false  // a profile times each kernel
      let loaded = try LoadedModel(graph: graph, device: chosen, options: options, profiling: true)
      profile = try loaded.profile(inputs.tensors, repetitions: 3)
      progress.finish()
      device = chosen
    }
    let (optimised, atLoad) = graph.foldingConstants().optimizedAtLoad()
    let final = try optimised.specialized(inputShapes: inputs.shapes, inputValues: inputs.shapeValues).fused()
    let sites = final.0.cutVertices()
    return Report(
      model: model, inputs: graph.inputs.map(port), outputs: graph.outputs.map(port),
      operators: Dictionary(grouping: graph.nodes, by: \.op).mapValues(\.count),
      parameters: cost.parameters, flops: cost.flops, bytes: cost.bytesRead + cost.bytesWritten,
      measuredAt: Dictionary(uniqueKeysWithValues: graph.inputs.map { (graph[$0].name, inputs.shapes[$0] ?? []) }),
      latencyMilliseconds: profile.map { Double($0.total) * 1e-6 }, device: device?.properties.name,
      fused: Dictionary(grouping: atLoad + final.1, by: \.kind.rawValue).mapValues(\.count),
      sites: sites.map { site in
        Site(name: site.name, flopShare: site.flopShare, latencyShare: profile?.latencyShare(before: site.name))
      })
  }

  private func parsedDimensions() throws -> [String: Int] {
    var result: [String: Int] = [:]
    for text in dimensions {
      let parts = text.split(separator: "=")
      guard parts.count == 2, let extent = Int(parts[1]), extent > 0 else {
        throw CommandError.usage("--dim must be NAME=N with N of at least 1, got \(text)")
      }
      result[String(parts[0])] = extent
    }
    return result
  }

  private func text(of report: Report) -> String {
    var lines = [report.model, ""]
    for (label, ports) in [("input", report.inputs), ("output", report.outputs)] {
      for port in ports { lines.append("\(label)  \(port.name)  \(port.type) [\(port.shape.joined(separator: ", "))]") }
    }
    let shapes = report.measuredAt.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    lines += [
      "",
      "\(report.operators.values.reduce(0, +)) nodes: "
        + report.operators.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.value) \($0.key)" }
        .joined(separator: ", "),
      "\(compact(report.parameters)) parameters",
      "at \(shapes): \(compact(report.flops, "FLOP")), \(compact(report.bytes, "B")) moved",
    ]
    if let latency = report.latencyMilliseconds, let device = report.device {
      lines.append(String(format: "%.2f ms in kernels on %@", latency, device))
    }
    lines.append(
      "fused: "
        + (report.fused.isEmpty
          ? "nothing" : report.fused.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", "))
    )
    lines.append("")
    if report.sites.isEmpty { return (lines + ["no candidate ramp sites"]).joined(separator: "\n") }
    var table = Table(["candidate ramp site", "FLOPs before", "latency before"])
    for site in report.sites {
      table.add([
        site.name, String(format: "%.1f %%", site.flopShare * 100),
        site.latencyShare.map { String(format: "%.1f %%", $0 * 100) } ?? "",
      ])
    }
    return (lines + [table.text]).joined(separator: "\n")
  }
}
