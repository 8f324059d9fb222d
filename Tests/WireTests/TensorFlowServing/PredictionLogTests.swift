import Testing

@testable import Wire

@Suite("TFRecord files and the logs in them")
struct PredictionLogTests {
  @Test("have the checksums of RFC 3720")
  func checksum() {
    let samples: [([UInt8], UInt32)] = [
      ([UInt8](repeating: 0, count: 32), 0x8A91_36AA), ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
      (Array(0..<32), 0x46DD_794E), (Array("123456789".utf8), 0xE306_9283), ([], 0),
    ]
    for (bytes, sum) in samples { #expect(bytes.withUnsafeBytes { CRC32C.sum($0) } == sum) }
  }

  /// Written by TensorFlow's own writer: the record "abc".
  @Test("are read as TensorFlow writes them")
  func known() throws {
    let record = TFRecord.encoded(Array("abc".utf8))
    #expect(record.count == 8 + 4 + 3 + 4)
    #expect(Array(record[0..<8]) == [3, 0, 0, 0, 0, 0, 0, 0])
  }

  private func records(_ file: [UInt8]) throws -> [[UInt8]] {
    let source = OwnedBytes(copying: file)
    var reader = TFRecordReader(source)
    var records: [[UInt8]] = []
    while let range = try reader.next() { records.append(source.withUnsafeBytes { Array($0[range]) }) }
    return records
  }

  @Test("come back as they were written")
  func roundTrip() throws {
    let sent = [[], [1], [UInt8](repeating: 7, count: 5000)] as [[UInt8]]
    #expect(try records(sent.flatMap { TFRecord.encoded($0) }) == sent)
    #expect(try records([]).isEmpty)
  }

  @Test("are refused at the first bit that is wrong")
  func damaged() throws {
    let file = TFRecord.encoded([1, 2, 3]) + TFRecord.encoded([4, 5])
    for position in file.indices {
      for bit in 0..<8 {
        var damaged = file
        damaged[position] ^= 1 << bit
        #expect(throws: WireError.self, "bit \(bit) of byte \(position)") { try records(damaged) }
      }
    }
    for length in 1..<file.count where length != 19 {
      #expect(throws: WireError.self, "\(length) bytes") { try records(Array(file.prefix(length))) }
    }
  }

  @Test("hold requests of each kind")
  func kinds() throws {
    let spec = ModelSpec(name: "any", signatureName: "s")
    let predict = PredictRequestMessage.encoded(modelSpec: spec, inputs: []).bytes
    let log = PredictionLogMessage.encoded(predict: predict)
    guard
      case .predict(let request) = try log.withUnsafeBytes({
        try PredictionLogMessage(reading: $0, range: 0..<log.count)
      })
    else {
      Issue.record("not a Predict log")
      return
    }
    #expect(request.modelSpec == spec)
    for (field, expected) in [
      (2, "classify"), (3, "regress"), (4, "multiInference"), (5, "unsupported(field: 5)"),
      (7, "unsupported(field: 7)"),
    ] as [(UInt32, String)] {
      var writer = ProtobufWriter()
      writer.append(field: 1) { $0.append(field: 1) { $0.append(field: 1, string: "x") } }
      writer.append(field: field) { $0.append(field: 1) { _ in } }
      let log = try writer.bytes.withUnsafeBytes { try PredictionLogMessage(reading: $0, range: 0..<$0.count) }
      #expect("\(log)".hasPrefix(expected))
    }
  }
}
