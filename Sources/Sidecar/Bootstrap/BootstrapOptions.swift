import Foundation

/// How models without ramps get some from their live traffic.
public struct BootstrapOptions: Sendable {
  /// Items to learn from: so many for each class of the model, within bounds.
  public var itemsPerClass = 20
  public var fewestItems = 512
  public var mostItems = 8192
  /// Bytes of inputs that are held while they are collected.
  public var byteLimit = 256 << 20
  /// How many times as many items as are kept must have been served: neighbours in a stream are alike.
  public var spread = 4
  /// The share of time that a preparation may run in while requests come. `apparate-bench serving` shows what that costs.
  public var share = 0.02
  /// Whether a preparation leaves the processors to everybody else.
  public var yields = true
  /// Prepares a model: the program `apparate`. `nil`: nobody does, and nothing is collected.
  public var program: URL?
  /// After which a preparation is given up.
  public var timeLimit = Duration.seconds(24 * 3600)

  /// With the program that this process runs, if that is `apparate`.
  public init() {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")).map {
      URL(fileURLWithPath: $0)
    }
    if let own, own.lastPathComponent == "apparate" { program = own }
  }

  /// How many items to collect for a model.
  func items(classes: Int, itemByteCount: Int) -> Int {
    let wanted = min(mostItems, max(fewestItems, itemsPerClass * classes))
    return max(1, min(wanted, byteLimit / max(1, itemByteCount)))
  }
}
