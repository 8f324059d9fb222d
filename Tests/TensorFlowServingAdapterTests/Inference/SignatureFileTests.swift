import Serving
import Testing

@testable import TensorFlowServingAdapter

@Suite("The file of signatures")
struct SignatureFileTests {
  private let own = Signature(
    inputs: [TensorSpec(name: "in.1", type: .float32, shape: [nil, 4])],
    outputs: [
      TensorSpec(name: "probabilities", type: .float32, shape: [nil, 3]),
      TensorSpec(name: "z", type: .int64, shape: nil),
    ])

  private func parse(_ text: String) throws -> [SignatureMap.Entry] {
    try SignatureFile.parse(Array(text.utf8), own: own, labels: ["a", "b", "c"])
  }

  private func signature(_ inner: String) -> String { "signature_def { key: \"s\" value { \(inner) } }" }

  private let input = "inputs { key: \"features\" value { name: \"in.1\" } }"
  private let output = "outputs { key: \"scores\" value { name: \"probabilities\" } }"

  @Test("gives tensors other names, and a signature a method")
  func names() throws {
    let entry = try #require(
      try parse(signature("\(input) \(output) method_name: \"tensorflow/serving/classify\"")).first)
    #expect(entry.signature.name == "s" && entry.method == .classify && entry.labels == ["a", "b", "c"])
    #expect(entry.signature.inputs == [TensorSpec(name: "features", type: .float32, shape: [nil, 4])])
    #expect(entry.inputNames == ["features": "in.1"] && entry.outputNames == ["scores": "probabilities"])
  }

  @Test("can take the place of the model's own signature, which is there otherwise")
  func replacement() throws {
    let file = "signature_def { key: \"serving_default\" value { \(input) \(output) } }"
    let replaced = SignatureMap(default: own, others: try parse(file))
    #expect(replaced[""]?.signature.inputs.map(\.name) == ["features"])
    #expect(SignatureMap(default: own)[""]?.signature.inputs.map(\.name) == ["in.1"])
    #expect(SignatureMap(default: own)["other"] == nil)
  }

  @Test(
    "is refused when it does not fit the model",
    arguments: [
      "inputs { key: \"a\" value { name: \"no\" } }", "", "method_name: \"no\"",
      "inputs { key: \"a\" value { name: \"in.1\" dtype: DT_INT32 } }",
      "inputs { key: \"a\" value { name: \"in.1\" } } inputs { key: \"a\" value { name: \"in.1\" } }",
    ])
  func refusals(inner: String) {
    #expect(throws: ConfigurationError.self) { try parse(signature("\(inner) \(output)")) }
  }

  @Test("needs outputs, and is protobuf's text format")
  func format() {
    #expect(throws: ConfigurationError.self) { try parse(signature(input)) }
    #expect(throws: ConfigurationError.self) { try parse("signature_def {") }
  }
}
