import ModelGraph

/// Items ready for a model, in memory: every input of every item, preprocessed and in the model's own types.
///
/// Preprocessing is the client's work, so it is done beforehand and never counts as a model's latency.
public struct Items: Sendable {
  /// An input of the model, by name and type.
  public struct Input: Sendable, Equatable {
    public let name: String
    public let type: DataType

    public init(name: String, type: DataType) {
      self.name = name
      self.type = type
    }
  }

  /// The items that came from one file.
  public struct Part: Sendable, Equatable {
    public let name: String
    public let range: Range<Int>
  }

  /// One input of all items.
  private struct Column: Sendable {
    let type: DataType
    let shape: Shape
    /// What the length of a batch is a multiple of; nil where nothing is trimmed.
    let multiple: Int?
    var blocks: [TensorStorage] = []
  }

  /// Items that are preprocessed together: enough to amortise, few enough to stay small.
  private static let blockSize = 64

  public private(set) var count = 0
  public private(set) var parts: [Part] = []
  private var columns: [String: Column] = [:]
  /// For each block, its first item; the last entry is ``count``.
  private var starts: [Int] = [0]
  /// The length of each item along the first of its axes, where an input is trimmed.
  private var lengths: [Int] = []

  /// Reads and preprocesses the items of files, one after another.
  ///
  /// - Parameters:
  ///   - recipes: how to make inputs; an input that has none is the array of its own name, or the only array.
  ///   - limit: at most so many items are read, from the start.
  public init(
    _ selections: [DataSelection], inputs: [Input], recipes: [InputRecipe], limit: Int = .max
  ) throws(DatasetError) {
    for recipe in recipes where !inputs.contains(where: { $0.name == recipe.input }) {
      throw .invalidRecipe(
        text: "\(recipe.input)=\(recipe.array)",
        reason: "the model has no such input; it has \(inputs.map(\.name).joined(separator: ", "))")
    }
    for selection in selections where count < limit {
      try append(selection, inputs: inputs, recipes: recipes, limit: limit - count)
    }
    guard count > 0 else {
      throw .inconsistent(
        what: selections.map(\.path).joined(separator: ", "), expected: "at least one item", got: "none")
    }
  }

  private mutating func append(
    _ selection: DataSelection, inputs: [Input], recipes: [InputRecipe], limit: Int
  ) throws(DatasetError) {
    let file = try DataFile(path: selection.path)
    var arrays: [(input: Input, recipe: InputRecipe, tensor: Tensor)] = []
    var read: [String: Tensor] = [:]
    for input in inputs {
      let recipe = recipes.last { $0.input == input.name } ?? Self.defaultRecipe(input.name, inputs, file)
      let tensor: Tensor
      if let known = read[recipe.array] { tensor = known } else { tensor = try file.tensor(named: recipe.array) }
      read[recipe.array] = tensor
      guard let extent = tensor.shape.first, extent == arrays.first?.tensor.shape[0] ?? extent else {
        throw .inconsistent(
          what: "array \(recipe.array) of \(selection.path)",
          expected: arrays.isEmpty ? "an axis of items" : "\(arrays[0].tensor.shape[0]) items", got: "\(tensor.shape)")
      }
      arrays.append((input, recipe, tensor))
    }
    let total = arrays.first?.tensor.shape[0] ?? 0
    let positions = try selection.positions(in: file, count: total).prefix(limit)
    let first = count
    for start in stride(from: 0, to: positions.count, by: Self.blockSize) {
      let block = Array(positions[start..<min(start + Self.blockSize, positions.count)])
      for (input, recipe, tensor) in arrays { try append(block, of: tensor, input, recipe) }
      count += block.count
      starts.append(count)
      // Items without a trimmed input have no length.
      lengths += [Int](repeating: 0, count: count - lengths.count)
    }
    parts.append(Part(name: selection.name, range: first..<count))
  }

  private static func defaultRecipe(_ input: String, _ inputs: [Input], _ file: DataFile) -> InputRecipe {
    let names = file.names
    let isOnly = inputs.count == 1 && names.count == 1
    return InputRecipe(input: input, array: !names.contains(input) && isOnly ? names[0] : input)
  }

  private mutating func append(
    _ positions: [Int], of tensor: Tensor, _ input: Input, _ recipe: InputRecipe
  ) throws(DatasetError) {
    let block = try Preprocessor(input: input.name, steps: recipe.steps)
      .apply(to: tensor.items(positions), as: input.type)
    let shape = Array(block.shape.dropFirst())
    let multiple = recipe.steps.compactMap { if case .trim(let multiple) = $0 { multiple } else { nil } }.last
    guard multiple == nil || !shape.isEmpty else {
      throw .unsuitable(input: input.name, step: "trim", expected: "items with an axis", got: "\(tensor.shape)")
    }
    let column = columns[input.name] ?? Column(type: input.type, shape: shape, multiple: multiple)
    guard column.shape == shape else {
      throw .inconsistent(what: "items for input \(input.name)", expected: "shape \(column.shape)", got: "\(shape)")
    }
    if multiple != nil {
      for (index, length) in block.lengthsWithoutPadding().enumerated() {
        if count + index == lengths.count { lengths.append(0) }
        lengths[count + index] = max(lengths[count + index], length)
      }
    }
    columns[input.name] = column
    columns[input.name]?.blocks.append(block.storage)
  }

  /// The inputs of a batch: one tensor for each input, with the items in the given order.
  public func batch(_ positions: some Collection<Int>) -> [String: Tensor] {
    let longest = positions.map { lengths[$0] }.max() ?? 0
    return columns.mapValues { column in
      var shape = column.shape
      if let multiple = column.multiple { shape[0] = Self.rounded(longest, to: multiple, within: shape[0]) }
      let width = column.type.byteWidth
      let (stored, wanted) = (column.shape.elementCount * width, shape.elementCount * width)
      let storage = TensorStorage(byteCount: positions.count * wanted) { target in
        for (row, position) in positions.enumerated() where wanted > 0 {
          let block = self.block(of: position)
          column.blocks[block].withUnsafeBytes { source in
            let offset = (position - starts[block]) * stored
            UnsafeMutableRawBufferPointer(rebasing: target[(row * wanted)..<((row + 1) * wanted)])
              .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[offset..<(offset + wanted)]))
          }
        }
      }
      return Tensor(type: column.type, shape: [positions.count] + shape, storage: storage)
    }
  }

  /// Positions that make up a batch of every shape that batches of these sizes can have.
  public func distinctShapes(batchSizes: some Collection<Int>) -> [[Int]] {
    var representatives: [Int: Int] = [:]
    for position in 0..<count {
      let length = columns.values.compactMap { column in
        column.multiple.map { Self.rounded(lengths[position], to: $0, within: column.shape[0]) }
      }.max()
      if representatives[length ?? 0] == nil { representatives[length ?? 0] = position }
    }
    return representatives.sorted { $0.key < $1.key }.flatMap { entry in
      batchSizes.map { [Int](repeating: entry.value, count: $0) }
    }
  }

  private static func rounded(_ length: Int, to multiple: Int, within limit: Int) -> Int {
    min(limit, (max(1, length) + multiple - 1) / multiple * multiple)
  }

  /// The block that holds an item. Blocks are at most ``blockSize`` long; only the last of a part is shorter.
  private func block(of position: Int) -> Int {
    var (low, high) = (0, starts.count - 2)
    while low < high {
      let middle = (low + high + 1) / 2
      if starts[middle] <= position { low = middle } else { high = middle - 1 }
    }
    return low
  }
}

extension Tensor {
  /// Some items along the first axis.
  fileprivate func items(_ positions: [Int]) -> Tensor {
    let itemShape = Array(shape.dropFirst())
    let size = itemShape.elementCount * type.byteWidth
    let storage = TensorStorage(byteCount: positions.count * size) { target in
      self.storage.withUnsafeBytes { source in
        for (row, position) in positions.enumerated() where size > 0 {
          UnsafeMutableRawBufferPointer(rebasing: target[(row * size)..<((row + 1) * size)])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[(position * size)..<((position + 1) * size)]))
        }
      }
    }
    return Tensor(type: type, shape: [positions.count] + itemShape, storage: storage)
  }

  /// For each item, how long its first axis is up to the last place that holds anything but zero.
  fileprivate func lengthsWithoutPadding() -> [Int] {
    let (items, length) = (shape[0], shape[1])
    let size = shape.dropFirst(2).reduce(type.byteWidth, *)
    return storage.withUnsafeBytes { bytes in
      (0..<items).map { item in
        var last = length
        while last > 0 {
          let place = (item * length + last - 1) * size
          if bytes[place..<(place + size)].contains(where: { $0 != 0 }) { break }
          last -= 1
        }
        return last
      }
    }
  }
}
