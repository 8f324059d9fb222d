/// What was measured of a model when it was loaded.
struct MeasuredProfile: Sendable {
  /// Powers of two, ascending from 1.
  let batchSizes: [Int]
  /// Of a whole batch of each size: the median of the runs, the largest of the GPUs' medians.
  let execTimes: [Nanoseconds]
  let weightsLoadTime: Nanoseconds
  /// On the device, for batches of all sizes.
  let weightByteCount: Int
}

extension Array<Nanoseconds> {
  /// The middle one of an odd number, the larger of the two middle ones of an even number; `nil` of none.
  var median: Nanoseconds? { isEmpty ? nil : sorted()[count / 2] }
}
