import NIOCore
import Testing
import Wire

@testable import TensorFlowServingAdapter

@Suite("Classify and Regress requests in JSON")
struct ExamplesJSONTests {
  private func parse(_ text: String) throws(TensorFlowStatus) -> ExamplesJSON {
    try ExamplesJSON(ByteBuffer(string: text))
  }

  @Test("features are of the kind of their values, and a context fills gaps")
  func features() throws {
    let request = try parse(
      #"""
      {"signature_name":"s","context":{"c":[1,2],"f":9},
       "examples":[{"f":[1.5,2.0],"t":true,"s":"hi","b":{"b64":"aGVsbG8="}},{"f":3,"l":[]}]}
      """#)
    #expect(request.signatureName == "s")
    #expect(request.examples.count == 2)
    #expect(
      request.examples[0].features == [
        "c": .integers([1, 2]), "f": .floats([1.5, 2]), "t": .integers([1]), "s": .bytes([Array("hi".utf8)]),
        "b": .bytes([Array("hello".utf8)]),
      ])
    #expect(request.examples[1].features == ["c": .integers([1, 2]), "f": .integers([3]), "l": .floats([])])
  }

  @Test("what is no list of examples is refused in TensorFlow Serving's words")
  func errors() {
    let cases = [
      (#"{}"#, "JSON Value: {} When method is classify, key 'examples' is expected and was not found"),
      (#"{"examples":1}"#, "JSON Value: {\n    \"examples\": 1\n} Expecting 'examples' value to be an list/array"),
      (#"{"examples":[]}"#, "JSON Value: {\n    \"examples\": []\n} 'examples' value is an empty array"),
      (#"{"examples":[1]}"#, "Example must be JSON object but got JSON Number"),
      (#"{"context":[],"examples":[{}]}"#, "Example must be JSON object but got JSON Array"),
      (#"{"examples":[{"f":null}]}"#, "Feature: f has element with unexpected JSON type: Null"),
      (#"{"examples":[{"f":[[1]]}]}"#, "Feature: f has element with unexpected JSON type: Array"),
      (#"{"examples":[{"f":{"a":1}}]}"#, "Feature: f has element with unexpected JSON type: Object"),
      (#"{"examples":[{"f":[1,2.5]}]}"#, "Unexpected element type in feature: f expecting type: int64"),
      (#"{"examples":[{"f":[2.5,1]}]}"#, "Unexpected element type in feature: f expecting type: float"),
      (#"{"examples":[{"f":["a",1]}]}"#, "Unexpected element type in feature: f expecting type: bytes"),
      (#"{"examples":[{"f":[1,"a"]}]}"#, "Unexpected element type in feature: f expecting type: int64"),
      (#"{"examples":[{"f":18446744073709551615}]}"#, "Feature: f has uint64_t element. Only int64_t is supported."),
      (#"{"examples":[{"f":{"b64":"*"}}]}"#, "Unable to base64 decode"),
    ]
    for (text, expected) in cases {
      #expect(throws: TensorFlowStatus.invalid(expected), "\(text)") { try parse(text) }
    }
  }
}
