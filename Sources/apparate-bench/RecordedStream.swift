import Datasets
import EarlyExit
import Foundation
import ModelGraph

/// What real ramps said on a stream: one of Tests/Workloads/recorded, written by scripts/record_windows.py.
struct RecordedStream {
  let name: String
  let sites: Int
  let count: Int
  /// 10 ms for the whole model, in proportion to its multiplications; 25 µs for each ramp.
  let profile: LatencyProfile
  private let scores: [Float]
  private let agrees: [Bool]

  init(_ name: String, workloads: String) throws {
    func array(_ kind: String) throws -> Tensor {
      let path = "\(workloads)/recorded/\(name)-\(kind).npy"
      guard FileManager.default.fileExists(atPath: path) else {
        throw BenchError.missingFile(path: path, hint: "give the repository's Tests/Workloads with --workloads")
      }
      return try NumPyFile.read(at: path)
    }
    let recorded = try array("scores")
    self.name = name
    count = recorded.shape[0]
    sites = recorded.shape[1]
    scores = recorded.floats
    agrees = try array("agrees").floats.map { $0 != 0 }
    profile = try LatencyProfile([
      LatencyProfile.BatchLatency(
        batchSize: 1, untilSite: array("latency").floats.dropLast().map { 0.01 * Double(min(1, $0)) },
        rampCost: Array(repeating: 2.5e-5, count: sites), total: 0.01)
    ])
  }

  func item(_ index: Int) -> (scores: [Float], agrees: [Bool]) {
    let row = index * sites..<(index + 1) * sites
    return (Array(scores[row]), Array(agrees[row]))
  }

  func window(_ range: Range<Int>) throws -> ObservationWindow {
    var window = try ObservationWindow(sites: sites, capacity: range.count)
    for index in range {
      let (scores, agrees) = item(index)
      try window.record(scores: scores.span, agrees: agrees.span, exit: .final, batchSize: 1)
    }
    return window
  }
}
