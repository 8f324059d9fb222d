/// What the frozen model computes at one site for each item of the bootstrap set.
public struct FeatureMatrix: Sendable, Equatable {
  public let items: Int
  public let shape: FeatureShape
  /// Row-major [items, shape.count]; every value is finite.
  public let values: [Float]

  /// - Throws: ``EarlyExitError`` when there are no items, the length does not fit or a value is not finite.
  /// - Complexity: O(values)
  public init(_ values: [Float], items: Int, shape: FeatureShape) throws(EarlyExitError) {
    guard items > 0 else { throw .noItems }
    guard let count = LayerShape.elementCount([items] + shape.sizes) else {
      throw .wrongShape(what: "features", expected: "positive sizes", got: "\(items) × \(shape)")
    }
    try LayerShape.require(values.count, count, "features of \(items) items as \(shape)")
    if let index = Self.firstNonFinite(in: values) {
      throw .nonFiniteFeature(item: index / shape.count, feature: index % shape.count, value: values[index])
    }
    self.init(checked: values, items: items, shape: shape)
  }

  /// Pooled vectors: row-major [items, features].
  public init(_ values: [Float], items: Int, features: Int) throws(EarlyExitError) {
    try self.init(values, items: items, shape: .vector(features))
  }

  private init(checked values: [Float], items: Int, shape: FeatureShape) {
    self.items = items
    self.shape = shape
    self.values = values
  }

  /// The rows of `indices`, in their order.
  func rows(_ indices: [Int]) -> FeatureMatrix {
    let width = shape.count
    var gathered: [Float] = []
    gathered.reserveCapacity(indices.count * width)
    for index in indices { gathered += values[index * width..<(index + 1) * width] }
    return FeatureMatrix(checked: gathered, items: indices.count, shape: shape)
  }

  func requireVectors(of count: Int, for style: RampStyle) throws(EarlyExitError) {
    guard shape == .vector(count) else {
      throw .wrongShape(
        what: "the features of a \(style.rawValue) ramp", expected: "\(FeatureShape.vector(count))", got: "\(shape)")
    }
  }

  private static func firstNonFinite(in values: [Float]) -> Int? {
    values.withUnsafeBufferPointer { values in
      for index in 0..<values.count where !values[index].isFinite { return index }
      return nil
    }
  }
}
