import Testing
import Wire

/// Messages of Clockwork's two links, through protobuf-c and back.
struct ClockworkMessageTests {
  static let timing = ClockworkResult.Timing(begin: 1, end: .max, duration: 0)

  static let actions: [ClockworkAction] = [
    .loadModelFromDisk(
      .init(actionID: 0, modelID: 0, path: "/zoo/resnet50_v2/model", copies: 40, maxExecDuration: 250_000_000)),
    .loadModelFromDisk(.init(actionID: .max, modelID: .min, path: "", latest: 0, copies: 0, maxBatchSize: 0)),
    .loadWeights(.init(actionID: 1, modelID: 2, gpuID: 3, earliest: 4, latest: 5, expectedDuration: 6)),
    .evictWeights(.init(actionID: -1, modelID: 0, gpuID: 0)),
    .infer(.init(actionID: 9, modelID: 8, gpuID: 7, batchSize: 3, inputSizes: [0, 1, .max])),
    .infer(.init(actionID: 9, modelID: 8, gpuID: 7, batchSize: 16, wantsItemResults: true)),
    .clearCache(.init(actionID: 0)),
    .getWorkerState(.init(actionID: 12)),
  ]

  @Test(arguments: actions)
  func actionsComeBackAsTheyWere(_ action: ClockworkAction) throws {
    let header = action.serialized()
    #expect(
      try header.withUnsafeBytes { try ClockworkAction(frameType: action.frameType, header: $0) } == action)
  }

  static let results: [ClockworkResult] = [
    .error(
      .init(actionID: 1, actionType: 2, status: 81, message: "too late — 3 ms", actionReceived: 0, resultSent: 1)),
    .loadModelFromDisk(
      .init(
        actionID: 0, timing: timing, inputSize: 602_112, outputSize: 4000, batchSizes: [1, 2, 4], weightsSizeInCache: 0,
        weightsPages: 0, weightsLoadTime: 1, execTimes: [3, 2, 1], copiesCreated: 1, actionReceived: 5, resultSent: 6)),
    .loadWeights(.init(actionID: 3, timing: timing, actionReceived: 0, resultSent: 0)),
    .evictWeights(.init(actionID: 4, timing: timing, actionReceived: .max, resultSent: 0)),
    .infer(
      .init(
        actionID: 5, copyInput: timing, exec: .init(begin: 2, end: 3, duration: 1), copyOutput: timing, gpuID: 0,
        gpuClockBefore: 1380, gpuClock: 1380, actionReceived: 1, resultSent: 2)),
    .inferItems(.init(actionID: 5, items: [0, 7], answered: 1, resultSent: 2, exit: "ramp 3")),
    .clearCache(.init(actionID: 6, actionReceived: 1 << 63, resultSent: 2)),
    .getWorkerState(
      .init(
        actionID: 0,
        state: .init(
          pageSize: 1 << 24, hostWeightsCacheSize: .max, hostIOPoolSize: 0,
          gpus: (0..<2).map {
            .init(
              id: $0, weightsCacheSize: 1 << 34, weightsCachePages: 1024, models: [0, 5], ioPoolSize: 1,
              workspacePoolSize: 2)
          },
          models: (0..<300).map {
            .init(
              id: $0, source: "/zoo/model-\($0)/model", inputSize: 4, outputSize: 8, batchSizes: [1], weightsSize: 100,
              weightsPages: 1, weightsLoadTime: 10, execTimes: [7])
          }), actionReceived: 0, resultSent: 0)),
  ]

  @Test(arguments: results)
  func resultsComeBackAsTheyWere(_ result: ClockworkResult) throws {
    let header = result.serialized()
    #expect(try header.withUnsafeBytes { try ClockworkResult(frameType: result.frameType, header: $0) } == result)
  }

  static let requests: [ClockworkRequest] = [
    .infer(.init(header: .init(userID: 0, userRequestID: -7), modelID: 3, sloFactor: 2.5)),
    .infer(.init(modelID: 0, batchSize: 0, sloFactor: 0)),
    .loadRemoteModel(.init(header: .init(userID: 1), path: "/a/model", copies: 12)),
    .list(.init(header: .init(userID: 1, userRequestID: 2))),
    .evict(.init(modelID: .max)),
    .uploadModel(.init(batchSize: 1, objectByteCount: 2, clockworkByteCount: 3, parameterByteCount: 1 << 40)),
  ]

  @Test(arguments: requests)
  func requestsComeBackAsTheyWere(_ request: ClockworkRequest) throws {
    let header = request.serialized()
    #expect(
      try header.withUnsafeBytes { try ClockworkRequest(frameType: request.frameType, header: $0) } == request)
  }

  static let header = ClockworkResponse.Header(userRequestID: 3, status: 5, message: "initializing")
  static let responses: [ClockworkResponse] = [
    .infer(.init(header: header, modelID: 2, batchSize: 1)),
    .loadRemoteModel(.init(header: header, modelID: 1, inputSize: 2, outputSize: 3, copiesCreated: 4)),
    .list(.init(header: .init(), models: [.init(modelID: 0, path: "p", inputSize: 0, outputSize: 1)])),
    .evict(.init(header: header)),
    .uploadModel(.init(header: header)),
  ]

  @Test(arguments: responses)
  func responsesComeBackAsTheyWere(_ response: ClockworkResponse) throws {
    let header = response.serialized()
    #expect(
      try header.withUnsafeBytes { try ClockworkResponse(frameType: response.frameType, header: $0) } == response)
  }

  /// A peer aborts when a required field is missing, so zeros must be on the wire: written out byte by byte here.
  @Test func zerosAreWritten() {
    let infer = ClockworkAction.infer(.init(actionID: 0, modelID: 0, gpuID: 0, latest: 0, batchSize: 0))
    #expect(
      infer.serialized() == [8, 0, 16, 0, 24, 0]
        + [33] + [UInt8](repeating: 0, count: 8) + [41] + [UInt8](repeating: 0, count: 8) + [48, 0, 56, 0])
    let cleared = ClockworkResult.clearCache(.init(actionID: 0, actionReceived: 0, resultSent: 0))
    #expect(cleared.serialized() == [8, 0, 16, 0, 24, 0], "its times are varints, unlike those of other results")
  }

  @Test func anyMissingRequiredFieldIsAnError() throws {
    for action in Self.actions {
      // Field 8 of an inference, the sizes of its inputs, is repeated.
      let optional: Set<UInt8> = if case .infer = action { [8] } else { [] }
      for shorter in Self.withoutOneField(action.serialized()) where !optional.contains(shorter.field) {
        #expect(throws: WireError.self, "\(action) without field \(shorter.field)") {
          try shorter.bytes.withUnsafeBytes { try ClockworkAction(frameType: action.frameType, header: $0) }
        }
      }
    }
  }

  /// The message without each of its fields in turn.
  private static func withoutOneField(_ message: [UInt8]) -> [(field: UInt8, bytes: [UInt8])] {
    var parts: [(field: UInt8, range: Range<Int>)] = []
    var position = 0
    while position < message.count {
      let start = position
      let tag = message[position]
      guard tag < 0x80 else { break }  // the extension, last
      position += 1
      switch tag & 7 {
      case 1: position += 8
      case 2: position += 1 + Int(message[position])
      default: position = (message[position...].firstIndex { $0 < 0x80 } ?? position) + 1
      }
      parts.append((tag >> 3, start..<position))
    }
    return parts.map { part in
      (part.field, Array(message[..<part.range.lowerBound] + message[part.range.upperBound...]))
    }
  }

  @Test func repeatedNumbersMayBePacked() throws {
    var writer = ProtobufWriter()
    let plain = ClockworkAction.infer(.init(actionID: 1, modelID: 1, gpuID: 0, batchSize: 2))
    writer.append(raw: plain.serialized())
    writer.append(field: 8, bytes: [5, 0x80, 1])
    let action = try writer.bytes.withUnsafeBytes { try ClockworkAction(frameType: 3, header: $0) }
    guard case .infer(let infer) = action else { throw WireError.emptyFile(path: "") }
    #expect(infer.inputSizes == [5, 128])
  }

  @Test func unknownFieldsAreIgnored() throws {
    var writer = ProtobufWriter()
    writer.append(raw: ClockworkAction.clearCache(.init(actionID: 4)).serialized())
    writer.append(field: 77, string: "from a later version")
    let action = try writer.bytes.withUnsafeBytes { try ClockworkAction(frameType: 5, header: $0) }
    #expect(action == .clearCache(.init(actionID: 4)))
  }

  @Test(arguments: [0, 7, 99, 107, 999, 1001, UInt64.max])
  func unknownTypesAreErrors(_ type: UInt64) {
    let header: [UInt8] = [8, 0]
    header.withUnsafeBytes { bytes in
      #expect(throws: WireError.self) { try ClockworkAction(frameType: type, header: bytes) }
      #expect(throws: WireError.self) { try ClockworkResult(frameType: type, header: bytes) }
      #expect(throws: WireError.self) { try ClockworkRequest(frameType: type, header: bytes) }
      #expect(throws: WireError.self) { try ClockworkResponse(frameType: type, header: bytes) }
    }
  }

  /// Every byte of every message changed and every message cut short: an error or another message, never a crash.
  @Test func damagedHeadersAreErrorsOrOtherMessages() {
    for result in Self.results where result.serialized().count < 400 {
      let header = result.serialized()
      for length in 0..<header.count {
        header.withUnsafeBytes {
          _ = try? ClockworkResult(frameType: result.frameType, header: .init(rebasing: $0[..<length]))
        }
      }
      for position in header.indices {
        for flip: UInt8 in [1, 0x80, 0xFF] {
          var damaged = header
          damaged[position] ^= flip
          damaged.withUnsafeBytes { _ = try? ClockworkResult(frameType: result.frameType, header: $0) }
        }
      }
    }
  }
}
