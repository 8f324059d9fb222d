import Foundation

/// What a person wants to know of many latencies, in milliseconds.
public struct LatencySummary: Codable, Sendable, Equatable {
  public let mean: Double
  public let median: Double
  public let p90: Double
  public let p95: Double
  public let p99: Double
  public let largest: Double

  /// - Parameter milliseconds: at least one, in any order.
  public init(_ milliseconds: [Double]) {
    let sorted = milliseconds.sorted()
    mean = sorted.reduce(0, +) / Double(max(1, sorted.count))
    median = Self.quantile(0.5, of: sorted)
    p90 = Self.quantile(0.9, of: sorted)
    p95 = Self.quantile(0.95, of: sorted)
    p99 = Self.quantile(0.99, of: sorted)
    largest = sorted.last ?? 0
  }

  /// Linear between neighbours.
  ///
  /// - Parameter sorted: ascending.
  public static func quantile(_ share: Double, of sorted: [Double]) -> Double {
    guard let last = sorted.last else { return 0 }
    let place = share * Double(sorted.count - 1)
    let low = Int(place)
    guard low + 1 < sorted.count else { return last }
    return sorted[low] + (sorted[low + 1] - sorted[low]) * (place - Double(low))
  }

  /// Points (milliseconds, share of items answered by then) that draw the distribution, at most about `limit`.
  static func curve(_ milliseconds: [Double], limit: Int = 240) -> [CurvePoint] {
    let sorted = milliseconds.sorted()
    guard sorted.count > 1 else { return sorted.map { CurvePoint(x: $0, y: 1) } }
    let step = max(1, sorted.count / limit)
    var indices = Array(stride(from: 0, to: sorted.count, by: step))
    if indices.last != sorted.count - 1 { indices.append(sorted.count - 1) }
    return indices.map { CurvePoint(x: sorted[$0], y: Double($0 + 1) / Double(sorted.count)) }
  }
}

public struct CurvePoint: Codable, Sendable, Equatable {
  public let x: Double
  public let y: Double
}
