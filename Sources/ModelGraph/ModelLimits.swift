/// Bounds that every model must keep, so that a hostile file costs an error and not the machine.
public enum ModelLimits {
  /// Elements of one tensor, constant or computed: 2³¹ − 1, what 32-bit indices in kernels can address.
  public static let elements = Int(Int32.max)
  public static let rank = 8
  public static let nodes = 1_000_000
  /// Bytes that constant folding may create beyond the file's own constants.
  public static let foldedBytes = 1 << 30
}
