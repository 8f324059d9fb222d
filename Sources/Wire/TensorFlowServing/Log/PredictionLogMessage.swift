/// `tensorflow.serving.PredictionLog`: one recorded request, as warm-up files hold them.
public enum PredictionLogMessage: Sendable {
  case predict(PredictRequestMessage)
  case classify(InferenceRequestMessage)
  case regress(InferenceRequestMessage)
  case multiInference(MultiInferenceRequestMessage)
  /// A kind that is not replayed, by the number of its field: 5 a session's run, 7 a streamed Predict; 0 none at all.
  case unsupported(field: UInt32)

  /// Reads the record in `range` of `bytes`; ranges in the request are offsets into `bytes`.
  public init(reading bytes: UnsafeRawBufferPointer, range: Range<Int>) throws(WireError) {
    var reader = ProtobufReader(bytes, range: range)
    var log: (field: UInt32, value: Range<Int>)?
    while !reader.isAtEnd {
      let (field, type) = try reader.readTag()
      let value = try reader.skip(type)
      // 1 holds who recorded it.
      if (2...7).contains(field), type == .lengthDelimited { log = (field, value) }
    }
    guard let log else {
      self = .unsupported(field: 0)
      return
    }
    // All kinds have the request in field 1 and the response in field 2.
    let request = try Self.request(bytes, range: log.value)
    switch log.field {
    case 2: self = .classify(try InferenceRequestMessage(reading: bytes, range: request))
    case 3: self = .regress(try InferenceRequestMessage(reading: bytes, range: request))
    case 4: self = .multiInference(try MultiInferenceRequestMessage(reading: bytes, range: request))
    case 6: self = .predict(try PredictRequestMessage(reading: bytes, range: request))
    default: self = .unsupported(field: log.field)
    }
  }

  private static func request(_ bytes: UnsafeRawBufferPointer, range: Range<Int>) throws(WireError) -> Range<Int> {
    var reader = ProtobufReader(bytes, range: range)
    var request = range.lowerBound..<range.lowerBound
    while !reader.isAtEnd {
      let (field, type) = try reader.readTag()
      let value = try reader.skip(type)
      if field == 1, type == .lengthDelimited { request = value }
    }
    return request
  }

  /// A record of a Predict request, given as bytes.
  public static func encoded(predict request: [UInt8]) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.append(field: 6) { $0.append(field: 1, bytes: request) }
    return writer.bytes
  }
}
