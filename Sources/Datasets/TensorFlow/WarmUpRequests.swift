import ModelGraph
import Wire

/// The tensors of a TensorFlow Serving warm-up file: a TFRecord file of `PredictionLog`, of which Predict requests count.
///
/// Every request is a batch; its items follow those of the request before. Items of different extents (sentences) are
/// padded with zeros at the end, which `trim` takes away again.
struct WarmUpRequests: Sendable {
  private let path: String
  private let owner: any ByteOwner
  private let requests: [NamedTensors]

  init(path: String) throws(DatasetError) {
    self.path = path
    var requests: [NamedTensors] = []
    do throws(WireError) {
      let file = try MemoryMappedFile(path: path)
      var reader = TFRecordReader(file)
      while let record = try reader.next() {
        let log = try file.withUnsafeBytes { (bytes) throws(WireError) in
          try PredictionLogMessage(reading: bytes, range: record)
        }
        if case .predict(let request) = log { requests.append(request.inputs) }
      }
      owner = file
    } catch {
      throw DatasetError(
        error, path: path, format: "an .npz, an .npy or a TFRecord file of PredictionLog (warm-up requests)")
    }
    guard !requests.isEmpty else {
      throw .malformed(path: path, expected: "at least one Predict request", got: "none")
    }
    self.requests = requests
  }

  /// The inputs of the first request.
  var names: [String] { requests[0].names.sorted() }

  func tensor(named name: String) throws(DatasetError) -> Tensor {
    var batches: [Tensor] = []
    for request in requests {
      guard let message = request[name] else { throw .missingArray(path: path, name: name, known: request.names) }
      let tensor: Tensor?
      do throws(WireError) { tensor = try Tensor(message, in: owner) } catch {
        throw DatasetError(error, path: path, format: "input \(name)")
      }
      guard let tensor else {
        throw .malformed(path: path, expected: "input \(name) of numbers", got: message.type.name)
      }
      batches.append(tensor)
    }
    return try joined(batches, name)
  }

  private func joined(_ batches: [Tensor], _ name: String) throws(DatasetError) -> Tensor {
    let (rank, type) = (batches[0].shape.count, batches[0].type)
    guard rank > 0 else {
      throw .malformed(path: path, expected: "input \(name) with an axis of items", got: "a scalar")
    }
    if let other = batches.first(where: { $0.shape.count != rank || $0.type != type }) {
      throw .inconsistent(
        what: "input \(name) of \(path)", expected: "\(type) of rank \(rank)", got: "\(other.type) \(other.shape)")
    }
    var shape = batches[0].shape
    shape[0] = batches.reduce(0) { $0 + $1.shape[0] }
    for axis in shape.indices.dropFirst() { shape[axis] = batches.map { $0.shape[axis] }.max() ?? 0 }
    let (bytes, overflow) = shape.reduce((type.byteWidth, false)) { product, extent in
      let (next, more) = product.0.multipliedReportingOverflow(by: extent)
      return (next, product.1 || more)
    }
    guard !overflow, bytes / type.byteWidth <= ModelLimits.elements else {
      throw .malformed(path: path, expected: "at most \(ModelLimits.elements) elements of \(name)", got: "\(shape)")
    }
    let item = Array(shape.dropFirst())
    var first = 0
    return Tensor(
      type: type, shape: shape,
      storage: TensorStorage(byteCount: bytes) { target in
        for batch in batches {
          batch.copy(into: target, from: first, item: item)
          first += batch.shape[0]
        }
      })
  }
}

extension Tensor {
  /// Writes the items into larger ones: rows of the last axis go where they belong, the rest stays as it is.
  fileprivate func copy(into target: UnsafeMutableRawBufferPointer, from first: Int, item: Shape) {
    let own = Array(shape.dropFirst())
    let row = (own.last ?? 1) * type.byteWidth
    let rows = own.dropLast().reduce(shape[0], *)
    guard row > 0 else { return }
    storage.withUnsafeBytes { source in
      for index in 0..<rows {
        // The row's position along each axis, then its place in the larger tensor.
        var (rest, place, stride) = (index, 0, item.last ?? 1)
        for axis in own.indices.dropLast().reversed() {
          place += rest % own[axis] * stride
          rest /= own[axis]
          stride *= item[axis]
        }
        place += (first + rest) * item.reduce(1, *)
        UnsafeMutableRawBufferPointer(rebasing: target[(place * type.byteWidth)..<(place * type.byteWidth + row)])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[(index * row)..<((index + 1) * row)]))
      }
    }
  }
}
