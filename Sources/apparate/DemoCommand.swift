import ArgumentParser
import Console
import Datasets
import Evaluation
import Foundation
import Preparation
import Serving

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Play a street camera through the server, without and with exits, and show what they do.",
    discussion: """
      Eight zones of a fixed camera, 305 frames; a ResNet-18 counts the pedestrians in each. Every tile is a gRPC Predict \
      call of TensorFlow-Serving's API over loopback, at the camera's rate. Stretches of the stream are played without \
      exits and with them in turns, so that both meet the same machine. Every answer is compared with the model's own.
      """)

  @Option(help: "Where the model and the stream are: the repository's Tests/Workloads.")
  var workloads = "Tests/Workloads"

  @Option(help: "Tiles a second: 30 frames of eight zones by default.")
  var rate = 240.0

  @Option(help: "Play at most so many tiles.")
  var limit: Int?

  @Option(help: "The share of answers that must be the model's own.")
  var accuracy = 0.99

  @Option(name: .customLong("report"), help: "A folder for report.json and report.html.")
  var reportDirectory = "apparate-demo"

  @OptionGroup var deviceOptions: DeviceOptions

  private static let model = "vtest-resnet18.apparate.onnx"
  private static let stream = "vtest-camera.npz"
  private static let recipe = "image=stream | subtract 127.5 | divide 64 | channels-first"

  func run() throws {
    try reporting {
      let folder = URL(fileURLWithPath: workloads)
      let (model, stream) = (
        folder.appendingPathComponent(Self.model).path, folder.appendingPathComponent(Self.stream).path
      )
      for path in [model, stream] where !FileManager.default.fileExists(atPath: path) {
        throw CommandError.noInput("\(path): no such file; run this in the repository's folder, or give --workloads")
      }
      let prepared = try PreparedModel(path: model)
      let items = try Items(
        [DataSelection(path: stream)], inputs: ModelPreparation.inputs(of: prepared.graph),
        recipes: [try InputRecipe(Self.recipe)], limit: limit ?? .max)
      let device = try deviceOptions.select()
      print(
        """
        ResNet-18 on \(device.properties.name), behind TensorFlow-Serving's gRPC API on loopback
        \(items.count) tiles of a street camera at \(rate.formatted()) a second: about \
        \(Int(2 * Double(items.count) / rate)) s, without exits and with them in turns
        """)
      let session = ReplaySession(
        prepared, name: Self.model, device: device, modelOptions: try deviceOptions.modelOptions(),
        options: try options())
      let bar = Progress("playing the camera")
      let record = try session.replay(items) { bar.update($0, of: $1) }
      bar.finish()
      let report = record.report()
      let page = try write(report, to: reportDirectory)
      print(Self.text(of: report, record.saturation))
      print("report: \(page)")
    }
  }

  private func options() throws -> ReplayOptions {
    var options = ReplayOptions()
    guard rate > 0, rate.isFinite else { throw CommandError.usage("--rate must be above 0, got \(rate)") }
    do {
      options.arrivals = ("fixed:\(rate)", try Arrivals("fixed:\(rate)"))
      options.accuracy = try .init(accuracy)
    } catch { throw CommandError.usage("\(error)") }
    options.face = .tfserving
    options.saturationItems = 1000
    options.stream = [Self.stream]
    return options
  }

  private static func text(of report: ReplayReport, _ saturation: [(vanilla: Double, served: Double)]) -> String {
    func percent(_ share: Double) -> String { String(format: "%.2f %%", share * 100) }
    func median(_ values: [Double]) -> String {
      values.isEmpty ? "" : String(format: "%.0f/s", values.sorted()[values.count / 2])
    }
    var runs = Table(["", "median", "p95", "p99", "agreement", "left early", "at saturation"])
    func add(_ name: String, _ latency: LatencySummary, _ agreement: Double, _ early: Double, _ rates: [Double]) {
      func milliseconds(_ value: Double) -> String { String(format: "%.2f ms", value) }
      runs.add([
        name, milliseconds(latency.median), milliseconds(latency.p95), milliseconds(latency.p99), percent(agreement),
        percent(early), median(rates),
      ])
    }
    add("without exits", report.runs[0].latency, 1, 0, saturation.map(\.vanilla))
    add("with exits", report.runs[1].latency, report.agreement.share, report.exitShare, saturation.map(\.served))
    var ramps = Table(["ramp", "site", "latency before", "exits", "of them wrong"])
    for ramp in report.ramps {
      ramps.add([
        "\(ramp.ramp)", ramp.site, percent(ramp.latencyShare), "\(ramp.exits)", "\(ramp.disagreements)",
      ])
    }
    return """

      \(runs.text)

      \(ramps.text)

      median latency as a client sees it: \(percent(abs(report.medianSaving))) \
      \(report.medianSaving >= 0 ? "lower" : "higher"); agreement with the model \(percent(report.agreement.share)), \
      wanted \(percent(report.setup.accuracy))
      """
  }
}
