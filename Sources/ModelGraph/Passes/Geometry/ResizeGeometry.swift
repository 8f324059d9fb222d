/// A `Resize` or `Upsample` with every axis listed. One entry per axis of the input.
public struct ResizeGeometry: Sendable, Hashable {
  public enum Mode: String, Sendable, CaseIterable { case nearest, linear, cubic }

  public enum Coordinates: String, Sendable, CaseIterable {
    case halfPixel = "half_pixel"
    case halfPixelSymmetric = "half_pixel_symmetric"
    case pytorchHalfPixel = "pytorch_half_pixel"
    case alignCorners = "align_corners"
    case asymmetric
    case tfHalfPixelForNearest = "tf_half_pixel_for_nn"
    case tfCropAndResize = "tf_crop_and_resize"
  }

  public enum Rounding: String, Sendable, CaseIterable {
    case roundPreferFloor = "round_prefer_floor"
    case roundPreferCeil = "round_prefer_ceil"
    case floor
    case ceil
  }

  enum AspectRatio: String, CaseIterable {
    case stretch
    case notLarger = "not_larger"
    case notSmaller = "not_smaller"
  }

  public let mode: Mode
  public let coordinates: Coordinates
  /// For ``Mode/nearest``.
  public let rounding: Rounding
  public let cubicCoefficient: Float
  public let excludesOutside: Bool
  public let antialias: Bool
  public let extrapolationValue: Float
  public let inputShape: Shape
  public let outputShape: Shape
  /// Output extent per input extent, before rounding where scales were given. Axes that stay have 1.
  public let scales: [Float]
  /// Normalised begin and end of the region of interest, for ``Coordinates/tfCropAndResize``; else 0 and 1.
  public let regionBegin: [Float]
  public let regionEnd: [Float]

  /// - Throws: ``GraphError`` when shapes are unknown or scales, sizes, roi, axes wrong or not constant.
  public init(of node: Node, in graph: Graph) throws(GraphError) { try self.init(NodeContext(node, graph)) }

  init(_ context: NodeContext) throws(GraphError) {
    let input = try context.operand(0, of: .numeric)
    inputShape = input.shape
    mode = try Self.mode(context)
    let legacy = context.node.op == "Upsample" || context.opset < 11
    coordinates = legacy ? .asymmetric : try context.choice("coordinate_transformation_mode", default: .halfPixel)
    rounding = legacy ? .floor : try context.choice("nearest_mode", default: .roundPreferFloor)
    cubicCoefficient = try context.float("cubic_coeff_a", default: -0.75)
    excludesOutside = try context.flag("exclude_outside", default: false)
    antialias = try context.flag("antialias", default: false)
    extrapolationValue = try context.float("extrapolation_value", default: 0)
    let axes = try context.ints("axes").map { axes throws(GraphError) in try context.axes(axes, rank: input.rank) }
    let listed = axes ?? Array(inputShape.indices)
    (regionBegin, regionEnd) = try Self.region(context, axes: listed, coordinates: coordinates, rank: input.rank)
    (outputShape, scales) = try Self.extents(
      context, input: inputShape, axes: listed,
      cropped: coordinates == .tfCropAndResize ? zip(regionBegin, regionEnd).map { $1 - $0 } : nil)
    guard inputShape.elementCount > 0 || outputShape.contains(0) else {
      throw context.invalid(expected: "an input that is not empty", got: "\(inputShape)")
    }
  }

  private static func mode(_ context: NodeContext) throws(GraphError) -> Mode {
    let text = try context.string("mode", default: "nearest")
    // Opset 7 and 8 write "bilinear" in some files.
    guard let mode = Mode(rawValue: text == "bilinear" ? "linear" : text) else {
      throw context.invalid(expected: "mode nearest, linear or cubic", got: "\"\(text)\"")
    }
    return mode
  }

  private static func region(
    _ context: NodeContext, axes: [Int], coordinates: Coordinates, rank: Int
  ) throws(GraphError) -> (begin: [Float], end: [Float]) {
    var begin = [Float](repeating: 0, count: rank)
    var end = [Float](repeating: 1, count: rank)
    guard coordinates == .tfCropAndResize else { return (begin, end) }
    let region = try context.numbers(1)
    guard region.count == 2 * axes.count, region.allSatisfy(\.isFinite) else {
      throw context.invalid(expected: "roi of \(2 * axes.count) numbers", got: "\(region.count)")
    }
    for (position, axis) in axes.enumerated() {
      begin[axis] = region[position]
      end[axis] = region[position + axes.count]
    }
    return (begin, end)
  }

  private static func extents(
    _ context: NodeContext, input: Shape, axes: [Int], cropped: [Float]?
  ) throws(GraphError) -> (Shape, [Float]) {
    var shape = input
    var scales = input.map { _ in Float(1) }
    let (givenScales, givenSizes) = try sizing(context)
    let count = givenScales?.count ?? givenSizes?.count ?? 0
    guard count == axes.count else {
      throw context.invalid(expected: "scales or sizes for \(axes.count) axes", got: "\(count)")
    }
    if let given = givenScales {
      for (position, axis) in axes.enumerated() {
        guard given[position] > 0, given[position].isFinite else {
          throw context.invalid(expected: "scales above 0", got: "\(given[position])")
        }
        let extent = (Float(input[axis]) * (cropped?[axis] ?? 1) * given[position]).rounded(.down)
        guard extent >= 0, extent <= Float(ModelLimits.elements / 2) else {
          throw context.invalid(expected: "extents of at most \(ModelLimits.elements / 2)", got: "\(extent)")
        }
        shape[axis] = Int(extent)
        scales[axis] = given[position]
      }
    } else if let given = givenSizes {
      let sizes = try fitted(context, sizes: given, input: axes.map { input[$0] })
      for (position, axis) in axes.enumerated() {
        shape[axis] = sizes.extents[position]
        scales[axis] = sizes.scales[position]
      }
    }
    return (shape, scales)
  }

  /// The operand or attribute that says how large the result is.
  private static func sizing(_ context: NodeContext) throws(GraphError) -> ([Float]?, [Int]?) {
    if context.node.op == "Upsample" {
      if context.opset >= 9 { return (try context.numbers(1), nil) }
      guard let scales = try context.floats("scales") else {
        throw context.invalid(expected: "attribute scales", got: "none")
      }
      return (scales, nil)
    }
    if context.opset < 11 { return (try context.numbers(1), nil) }
    let scales: [Float]? = try context.has(2) ? context.numbers(2) : nil
    if let scales, !scales.isEmpty {
      let sizes = try context.has(3) ? context.integers(3) : []
      guard sizes.isEmpty else {
        throw context.invalid(expected: "either scales or sizes", got: "both")
      }
      return (scales, nil)
    }
    guard context.has(3) else { throw context.invalid(expected: "scales or sizes", got: "neither") }
    return (nil, try context.integers(3))
  }

  private static func fitted(
    _ context: NodeContext, sizes: [Int], input: Shape
  ) throws(GraphError) -> (extents: Shape, scales: [Float]) {
    guard sizes.allSatisfy({ (0...ModelLimits.elements).contains($0) }) else {
      throw context.invalid(expected: "sizes in 0...\(ModelLimits.elements)", got: "\(sizes)")
    }
    let scales = zip(sizes, input).map { $1 == 0 ? 1 : Float($0) / Float($1) }
    let policy = try context.choice("keep_aspect_ratio_policy", default: AspectRatio.stretch)
    guard policy != .stretch, let least = scales.min(), let most = scales.max() else { return (sizes, scales) }
    let scale = policy == .notLarger ? least : most
    let extents = input.map { (Double(scale) * Double($0) + 0.5).rounded(.down) }
    guard extents.allSatisfy({ $0 <= Double(ModelLimits.elements) }) else {
      throw context.invalid(expected: "sizes in 0...\(ModelLimits.elements)", got: "\(extents)")
    }
    return (extents.map { Int($0) }, scales.map { _ in scale })
  }
}

extension NodeContext {
  /// The elements of a constant list of floating-point numbers, one or two per axis.
  func numbers(_ position: Int) throws(GraphError) -> [Float] {
    let tensor = try constant(position)
    guard tensor.type.isFloatingPoint, tensor.shape.count == 1, tensor.elementCount <= 2 * ModelLimits.rank else {
      throw invalid(expected: "input \(position): a short list of numbers", got: "\(tensor.type) \(tensor.shape)")
    }
    return tensor.floats
  }
}
