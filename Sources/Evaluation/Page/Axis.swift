import Foundation

/// Maps values to pixels, with round numbers to label.
struct Axis {
  let low: Double
  let high: Double
  let pixels: ClosedRange<Double>
  /// Whether values grow towards smaller pixels, as upwards on a screen.
  let isUpward: Bool

  init(_ low: Double, _ high: Double, over pixels: ClosedRange<Double>, isUpward: Bool = false) {
    self.low = low
    self.high = high > low ? high : low + 1
    self.pixels = pixels
    self.isUpward = isUpward
  }

  func place(_ value: Double) -> Double {
    let share = min(max((value - low) / (high - low), 0), 1)
    let length = pixels.upperBound - pixels.lowerBound
    return isUpward ? pixels.upperBound - share * length : pixels.lowerBound + share * length
  }

  /// About `count` multiples of 1, 2 or 5 times a power of ten.
  func ticks(_ count: Int) -> [Double] {
    let raw = (high - low) / Double(max(1, count))
    let power = pow(10, floor(log10(raw)))
    let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= raw * 0.999 } ?? power * 10
    let first = (low / step).rounded(.up)
    return (0...(4 * count)).map { (first + Double($0)) * step }.filter { $0 <= high + step * 1e-6 }
  }

  /// A tick's number with no more digits than the distance of ticks needs.
  static func label(_ value: Double, step: Double) -> String {
    let digits = max(0, min(6, Int((-log10(max(step, 1e-9)) + 0.999).rounded(.down))))
    return String(format: "%.\(digits)f", value)
  }
}
