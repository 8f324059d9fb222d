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
