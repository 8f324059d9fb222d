import EarlyExit

/// What keeps exits safe when the controller lags or has died: thresholds shrink with its delay, down to no exits.
/// Design §5.4.
struct Caution: Sendable {
  /// Shares of the ring that are full: where thresholds begin to shrink, and where they are 0.
  var ring = (begins: 0.5, ends: 0.75)
  /// Seconds since the controller last moved, likewise.
  var silence = (begins: 1.0, ends: 3.0)

  /// What thresholds are multiplied with, 0 to 1.
  func factor(ringFill: Double, secondsSilent: Double) -> Float {
    func part(_ value: Double, _ range: (begins: Double, ends: Double)) -> Double {
      min(1, max(0, (range.ends - value) / (range.ends - range.begins)))
    }
    return Float(min(part(ringFill, ring), part(secondsSilent, silence)))
  }
}
