import Datasets
import EarlyExit
import Foundation
import ModelGraph

/// Items as a serving side would report them: error scores and agreement at every site, from a seeded generator or a file.
struct Stream {
  var sites: Int
  var scores: [[Float]] = []
  var agrees: [[Bool]] = []

  var count: Int { scores.count }

  /// Items of varying difficulty: later sites are surer and more often right, and a score says something about
  /// whether its answer is right, as far as `signal` (0 to 1) goes.
  static func synthetic(items: Int, sites: Int, disagreement: Double = 0.2, signal: Double = 1, seed: UInt64) -> Stream
  {
    var random = SplitMix(seed: seed)
    var stream = Stream(sites: sites)
    for _ in 0..<items {
      let difficulty = random.unit()
      var scores: [Float] = []
      var agrees: [Bool] = []
      for site in 0..<sites {
        let depth = Double(site + 1) / Double(sites + 1)
        let doubt = min(1, max(0, difficulty * signal + random.unit() * (1 - signal) + (random.unit() - 0.5) * 0.1))
        let rate = disagreement * (1 - depth)
        agrees.append(random.unit() >= min(1, 4 * rate * difficulty * difficulty * difficulty))
        scores.append(Float(doubt * (1 - depth / 2)))
      }
      stream.scores.append(scores)
      stream.agrees.append(agrees)
    }
    return stream
  }

  /// One of Tests/Workloads/recorded, with the share of the model's work that is done at each site.
  static func recorded(_ name: String) throws -> (stream: Stream, profile: LatencyProfile) {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Workloads/recorded")
    func array(_ kind: String) throws -> Tensor {
      try NumPyFile.read(at: folder.appending(path: "\(name)-\(kind).npy").path)
    }
    let (scores, agrees) = (try array("scores"), try array("agrees"))
    let sites = scores.shape[1]
    let values = scores.floats
    let flags = agrees.floats
    var stream = Stream(sites: sites)
    for item in 0..<scores.shape[0] {
      let row = item * sites..<(item + 1) * sites
      stream.scores.append(Array(values[row]))
      stream.agrees.append(flags[row].map { $0 != 0 })
    }
    let shares = try array("latency").floats.map { Double($0) }
    let profile = try LatencyProfile([
      LatencyProfile.BatchLatency(
        batchSize: 1, untilSite: shares.dropLast().map { 0.01 * min(1, $0) },
        rampCost: Array(repeating: 2.5e-5, count: sites), total: 0.01)
    ])
    return (stream, profile)
  }

  subscript(range: Range<Int>) -> Stream {
    Stream(sites: sites, scores: Array(scores[range]), agrees: Array(agrees[range]))
  }

  func permuted(by order: [Int]) -> Stream {
    Stream(sites: sites, scores: order.map { scores[$0] }, agrees: order.map { agrees[$0] })
  }

  func window(capacity: Int? = nil) throws -> ObservationWindow {
    var window = try ObservationWindow(sites: sites, capacity: capacity ?? max(1, count))
    for item in 0..<count {
      let (row, flags) = (scores[item], agrees[item])
      try window.record(scores: row.span, agrees: flags.span, exit: .final, batchSize: 1)
    }
    return window
  }
}

/// Sebastiano Vigna's generator: the same numbers on every platform.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Uniform from 0 to 1.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}

extension LatencyProfile {
  /// A model of 10 ms whose sites are evenly spaced and whose ramps cost the same.
  static func even(sites: Int, rampCost: Double = 2e-5) throws -> LatencyProfile {
    try LatencyProfile([
      BatchLatency(
        batchSize: 1, untilSite: (0..<sites).map { 0.01 * Double($0 + 1) / Double(sites + 1) },
        rampCost: Array(repeating: rampCost, count: sites), total: 0.01)
    ])
  }
}

extension Controller {
  /// Serves a stream as an engine would: each item leaves by the policy in force, sites without a ramp are not observed, and
  /// updates take effect at once. Returns the policies in their order; `saved` gets the seconds that each item saved.
  mutating func serve(_ stream: Stream, saved: (Double) -> Void = { _ in }) throws -> [ExitPolicy] {
    let latency = profile.latency(batchSize: 1)
    var policies: [ExitPolicy] = []
    for item in 0..<stream.count {
      var exit = ExitPosition.final
      let row = stream.scores[item]
      for candidate in policy.exits where candidate.releases(row[candidate.ramp.rawValue]) {
        exit = .ramp(candidate.ramp)
        break
      }
      let passed = policy.ramps.filter { ramp in if case .ramp(let left) = exit { ramp <= left } else { true } }
      let overhead = passed.reduce(0) { $0 + latency.rampCost[$1.rawValue] }
      let answer = if case .ramp(let left) = exit { latency.untilSite[left.rawValue] } else { latency.total }
      saved(latency.total - answer - overhead)
      let active = Set(policy.ramps.map(\.rawValue))
      let scores = row.indices.map { active.contains($0) ? row[$0] : .nan }
      let agrees = stream.agrees[item]
      try record(scores: scores.span, agrees: agrees.span, exit: exit, batchSize: 1)
      if isUpdateDue, let policy = update() { policies.append(policy) }
    }
    return policies
  }
}
