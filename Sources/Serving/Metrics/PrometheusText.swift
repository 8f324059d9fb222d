/// Writes Prometheus' text exposition format, version 0.0.4.
struct PrometheusText {
  private(set) var text = ""

  mutating func header(_ description: MetricDescription) {
    text += "# HELP \(description.name) \(Self.escaped(description.help, quotes: false))\n"
    text += "# TYPE \(description.name) \(description.kind.rawValue)\n"
  }

  mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Double) {
    text += "\(name)\(Self.labels(labels)) \(Self.number(value))\n"
  }

  /// Buckets are cumulative there, and not in `snapshot`.
  mutating func histogram(
    _ name: String, _ labels: [(String, String)], _ snapshot: Histogram.Snapshot, limits: [Double]
  ) {
    var cumulative: UInt64 = 0
    for (index, count) in snapshot.counts.enumerated() {
      cumulative += count
      let limit = index < limits.count ? Self.number(Self.rounded(limits[index])) : "+Inf"
      sample("\(name)_bucket", labels + [("le", limit)], Double(cumulative))
    }
    sample("\(name)_sum", labels, snapshot.sum)
    sample("\(name)_count", labels, Double(cumulative))
  }

  private static func labels(_ labels: [(String, String)]) -> String {
    guard !labels.isEmpty else { return "" }
    return "{" + labels.map { "\($0)=\"\(escaped($1, quotes: true))\"" }.joined(separator: ",") + "}"
  }

  private static func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quotes: result += "\\\""
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }

  /// Whole numbers without a fraction, as counters are expected.
  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if value == value.rounded(), abs(value) < 9e15 { return "\(Int64(value))" }
    return "\(value)"
  }

  /// To six digits, as TensorFlow Serving writes its limits, so that the same bucket has the same label.
  private static func rounded(_ limit: Double) -> Double {
    guard limit > 0 else { return limit }
    var scale = 1.0
    while limit * scale < 100_000 { scale *= 10 }
    while limit * scale >= 1_000_000 { scale /= 10 }
    return (limit * scale).rounded() / scale
  }
}
