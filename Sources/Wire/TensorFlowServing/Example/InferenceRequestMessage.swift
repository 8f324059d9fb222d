/// `ClassificationRequest` and `RegressionRequest`, which look the same on the wire.
public struct InferenceRequestMessage: Sendable {
  public private(set) var modelSpec: ModelSpec?
  public private(set) var input = InputMessage()

  public init(reading bytes: UnsafeRawBufferPointer, range: Range<Int>? = nil) throws(WireError) {
    var reader = ProtobufReader(bytes, range: range ?? 0..<bytes.count)
    while !reader.isAtEnd {
      switch try reader.readTag() {
      case (1, .lengthDelimited):
        var spec = modelSpec ?? ModelSpec()
        try spec.merge(bytes, range: try reader.readDelimited())
        modelSpec = spec
      case (2, .lengthDelimited): try input.merge(bytes, range: try reader.readDelimited())
      case (_, let type): _ = try reader.skip(type)
      }
    }
  }
}

/// `MultiInferenceRequest`.
public struct MultiInferenceRequestMessage: Sendable {
  public struct Task: Hashable, Sendable {
    public var modelSpec: ModelSpec?
    public var methodName = ""
  }

  public private(set) var tasks: [Task] = []
  public private(set) var input = InputMessage()

  public init(reading bytes: UnsafeRawBufferPointer, range: Range<Int>? = nil) throws(WireError) {
    var reader = ProtobufReader(bytes, range: range ?? 0..<bytes.count)
    while !reader.isAtEnd {
      let start = reader.position
      switch try reader.readTag() {
      case (1, .lengthDelimited):
        guard tasks.count < WireLimits.mapEntries else {
          throw .tooLarge(byteOffset: start, what: "tasks", limit: WireLimits.mapEntries)
        }
        tasks.append(try Self.task(bytes, range: try reader.readDelimited()))
      case (2, .lengthDelimited): try input.merge(bytes, range: try reader.readDelimited())
      case (_, let type): _ = try reader.skip(type)
      }
    }
  }

  private static func task(_ bytes: UnsafeRawBufferPointer, range: Range<Int>) throws(WireError) -> Task {
    var reader = ProtobufReader(bytes, range: range)
    var task = Task()
    while !reader.isAtEnd {
      switch try reader.readTag() {
      case (1, .lengthDelimited):
        var spec = task.modelSpec ?? ModelSpec()
        try spec.merge(bytes, range: try reader.readDelimited())
        task.modelSpec = spec
      case (2, .lengthDelimited): task.methodName = try reader.readText()
      case (_, let type): _ = try reader.skip(type)
      }
    }
    return task
  }
}
