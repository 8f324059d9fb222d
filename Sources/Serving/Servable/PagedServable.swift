/// A servable whose weights can leave the device and come back, for platforms that decide themselves which models a device
/// holds.
///
/// May be called from any thread; calls that find another one under way wait for it, and for the batch that runs.
public protocol PagedServable: Servable {
  /// Bytes that the weights take on the device, for all batches that were prepared.
  var weightByteCount: Int { get }

  /// Makes what batches of these shapes need (plans, programs, packed weights), so that the first takes no longer than
  /// any later one. The weights are on the device afterwards.
  func prepare(_ batch: Batch) throws(ServingError)

  /// Copies the weights from host memory to the device. Nothing to do when they are there.
  func loadWeights() throws(ServingError)

  /// Frees the weights' device memory. A batch that is submitted while they are away ends with
  /// ``ServingError/weightsAbsent``.
  func releaseWeights() throws(ServingError)
}
