import ModelGraph
import Serving
import Testing
import Wire

@testable import TensorFlowServingAdapter

@Suite("Predict")
struct PredictTests {
  private var folder: ModelFolder { get throws { try ModelFolder.shared.get() } }

  private func status(_ body: () throws -> Void) -> TensorFlowStatus? {
    do {
      try body()
      return nil
    } catch { return error as? TensorFlowStatus }
  }

  private func expect(_ code: TensorFlowStatus.Code, _ message: String, _ body: () throws -> Void) {
    #expect(status(body) == TensorFlowStatus(code, message))
  }

  private let half = ModelSpec(name: "half_plus_two")
  private func floats(_ values: [Float], _ shape: [Int]) -> Tensor { Tensor(values, shape: shape) }

  @Test("takes scalars, vectors and matrices for items of one element, and gives their shape back")
  func shapes() throws {
    let sent: [(values: [Float], shape: [Int])] = [
      ([2], []), ([2], [1]), ([2, 4, 6], [3]), ([2], [1, 1]), ([1, 2, 3, 4], [2, 2]), ([1, 2], [2, 1]), ([], [0, 1]),
      ([1, 2, 3, 4], [2, 1, 2]),
    ]
    for (values, shape) in sent {
      for encoding in [TensorEncoding.content, .typedValues] {
        let y = try folder.predict(half, ["x": floats(values, shape)], encoding: encoding)["y"]
        #expect(y?.shape == shape && y?.floats == values.map { $0 / 2 + 2 }, "\(shape)")
      }
    }
  }

  @Test("refuses the wrong shape for items of several elements")
  func wrongShapes() throws {
    for shape in [[64, 64, 3], [1, 64, 64, 3], [3 * 64 * 64], [1, 3, 64, 65]] {
      let image = floats([Float](repeating: 0, count: shape.reduce(1, *)), shape)
      let status = status { _ = try folder.predict(ModelSpec(name: "street"), ["image": image]) }
      #expect(status?.code == .invalidArgument)
      #expect(status?.message.contains("image") ?? false)
    }
  }

  @Test("gives exactly what the engine gives, whoever asks with whom")
  func exactness() throws {
    let image = floats((0..<24_576).map { index in Float(index % 251) / 125 - 1 }, [2, 3, 64, 64])
    let alone = try folder.predict(ModelSpec(name: "street"), ["image": image])["logits"]
    #expect(alone?.shape == [2, 3])
    var options = BatchingOptions()
    options.maxBatchSize = 8
    options.allowedBatchSizes = [8]
    let batched = try ModelFolder(batching: options)
    let typed = try batched.predict(ModelSpec(name: "street"), ["image": image], encoding: .typedValues)["logits"]
    #expect(alone?.floats.map(\.bitPattern) == typed?.floats.map(\.bitPattern))
  }

  @Test("takes every input by name and type, and gives the outputs that are asked for")
  func filters() throws {
    let inputs = [
      "a": floats([1, 2], [1, 2]), "b": floats([10, 20], [1, 2]),
      "c": Tensor([1, -2, 1 << 40] as [Int64], shape: [1, 3]),
    ]
    let wide = ModelSpec(name: "wide")
    let all = try folder.predict(wide, inputs)
    #expect(all["sum"]?.floats == [11, 22] && all["same"]?.integers == [1, -2, 1 << 40])
    #expect(try folder.predict(wide, inputs, filter: ["same"], encoding: .typedValues).keys.sorted() == ["same"])
    expect(
      .invalidArgument, "output tensor alias not found in signature: no Outputs expected to be in the set {same,sum}."
    ) { _ = try folder.predict(wide, inputs, filter: ["no"]) }
    expect(.invalidArgument, "duplicate output tensor alias: sum") {
      _ = try folder.predict(wide, inputs, filter: ["sum", "sum"])
    }
  }

  @Test("says which inputs are missing or too many, in TensorFlow-Serving's words")
  func names() throws {
    let x = floats([1], [1, 1])
    expect(
      .invalidArgument,
      "input size does not match signature: 0!=1 len({}) != len({x}). Sent extra: {}. Missing but required: {x}."
    ) { _ = try folder.predict(half, [:]) }
    expect(
      .invalidArgument,
      "input size does not match signature: 3!=1 len({u1,u2,x}) != len({x}). Sent extra: {u1,u2}. Missing but required: {}."
    ) { _ = try folder.predict(half, ["x": x, "u2": x, "u1": x]) }
    expect(
      .invalidArgument,
      "Signature input alias: x(feed name: x) not found in request and no default value provided. Inputs expected to be in "
        + "the request {z}, or default input alias set: {}"
    ) { _ = try folder.predict(half, ["z": x]) }
  }

  @Test("converts no types, and names them as TensorFlow does")
  func types() throws {
    expect(.invalidArgument, "Expects arg[0] to be float but int64 is provided") {
      _ = try folder.predict(half, ["x": Tensor([1] as [Int64], shape: [1])])
    }
    expect(.invalidArgument, "Expects arg[2] to be int64 but int32 is provided") {
      _ = try folder.predict(
        ModelSpec(name: "wide"),
        [
          "a": floats([1, 2], [1, 2]), "b": floats([1, 2], [1, 2]), "c": Tensor([1, 2, 3] as [Int32], shape: [1, 3]),
        ])
    }
    expect(.invalidArgument, "Expects arg[0] to be float but string is provided") {
      _ = try folder.predict(
        request { tensor in
          tensor.append(field: 1, varint: 7)
          tensor.append(field: 8, string: "text")
        })
    }
  }

  private func request(_ tensor: (inout ProtobufWriter) -> Void) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.append(field: 1) { $0.append(field: 1, string: "half_plus_two") }
    writer.append(field: 2) { entry in
      entry.append(field: 1, string: "x")
      entry.append(field: 2, message: tensor)
    }
    return writer.bytes
  }

  @Test("says that a tensor cannot be decoded, and that bytes are no request")
  func damaged() throws {
    expect(.invalidArgument, "tensor parsing error: x") {
      _ = try folder.predict(
        request { tensor in
          tensor.append(field: 1, varint: 1)
          tensor.append(field: 4, bytes: [1, 2, 3])
        })
    }
    #expect(status { _ = try folder.predict([0x0A, 0x7F]) }?.code == .internalError)
  }

  @Test("answers a damaged request once, whatever is wrong with it")
  func damagedBytes() throws {
    let folder = try folder
    var random = SplitMix(state: 17)
    let whole = PredictRequestMessage.encoded(
      modelSpec: half, inputs: [("x", TensorValue(floats([1, 2, 3, 4], [4, 1])))], outputFilter: ["y"],
      encoding: .typedValues
    ).bytes
    // The last bytes are left alone: they are the values, and any values are an answer.
    for _ in 0..<500 {
      var bytes = whole
      for _ in 0..<2 { bytes[Int(random.next() % UInt64(bytes.count - 20))] = UInt8(truncatingIfNeeded: random.next()) }
      // `reply` fails when there is no answer, and would crash on a second one.
      do { _ = try folder.predict(bytes) } catch let status as TensorFlowStatus {
        #expect(status.code != .ok && !status.message.isEmpty)
      }
    }
  }

  private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
      return z ^ z >> 31
    }
  }

  @Test("answers with the model's name, its version and the signature that ran")
  func modelSpec() throws {
    let x = TensorValue(floats([2], [1, 1]))
    for (name, expected) in [
      ("", "serving_default"), ("serving_default", "serving_default"), ("regress_x_to_y", "regress_x_to_y"),
    ] {
      let input = name == "regress_x_to_y" ? "inputs" : "x"
      let request = PredictRequestMessage.encoded(
        modelSpec: ModelSpec(name: "half_plus_two", signatureName: name), inputs: [(input, x)])
      let reply = try folder.predict(request.bytes)
      let response = try reply.message.bytes.withUnsafeBytes { try PredictResponseMessage(reading: $0) }
      #expect(response.modelSpec == ModelSpec(name: "half_plus_two", version: .number(123), signatureName: expected))
      #expect(reply.metadata.map(\.name) == ["apparate-exit"] && reply.metadata.map(\.value) == ["final"])
    }
  }

  @Test("finds models by name, version and label, or says what was looked for")
  func lookup() throws {
    let x = ["x": floats([2], [1, 1])]
    func predict(_ spec: ModelSpec) throws { _ = try folder.predict(spec, x) }
    expect(.invalidArgument, "Missing ModelSpec") { _ = try folder.predict([]) }
    expect(.invalidArgument, "ModelSpec has no name specified.") { try predict(ModelSpec()) }
    expect(.notFound, "Servable not found for request: Latest(none)") { try predict(ModelSpec(name: "none")) }
    expect(.notFound, "Servable not found for request: Latest(broken)") { try predict(ModelSpec(name: "broken")) }
    expect(.notFound, "Servable not found for request: Specific(none, 7)") {
      try predict(ModelSpec(name: "none", version: .number(7)))
    }
    expect(.notFound, "Servable not found for request: Specific(half_plus_two, 7)") {
      try predict(ModelSpec(name: "half_plus_two", version: .number(7)))
    }
    expect(.invalidArgument, "Unrecognized servable version label: no") {
      try predict(ModelSpec(name: "half_plus_two", version: .label("no")))
    }
    expect(.invalidArgument, "Unrecognized servable version label: no") {
      try predict(ModelSpec(name: "none", version: .label("no")))
    }
    expect(.failedPrecondition, "Serving signature key \"no\" not found.") {
      try predict(ModelSpec(name: "half_plus_two", signatureName: "no"))
    }
    try predict(ModelSpec(name: "half_plus_two", version: .number(123)))
    // Some clients mean "none" by it.
    try predict(ModelSpec(name: "half_plus_two", version: .number(0)))
  }

  @Test("answers with raw content when the server is told to")
  func content() throws {
    let folder = try ModelFolder(encoding: .content)
    let request = PredictRequestMessage.encoded(modelSpec: half, inputs: [("x", TensorValue(floats([2], [1, 1])))])
    let bytes = try folder.predict(request.bytes).message.bytes
    // Field 4 of the tensor: four bytes of the float 3.
    #expect(bytes.contains([0x22, 4, 0, 0, 0x40, 0x40]))
  }

  @Test("does not run what is too late or was given up")
  func abandoned() throws {
    let x = ["x": floats([2], [1, 1])]
    let late = CallContext(deadline: ContinuousClock().now - .seconds(1))
    #expect(status { _ = try folder.predict(half, x, context: late) }?.code == .deadlineExceeded)
    let gone = CallContext(isAbandoned: { true })
    #expect(status { _ = try folder.predict(half, x, context: gone) }?.code == .cancelled)
  }
}
