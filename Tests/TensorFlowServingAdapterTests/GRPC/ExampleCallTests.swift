import ModelGraph
import Serving
import Testing
import Wire

@testable import TensorFlowServingAdapter

@Suite("Classify, Regress and MultiInference")
struct ExampleCallTests {
  private var folder: ModelFolder { get throws { try ModelFolder.shared.get() } }

  private func request(_ spec: ModelSpec, _ examples: [Example], context: Example? = nil) -> OwnedBytes {
    var writer = ProtobufWriter()
    writer.append(field: 1) { message in
      message.append(field: 1, string: spec.name)
      message.append(field: 3, string: spec.signatureName)
    }
    writer.append(field: 2) { write(examples, context: context, to: &$0) }
    return OwnedBytes(copying: writer.bytes)
  }

  private func write(_ examples: [Example], context: Example?, to writer: inout ProtobufWriter) {
    writer.append(field: context == nil ? 1 : 2) { list in
      for example in examples { list.append(field: 1, bytes: example.encoded) }
      if let context { list.append(field: 2, bytes: context.encoded) }
    }
  }

  private func status(_ body: () throws -> Void) -> TensorFlowStatus? {
    do {
      try body()
      return nil
    } catch { return error as? TensorFlowStatus }
  }

  private func regress(_ spec: ModelSpec, _ examples: [Example], context: Example? = nil) throws -> [UInt8] {
    try folder.reply { done in
      try? folder.predictions.regress(request(spec, examples, context: context), CallContext(), completion: done)
    }.message.bytes
  }

  private func classify(_ spec: ModelSpec, _ examples: [Example]) throws -> [UInt8] {
    try folder.reply { done in
      try? folder.predictions.classify(request(spec, examples), CallContext(), completion: done)
    }.message.bytes
  }

  private let regression = ModelSpec(name: "half_plus_two", signatureName: "regress_x_to_y")

  private func answerSpec(_ name: String, _ version: Int64, _ signature: String) -> ModelSpec {
    ModelSpec(name: name, version: .number(version), signatureName: signature)
  }

  @Test("regress: a number for each example, from floats, integers or bytes")
  func regress() throws {
    let two = withUnsafeBytes(of: Float(2).bitPattern.littleEndian) { Array($0) }
    let examples = [
      Example(["inputs": .floats([80])]), Example(["inputs": .integers([20])]), Example(["inputs": .bytes([two])]),
    ]
    let expected = InferenceResult.regression([42, 12, 3]).encoded(
      modelSpec: answerSpec("half_plus_two", 123, "regress_x_to_y"))
    #expect(try regress(regression, examples) == expected.bytes)
  }

  @Test("let the context stand in for features that examples lack")
  func context() throws {
    let expected = InferenceResult.regression([7, 3]).encoded(
      modelSpec: answerSpec("half_plus_two", 123, "regress_x_to_y"))
    let examples = [Example(), Example(["inputs": .floats([2])])]
    #expect(try regress(regression, examples, context: Example(["inputs": .floats([10])])) == expected.bytes)
  }

  @Test("classify: a score for each class, under its label, as Predict gives them")
  func classify() throws {
    let pixels: [Float] = (0..<12_288).map { index in Float(index % 253) / 126 - 1 }
    let image = Tensor(pixels, shape: [1, 3, 64, 64])
    let answer = try folder.predict(ModelSpec(name: "street"), ["image": image])
    let logits = try #require(answer["logits"])
    let labels = ["none", "one", "several"]
    let classes = zip(labels, logits.floats).map { InferenceResult.ClassScore(label: $0, score: $1) }
    let expected = InferenceResult.classification([classes]).encoded(
      modelSpec: answerSpec("street", 1, "serving_default"))
    #expect(try classify(ModelSpec(name: "street"), [Example(["image": .floats(pixels)])]) == expected.bytes)
  }

  @Test("multi-inference: several signatures of one model, in the order of the tasks")
  func multiInference() throws {
    let expected = InferenceResult.encoded([
      (answerSpec("half_plus_two", 123, "classify_x_to_y"), .classification([[.init(label: "", score: 7)]])),
      (answerSpec("half_plus_two", 123, "regress_x_to_y"), .regression([7])),
    ])
    let tasks = [("classify_x_to_y", "tensorflow/serving/classify"), ("regress_x_to_y", "tensorflow/serving/regress")]
    #expect(try multi(tasks.map { ("half_plus_two", $0.0, $0.1) }) == expected.bytes)
  }

  private func multi(
    _ tasks: [(model: String, signature: String, method: String)],
    _ examples: [Example] = [Example(["inputs": .floats([10])])]
  ) throws -> [UInt8] {
    var writer = ProtobufWriter()
    for task in tasks {
      writer.append(field: 1) { message in
        message.append(field: 1) { spec in
          spec.append(field: 1, string: task.model)
          spec.append(field: 3, string: task.signature)
        }
        message.append(field: 2, string: task.method)
      }
    }
    writer.append(field: 2) { write(examples, context: nil, to: &$0) }
    let request = OwnedBytes(copying: writer.bytes)
    return try folder.reply { done in
      try? folder.predictions.multiInference(request, CallContext(), completion: done)
    }.message.bytes
  }

  @Test("multi-inference refuses tasks that do not go together")
  func multiInferenceRefusals() throws {
    let (half, method) = ("half_plus_two", "tensorflow/serving/regress")
    let cases: [([(String, String, String)], TensorFlowStatus)] = [
      ([], .invalid("ModelSpec has no name specified.")),
      (
        [(half, "regress_x_to_y", method), ("street", "", method)],
        .invalid("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
      ),
      (
        [(half, "regress_x_to_y", method), (half, "regress_x_to_y", method)],
        .invalid("Duplicate evaluation of signature: regress_x_to_y")
      ),
      ([(half, "no", method)], .invalid("Requested signature not found in model graph: no")),
      (
        [(half, "regress_x_to_y", "tensorflow/serving/predict")],
        TensorFlowStatus(.unimplemented, "Unsupported signature method_name: tensorflow/serving/predict")
      ),
    ]
    for (tasks, expected) in cases { #expect(status { _ = try multi(tasks) } == expected) }
  }

  @Test("refuse what is no input, and signatures that are not for it")
  func refusals() throws {
    let one = [Example(["inputs": .floats([1])])]
    #expect(status { _ = try regress(regression, []) } == .invalid("Input is empty."))
    #expect(
      status { _ = try regress(ModelSpec(name: "half_plus_two", signatureName: "no"), one) }
        == .invalid("No signature was found with the name: no"))
    #expect(
      status { _ = try regress(regression, [Example()]) }
        == .invalid("Name: <unknown>, Feature: inputs (data type: float) is required but could not be found."))
    #expect(
      status { _ = try regress(regression, [Example(["inputs": .floats([1, 2])])]) }?.message.contains(
        "Number of float values != expected.") == true)
    #expect(
      status {
        _ = try classify(
          ModelSpec(name: "wide"),
          [Example(["a": .floats([1, 2]), "b": .floats([1, 2]), "c": .integers([1, 2, 3])])])
      }?.message.hasPrefix("Expected classification signature outputs to contain at least one of") == true)
    #expect(
      status {
        _ = try regress(
          ModelSpec(name: "street"), [Example(["image": .floats([Float](repeating: 0, count: 3 * 64 * 64))])])
      } == .invalid("Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got [1, 3]"))
  }
}
