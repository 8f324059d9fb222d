import ModelGraph

/// How each element along one axis of a `Resize`d tensor follows from elements along that axis of the input:
/// out[j] = Σ weights[j][t] · in[indices[j][t]]. Source: the operator's reference implementation in ONNX.
struct ResizeTable: Sendable {
  let taps: Int
  /// `taps` for each output element, inside the input; -1 in all of them where the extrapolation value belongs.
  private(set) var indices: [Int32] = []
  private(set) var weights: [Float] = []

  /// For nearest, when index j is `first` + j · `step`: the result is a slice.
  var slice: (first: Int, step: Int)? {
    guard taps == 1, let first = indices.first, first >= 0 else { return nil }
    let step = indices.count > 1 ? Int(indices[1] - first) : 1
    guard step > 0, indices.enumerated().allSatisfy({ Int($1) == Int(first) + $0 * step }) else { return nil }
    return (Int(first), step)
  }

  /// For nearest, when every input element appears this often in a row: the result is a repetition.
  func repetition(of extent: Int) -> Int? {
    guard taps == 1, extent > 0, indices.count % extent == 0 else { return nil }
    let count = indices.count / extent
    return indices.enumerated().allSatisfy({ Int($1) == $0 / count }) ? count : nil
  }

  init(_ geometry: ResizeGeometry, axis: Int) {
    let (extent, scale) = (geometry.inputShape[axis], geometry.scales[axis])
    let filter = Filter(geometry, scale: scale)
    taps = filter.count
    for element in 0..<geometry.outputShape[axis] {
      let x = Self.coordinate(of: element, axis: axis, in: geometry)
      if geometry.coordinates == .tfCropAndResize, x < 0 || x > Float(extent - 1) {
        indices += [Int32](repeating: -1, count: taps)
        weights += [Float](repeating: 0, count: taps)
        continue
      }
      append(filter.taps(at: x, rounding: geometry.rounding), extent: extent, excludesOutside: geometry.excludesOutside)
    }
  }

  private mutating func append(_ found: [(index: Int, weight: Float)], extent: Int, excludesOutside: Bool) {
    let kept = found.map { excludesOutside && !(0..<extent).contains($0.index) ? 0 : $0.weight }
    let total = kept.reduce(0, +)
    for (tap, weight) in zip(found, kept) {
      indices.append(Int32(max(0, min(extent - 1, tap.index))))
      weights.append(total == 0 ? weight : weight / total)
    }
  }

  /// Where in the input an element of the result lies.
  private static func coordinate(of element: Int, axis: Int, in geometry: ResizeGeometry) -> Float {
    let x = Float(element)
    let scale = geometry.scales[axis]
    let (before, after) = (Float(geometry.inputShape[axis]), Float(geometry.outputShape[axis]))
    // Before rounding down to whole elements; ONNX aligns corners of this, not of the result.
    let resized = abs(scale * before - after) < 1e-3 ? after : scale * before
    switch geometry.coordinates {
    case .halfPixel: return (x + 0.5) / scale - 0.5
    case .pytorchHalfPixel: return resized > 1 ? (x + 0.5) / scale - 0.5 : 0
    case .tfHalfPixelForNearest: return (x + 0.5) / scale
    case .asymmetric: return x / scale
    case .alignCorners: return resized <= 1 ? 0 : x * (before - 1) / (resized - 1)
    case .halfPixelSymmetric:
      // The exact extent is scaled; what rounding it took away is shared between both ends.
      let adjustment = after / resized
      return before / 2 * (1 - adjustment) + (x + 0.5) / scale - 0.5
    case .tfCropAndResize:
      let (begin, end) = (geometry.regionBegin[axis], geometry.regionEnd[axis])
      return after > 1
        ? begin * (before - 1) + x * (end - begin) * (before - 1) / (after - 1) : (begin + end) * (before - 1) / 2
    }
  }
}

/// The weights around a coordinate.
private struct Filter {
  let mode: ResizeGeometry.Mode
  let cubicCoefficient: Float
  /// Below 1 the filter widens so that every input element counts (antialias).
  let scale: Float
  /// Of the first tap, from the element at or before the coordinate.
  let first: Int
  let count: Int

  /// A filter this much wider than the result's elements lie apart is no image any more.
  private static let widest: Float = 4096

  init(_ geometry: ResizeGeometry, scale: Float) {
    mode = geometry.mode
    cubicCoefficient = geometry.cubicCoefficient
    self.scale = geometry.antialias ? max(1 / Self.widest, min(1, scale)) : 1
    let reach: Float = mode == .cubic ? 2 : 1
    first = mode == .nearest ? 0 : Int((-reach / self.scale).rounded(.down)) + 1
    count = mode == .nearest ? 1 : 2 - 2 * first
  }

  func taps(at x: Float, rounding: ResizeGeometry.Rounding) -> [(index: Int, weight: Float)] {
    if mode == .nearest { return [(Int(Self.rounded(x, rounding)), 1)] }
    let base = x.rounded(.down)
    return (0..<count).map { tap in
      let distance = (Float(first + tap) - (x - base)) * scale
      return (Int(base) + first + tap, weight(at: abs(distance)))
    }
  }

  private static func rounded(_ x: Float, _ rounding: ResizeGeometry.Rounding) -> Float {
    switch rounding {
    case .roundPreferFloor: (x - 0.5).rounded(.up)
    case .roundPreferCeil: (x + 0.5).rounded(.down)
    case .floor: x.rounded(.down)
    case .ceil: x.rounded(.up)
    }
  }

  private func weight(at distance: Float) -> Float {
    let (d, a) = (distance, cubicCoefficient)
    if mode == .linear { return max(0, 1 - d) }
    if d <= 1 { return ((a + 2) * d - (a + 3)) * d * d + 1 }
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0
  }
}
