/// Bounds on the structure of a message (not on its tensors' payloads, which stay where they are), so that a hostile
/// file costs an error and not the machine.
public enum WireLimits {
  /// Messages: nodes, attributes, tensors, shapes and their extents.
  public static let messages = 1_000_000
  /// Fields, and elements of repeated numbers, of all messages together.
  public static let fields = 4_000_000
  /// Bytes of the message without its payloads: names, attributes, shapes.
  public static let skeletonBytes = 256 << 20
}

extension WireLimits {
  /// Inputs or outputs of one request or answer, and entries of every other map in a request.
  public static let mapEntries = 65_536
  /// Extents of a tensor; TensorFlow's own limit.
  public static let tensorRank = 254
  /// Items of one classification or regression.
  public static let examples = 262_144
  /// A few bytes can stand for a large tensor, whose one value repeats. Memory for such a tensor is at most this, or
  /// ``tensorExpansion`` times the bytes that its elements take in the message, whichever is more.
  public static let repeatedTensorBytes = 64 << 20
  /// The most that elements grow when they are unpacked: a one-byte varint becomes an `Int64`.
  public static let tensorExpansion = 8
}
