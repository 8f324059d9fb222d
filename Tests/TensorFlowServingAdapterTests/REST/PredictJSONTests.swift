import ModelGraph
import NIOCore
import Serving
import Testing

@testable import TensorFlowServingAdapter

@Suite("Predict requests in JSON")
struct PredictJSONTests {
  private func spec(_ name: String, _ type: DataType = .float32) -> TensorSpec {
    TensorSpec(name: name, type: type, shape: nil)
  }

  private func inputs(
    _ text: String, _ specs: [TensorSpec]
  ) throws -> (format: PredictJSON.Format, tensors: [String: Tensor]) {
    try PredictJSON(ByteBuffer(string: text)).inputs(specs)
  }

  private func one(_ text: String, _ type: DataType = .float32) throws -> Tensor {
    try #require(inputs(text, [spec("x", type)]).tensors["x"])
  }

  private func error(_ text: String, _ specs: [TensorSpec]) -> TensorFlowStatus? {
    do throws(TensorFlowStatus) {
      _ = try PredictJSON(ByteBuffer(string: text)).inputs(specs)
      return nil
    } catch { return error }
  }

  @Test("rows are stacked, columns are taken as they are")
  func forms() throws {
    let cases: [(String, PredictJSON.Format, Shape, [Float])] = [
      (#"{"instances":[1,2.0,3]}"#, .row, [3], [1, 2, 3]),
      (#"{"instances":[[1,2],[3,4],[5,6]]}"#, .row, [3, 2], [1, 2, 3, 4, 5, 6]),
      (#"{"instances":[{"x":[[1],[2]]},{"x":[[3],[4]]}]}"#, .row, [2, 2, 1], [1, 2, 3, 4]),
      (#"{"instances":[{"x":7}]}"#, .row, [1], [7]),
      (#"{"inputs":5}"#, .columnar, [], [5]),
      (#"{"inputs":[[[1,2],[3,4],[5,6]]]}"#, .columnar, [1, 3, 2], [1, 2, 3, 4, 5, 6]),
      (#"{"inputs":{"x":[1,2],"more":"ignored"},"other":{}}"#, .columnar, [2], [1, 2]),
      (#"{"inputs":[]}"#, .columnar, [0], []),
      (#"{"inputs":[[],[]]}"#, .columnar, [2, 0], []),
      (#"{"instances":[[]]}"#, .row, [1, 0], []),
    ]
    for (text, format, shape, values) in cases {
      let (found, tensors) = try inputs(text, [spec("x")])
      #expect(found == format, "\(text)")
      #expect(tensors["x"]?.shape == shape, "\(text)")
      #expect(tensors["x"]?.floats == values, "\(text)")
    }
  }

  @Test("several inputs come as objects")
  func severalInputs() throws {
    let specs = [spec("a"), spec("b", .int64)]
    for text in [
      #"{"instances":[{"a":[1,2],"b":3},{"b":4,"a":[5,6]}]}"#, #"{"inputs":{"b":[3,4],"a":[[1,2],[5,6]]}}"#,
    ] {
      let tensors = try inputs(text, specs).tensors
      #expect(tensors["a"]?.shape == [2, 2])
      #expect(tensors["a"]?.floats == [1, 2, 5, 6])
      #expect(tensors["b"]?.shape == [2])
      #expect(tensors["b"]?.floats == [3, 4])
    }
  }

  @Test("numbers become elements of the input's type")
  func types() throws {
    #expect(
      try one(#"{"inputs":[1,2.5,-3e2,NaN,Infinity,-Infinity,1e40]}"#).floats.map(\.bitPattern)
        == [
          1, 2.5, -300, Float.nan, .infinity, -.infinity, .infinity,
        ].map(\.bitPattern))
    #expect(try one(#"{"inputs":[1e300]}"#, .float64).storage.withUnsafeBytes { $0.load(as: Double.self) } == 1e300)
    #expect(try one(#"{"inputs":[-2147483648,2147483647]}"#, .int32).floats == [-0x1p31, 0x1p31])
    // No check of the narrow range: cut off, as TensorFlow does it.
    #expect(try one(#"{"inputs":[300,-1]}"#, .int8).floats == [44, -1])
    #expect(try one(#"{"inputs":[300,-1]}"#, .uint8).floats == [44, 255])
    #expect(try one(#"{"inputs":[65537]}"#, .int16).floats == [1])
    #expect(try one(#"{"inputs":[4294967295]}"#, .uint32).floats == [0x1p32])
    #expect(
      try one(#"{"inputs":[9223372036854775807]}"#, .int64).storage.withUnsafeBytes { $0.load(as: Int64.self) } == .max)
    #expect(
      try one(#"{"inputs":[18446744073709551615]}"#, .uint64).storage.withUnsafeBytes { $0.load(as: UInt64.self) }
        == .max)
    #expect(try one(#"{"inputs":[true,false]}"#, .bool).floats == [1, 0])
  }

  @Test("values of the wrong type are refused, with the value and its type")
  func typeErrors() {
    let cases: [(String, DataType, String)] = [
      (#""x""#, .float32, #"JSON Value: "x" Type: String is not of expected type: float"#),
      ("null", .float32, "JSON Value: null Type: Null is not of expected type: float"),
      ("true", .float64, "JSON Value: true Type: True is not of expected type: double"),
      ("false", .float32, "JSON Value: false Type: False is not of expected type: float"),
      ("1.0", .int32, "JSON Value: 1.0 Type: Number is not of expected type: int32"),
      ("2147483648", .int32, "JSON Value: 2147483648 Type: Number is not of expected type: int32"),
      ("9223372036854775808", .int64, "JSON Value: 9223372036854775808 Type: Number is not of expected type: int64"),
      ("-1", .uint32, "JSON Value: -1 Type: Number is not of expected type: uint32"),
      ("-1", .uint64, "JSON Value: -1 Type: Number is not of expected type: uint64"),
      ("1", .bool, "JSON Value: 1 Type: Number is not of expected type: bool"),
      ("NaN", .int32, "JSON Value: NaN Type: Number is not of expected type: int32"),
      (
        #"{"b64":"aGk="}"#, .float32,
        "JSON Value: {\n    \"b64\": \"aGk=\"\n} Type: Object is not of expected type: float"
      ),
    ]
    for (value, type, text) in cases {
      #expect(error("{\"inputs\":[\(value)]}", [spec("x", type)]) == .invalid(text), "\(value) \(type)")
    }
    for type in [DataType.float16, .uint16] {
      let status = error(#"{"inputs":[1]}"#, [spec("x", type)])
      #expect(
        status
          == TensorFlowStatus(.unimplemented, "Conversion of JSON Value: 1 to type: \(type.tensorFlowType.name)"))
    }
  }

  @Test("bodies that are not as they should be are refused in TensorFlow Serving's words")
  func bodyErrors() {
    let x = [spec("x")]
    let two = [spec("a"), spec("b")]
    let cases: [(String, [TensorSpec], String)] = [
      ("", x, "JSON Parse error: The document is empty"),
      ("{", x, "JSON Parse error: Missing a name for object member. at offset: 1"),
      ("[1]", x, "JSON Value: [\n    1\n] Is not object"),
      ("{}", x, "Missing 'inputs' or 'instances' key"),
      (
        #"{"signature_name":5}"#, x,
        "JSON Value: {\n    \"signature_name\": 5\n} not formatted correctly. 'signature_name' key must be a string value."
      ),
      (
        #"{"inputs":1,"instances":1}"#, x,
        "JSON Value: {\n    \"inputs\": 1,\n    \"instances\": 1\n} Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
      ),
      (
        #"{"instances":1}"#, x, "JSON Value: {\n    \"instances\": 1\n} Excepting 'instances' to be an list/array"
      ),
      (#"{"instances":[]}"#, x, "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array"),
      (
        #"{"instances":[1]}"#, two,
        "instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map"
      ),
      (
        #"{"instances":[{"a":1,"c":2}]}"#, two,
        "Failed to process element: 0 key: c of 'instances' list. Error: INVALID_ARGUMENT: JSON object: does not have named input: c"
      ),
      (
        #"{"instances":[{"a":1,"b":2},{"a":1}]}"#, two,
        "Failed to process element: 1 of 'instances' list. JSON object: {\n    \"a\": 1\n} keys must be equal to: a,b"
      ),
      (#"{"instances":[{"a":1,"b":2},3]}"#, two, "Expecting object but got list at item 1 of input list"),
      (#"{"instances":[1,{"x":1}]}"#, x, "Expecting value/list but got object at item 1 of input list"),
      (
        #"{"instances":[[1,2],[3,4],[5,6,7]]}"#, x,
        "Failed to process element: 2 of 'instances' list. Error: INVALID_ARGUMENT: Expecting tensor size: 2 but got: 3"
      ),
      (
        #"{"instances":[[1,2],[3,4],[[5,6]]]}"#, x,
        "Failed to process element: 2 of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [2] but got: [1,2]"
      ),
      (
        #"{"instances":[1,[1]]}"#, x,
        "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [] but got: [1]"
      ),
      (
        #"{"instances":[[1,2],["a","b"]]}"#, x,
        #"Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: "a" Type: String is not of expected type: float"#
      ),
      (
        #"{"inputs":1}"#, two,
        "inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map"
      ),
      (#"{"inputs":{"a":1}}"#, two, "Missing named input: b in 'inputs' object."),
      (#"{"inputs":[[1,2],[3]]}"#, x, "Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
      (#"{"inputs":[[1],[[2]]]}"#, x, "Encountered list at unexpected level: 2 expected < 2"),
      (
        #"{"inputs":[[1],2]}"#, x,
        "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"
      ),
    ]
    for (body, specs, text) in cases { #expect(error(body, specs) == .invalid(text), "\(body)") }
  }

  @Test("a small body cannot claim a large tensor")
  func claims() throws {
    // A row of 1000 ones and 2000 rows that are not: 2 million elements by the first lists' lengths.
    let row = "[" + Array(repeating: "1", count: 1000).joined(separator: ",") + "]"
    let body = "{\"inputs\":[\(row)" + String(repeating: ",0", count: 1999) + "]}"
    #expect(error(body, [spec("x")])?.message.contains("found at incorrect level: 2") == true)
    let deep = String(repeating: "[", count: 900) + String(repeating: "]", count: 900)
    #expect(try one("{\"inputs\":\(deep)}").shape.count == 900)
  }

  @Test("tensors go out as rows and columns and come in as the same bits")
  func roundTrip() throws {
    var random = Xorshift(seed: 21)
    for _ in 0..<50 {
      let shape = (0..<Int.random(in: 1...4, using: &random)).map { _ in Int.random(in: 1...4, using: &random) }
      let values = (0..<shape.elementCount).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
        .map { $0.isNaN ? 0 : $0 }
      let tensor = Tensor(values, shape: shape)
      for (format, answerKey, requestKey) in [
        (PredictJSON.Format.row, "predictions", "instances"), (.columnar, "outputs", "inputs"),
      ] {
        let text = String(decoding: try AnswerJSON.prediction([("x", tensor)], format), as: UTF8.self)
        let (found, tensors) = try inputs(text.replacing("\"\(answerKey)\"", with: "\"\(requestKey)\""), [spec("x")])
        #expect(found == format)
        #expect(tensors["x"]?.shape == shape)
        #expect(tensors["x"]?.floats.map(\.bitPattern) == values.map(\.bitPattern))
      }
    }
  }
}
