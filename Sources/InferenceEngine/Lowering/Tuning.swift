/// The choices that lowering has per layer: which algorithm (never per batch, so that an item's bits do not depend on
/// the batch) and which tile (may differ per batch).
struct Tuning: Sendable {
  /// Winograd for 3×3 stride-1 convolutions; off for comparisons.
  var winograd = true
  /// What a step may read and write before a large batch is split, see ``BatchSplit``.
  var cacheByteCount = LoadedModel.Options().cacheByteCount
}
