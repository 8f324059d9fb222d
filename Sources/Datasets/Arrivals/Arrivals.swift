import Foundation

/// When the items of a stream arrive: `fixed:RATE`, `poisson:RATE`, `csv:FILE` or `csv:FILE@RATE`, in items a second.
public enum Arrivals: Sendable, Equatable {
  /// At equal distances, as from a camera.
  case fixed(rate: Double)
  /// Independently of one another: exponential distances.
  case poisson(rate: Double)
  /// As recorded, in seconds from the first; with a rate, stretched so that this many arrive each second on average.
  case trace(times: [Double], rate: Double?)

  public init(_ text: String) throws(DatasetError) {
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2 else {
      throw .invalidArrivals(text: text, reason: "expected fixed:RATE, poisson:RATE, csv:FILE or csv:FILE@RATE")
    }
    func rate(_ word: String) throws(DatasetError) -> Double {
      guard let rate = Double(word), rate.isFinite, rate > 0 else {
        throw .invalidArrivals(text: text, reason: "expected a rate in items a second over 0, got \"\(word)\"")
      }
      return rate
    }
    switch parts[0] {
    case "fixed": self = .fixed(rate: try rate(parts[1]))
    case "poisson": self = .poisson(rate: try rate(parts[1]))
    case "csv":
      guard !FileManager.default.fileExists(atPath: parts[1]), let at = parts[1].lastIndex(of: "@") else {
        self = .trace(times: try TraceFile.times(path: parts[1]), rate: nil)
        return
      }
      let wanted = try rate(String(parts[1][parts[1].index(after: at)...]))
      self = .trace(times: try TraceFile.times(path: String(parts[1][..<at])), rate: wanted)
    default:
      throw .invalidArrivals(text: text, reason: "\"\(parts[0])\" is none of fixed, poisson, csv")
    }
  }

  /// The times of `count` arrivals in seconds from the start, ascending. A trace that is too short starts again.
  ///
  /// - Parameter seed: of the random distances; the same seed gives the same times.
  public func times(count: Int, seed: UInt64) -> [Double] {
    switch self {
    case .fixed(let rate): return (0..<count).map { Double($0) / rate }
    case .poisson(let rate):
      var generator = SeededGenerator(seed: seed)
      var now = 0.0
      return (0..<count).map { index in
        if index > 0 { now -= log(1 - Double.random(in: 0..<1, using: &generator)) / rate }
        return now
      }
    case .trace(let times, let rate):
      let span = times[times.count - 1]
      let gap = span / Double(times.count - 1)
      let scale = rate.map { 1 / (gap * $0) } ?? 1
      return (0..<count).map { index in
        let (round, place) = index.quotientAndRemainder(dividingBy: times.count)
        return (Double(round) * (span + gap) + times[place]) * scale
      }
    }
  }
}
