import ModelGraph

/// Inputs to measure a model on when none are given: seeded noise, ones for masks, small ids for integers.
struct RandomInputs {
  let shapes: [ValueID: Shape]
  let tensors: [String: Tensor]
  /// The values of the inputs that carry shapes.
  let shapeValues: [ValueID: Tensor]

  /// - Parameter dimensions: extents of symbolic dimensions by name; otherwise the first dimension of an input is 1 and
  ///   others are 128.
  init(_ graph: Graph, dimensions: [String: Int]) throws {
    var shapes: [ValueID: Shape] = [:]
    var tensors: [String: Tensor] = [:]
    var unknown = Set(dimensions.keys)
    for value in graph.inputs {
      let shape = (graph[value].shape ?? []).enumerated().map { axis, dimension -> Int in
        switch dimension {
        case .fixed(let extent): return extent
        case .symbolic(let name):
          unknown.remove(name)
          return dimensions[name] ?? (axis == 0 ? 1 : 128)
        }
      }
      shapes[value] = shape
      tensors[graph[value].name] = Self.tensor(graph[value], shape)
    }
    if let name = unknown.sorted().first {
      throw CommandError.usage("--dim \(name): the model's inputs have no dimension of that name")
    }
    self.shapes = shapes
    self.tensors = tensors
    let carriers = graph.shapeInputs()
    shapeValues = Dictionary(
      uniqueKeysWithValues: graph.inputs.filter(carriers.contains).compactMap { value in
        tensors[graph[value].name].map { (value, $0) }
      })
  }

  private static func tensor(_ value: Value, _ shape: Shape) -> Tensor {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    let type = value.type ?? .float32
    let isMask = value.name.lowercased().contains("mask")
    let isFlag = value.name.lowercased().contains("type")
    func integer() -> Int64 { isMask ? 1 : isFlag ? 0 : Int64(next() % 100) }
    func real() -> Float { Float(next() % 2001) / 1000 - 1 }
    let count = shape.elementCount
    switch type {
    case .float32: return Tensor((0..<count).map { _ in real() }, shape: shape)
    case .float16:
      return Tensor(
        type: type, shape: shape, storage: TensorStorage(copying: (0..<count).map { _ in real().halfBits }))
    case .float64:
      return Tensor(type: type, shape: shape, storage: TensorStorage(copying: (0..<count).map { _ in Double(real()) }))
    case .int64: return Tensor((0..<count).map { _ in integer() }, shape: shape)
    case .int32: return Tensor((0..<count).map { _ in Int32(integer()) }, shape: shape)
    default:
      return Tensor(type: type, shape: shape, storage: TensorStorage(byteCount: count * type.byteWidth) { _ in })
    }
  }
}
