import OpenCLRuntime

/// What lowering knows of the device: which family of kernels, and the sizes that tiles follow.
public struct KernelTarget: Sendable, Hashable {
  /// One work-item is one micro-kernel on a core (CPU), or work-groups tile through local memory (GPU).
  public enum Family: String, Sendable { case cpu, gpu }

  public let family: Family
  /// Floats per vector register: 4, 8 or 16.
  public let vectorWidth: Int
  public let computeUnits: Int
  /// Whether kernels may ask for memory ahead of its use, with the compiler's own function for that.
  public let fetchesAhead: Bool

  public init(family: Family, vectorWidth: Int, computeUnits: Int, fetchesAhead: Bool = false) {
    self.family = family
    self.vectorWidth = vectorWidth
    self.computeUnits = computeUnits
    self.fetchesAhead = fetchesAhead
  }

  /// - Parameter family: `nil` chooses by the kind of device.
  public init(_ properties: DeviceProperties, family: Family? = nil) {
    let family = family ?? (properties.kind == .gpu ? .gpu : .cpu)
    self.init(
      family: family, vectorWidth: min(16, max(4, properties.nativeFloatVectorWidth)),
      computeUnits: properties.computeUnits, fetchesAhead: family == .cpu && properties.isPoCLProcessor)
  }

  /// Elements that one work-item of a CPU handles in `FOR_EACH`; the kernels get it as `BLOCK`.
  static let elementBlock = 4096

  /// How a `FOR_EACH` kernel over `count` elements is launched.
  func elementRange(_ count: Int) -> (global: Int, local: Int) {
    switch family {
    case .cpu: (count.dividedRoundingUp(by: Self.elementBlock), 1)
    case .gpu: (min(count.roundedUp(to: 64), 64 * 4096), 64)
    }
  }

  /// Defines for kernels that stream weights: a unit runs neighbouring work-items one after another.
  var weightDefines: [KernelSpec.Define] { fetchesAhead ? [.init(name: "AHEAD", value: "1")] : [] }

  /// Defines that every kernel gets.
  var defines: [KernelSpec.Define] {
    [
      .init(name: family == .cpu ? "TARGET_CPU" : "TARGET_GPU", value: "1"),
      .init(name: "VW", value: "\(vectorWidth)"),
      .init(name: "BLOCK", value: "\(Self.elementBlock)"),
    ]
  }
}
