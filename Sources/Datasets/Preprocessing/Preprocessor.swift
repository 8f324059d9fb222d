import ModelGraph

/// Carries out the steps of a recipe on a block of items.
struct Preprocessor {
  let input: String
  let steps: [PreprocessingStep]

  /// - Parameter block: items along the first axis.
  /// - Returns: as many items of the given type.
  func apply(to block: Tensor, as type: DataType) throws(DatasetError) -> Tensor {
    var block = block
    for step in steps { block = try apply(step, to: block) }
    return block.converted(to: type)
  }

  private func apply(_ step: PreprocessingStep, to block: Tensor) throws(DatasetError) -> Tensor {
    switch step {
    case .trim: return block
    case .nonzero: return Tensor(block.integers.map { Int64($0 == 0 ? 0 : 1) }, shape: block.shape)
    case .subtract(let numbers):
      return try channelwise(step, block, numbers) { $0 - $1 }
    case .divide(let numbers):
      return try channelwise(step, block, numbers) { $0 / $1 }
    case .reverseChannels:
      let extents = try imageExtents(step, block)
      return Self.moved(block, extents, to: block.shape) { y, x, c in
        (y * extents.width + x) * extents.channels + (extents.channels - 1 - c)
      }
    case .channelsFirst:
      let extents = try imageExtents(step, block)
      return Self.moved(block, extents, to: [block.shape[0], extents.channels, extents.height, extents.width]) {
        y, x, c in (c * extents.height + y) * extents.width + x
      }
    case .resize(let height, let width):
      return try resized(step, block, height: height, width: width)
    }
  }

  private typealias Extents = (height: Int, width: Int, channels: Int)

  private func imageExtents(_ step: PreprocessingStep, _ block: Tensor) throws(DatasetError) -> Extents {
    guard block.shape.count == 4 else {
      throw .unsuitable(
        input: input, step: "\(step)", expected: "images [items, height, width, channels]", got: "\(block.shape)")
    }
    return (block.shape[1], block.shape[2], block.shape[3])
  }

  private func channelwise(
    _ step: PreprocessingStep, _ block: Tensor, _ numbers: [Float], _ combine: (Float, Float) -> Float
  ) throws(DatasetError) -> Tensor {
    var floats = block.floats
    if numbers.count == 1 {
      let number = numbers[0]
      for index in floats.indices { floats[index] = combine(floats[index], number) }
      return Tensor(floats, shape: block.shape)
    }
    guard block.shape.count > 1, block.shape.last == numbers.count else {
      throw .unsuitable(
        input: input, step: "\(step)", expected: "a last axis of \(numbers.count) channels", got: "\(block.shape)")
    }
    for index in floats.indices { floats[index] = combine(floats[index], numbers[index % numbers.count]) }
    return Tensor(floats, shape: block.shape)
  }

  /// The same elements of each image elsewhere.
  private static func moved(
    _ block: Tensor, _ extents: Extents, to shape: Shape, _ place: (Int, Int, Int) -> Int
  ) -> Tensor {
    let size = extents.height * extents.width * extents.channels
    return block.withFloats { source in
      var target = [Float](repeating: 0, count: block.elementCount)
      var index = 0
      for item in 0..<block.shape[0] {
        for y in 0..<extents.height {
          for x in 0..<extents.width {
            for c in 0..<extents.channels {
              target[item * size + place(y, x, c)] = source[index]
              index += 1
            }
          }
        }
      }
      return Tensor(target, shape: shape)
    }
  }

  private func resized(
    _ step: PreprocessingStep, _ block: Tensor, height: Int, width: Int
  ) throws(DatasetError) -> Tensor {
    let (oldHeight, oldWidth, channels) = try imageExtents(step, block)
    guard oldHeight > 0, oldWidth > 0 else {
      throw .unsuitable(input: input, step: "\(step)", expected: "images that are not empty", got: "\(block.shape)")
    }
    let (rows, columns) = (BilinearTap.taps(oldHeight, to: height), BilinearTap.taps(oldWidth, to: width))
    return block.withFloats { source in
      var target: [Float] = []
      target.reserveCapacity(block.shape[0] * height * width * channels)
      for item in 0..<block.shape[0] {
        let image = item * oldHeight * oldWidth * channels
        for row in rows {
          let (top, bottom) = (image + row.low * oldWidth * channels, image + row.high * oldWidth * channels)
          for column in columns {
            for c in 0..<channels {
              let (left, right) = (column.low * channels + c, column.high * channels + c)
              let upper = source[top + left] + (source[top + right] - source[top + left]) * column.part
              let lower = source[bottom + left] + (source[bottom + right] - source[bottom + left]) * column.part
              target.append(upper + (lower - upper) * row.part)
            }
          }
        }
      }
      return Tensor(target, shape: [block.shape[0], height, width, channels])
    }
  }
}

/// The two elements that a resized one lies between, and how far it is from the first.
private struct BilinearTap {
  let low: Int
  let high: Int
  let part: Float

  static func taps(_ old: Int, to new: Int) -> [BilinearTap] {
    (0..<new).map { index in
      let place = (Float(index) + 0.5) * Float(old) / Float(new) - 0.5
      let inside = min(max(place, 0), Float(old - 1))
      let low = Int(inside)
      return BilinearTap(low: low, high: min(low + 1, old - 1), part: inside - Float(low))
    }
  }
}

extension Tensor {
  /// The elements in another type: as `floats` or `integers` give them, out-of-range integers clamped.
  func converted(to target: DataType) -> Tensor {
    if type == target { return self }
    func make<Element: BitwiseCopyable>(_ elements: [Element]) -> Tensor {
      Tensor(type: target, shape: shape, storage: TensorStorage(copying: elements))
    }
    return switch target {
    case .float32: make(floats)
    case .float64: make(floats.map(Double.init))
    case .float16: make(floats.map(\.halfBits))
    case .int8: make(integers.map { Int8(clamping: $0) })
    case .int16: make(integers.map { Int16(clamping: $0) })
    case .int32: make(integers.map { Int32(clamping: $0) })
    case .int64: make(integers)
    case .uint8: make(integers.map { UInt8(clamping: $0) })
    case .uint16: make(integers.map { UInt16(clamping: $0) })
    case .uint32: make(integers.map { UInt32(clamping: $0) })
    case .uint64: make(integers.map { UInt64(clamping: $0) })
    case .bool: make(integers.map { UInt8($0 == 0 ? 0 : 1) })
    }
  }
}
