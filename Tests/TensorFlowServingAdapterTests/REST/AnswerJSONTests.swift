import ModelGraph
import Serving
import Testing
import Wire

@testable import TensorFlowServingAdapter

@Suite("Answers in JSON")
struct AnswerJSONTests {
  private func text(_ outputs: [AnswerJSON.Output], _ format: PredictJSON.Format) throws -> String {
    String(decoding: try AnswerJSON.prediction(outputs, format), as: UTF8.self)
  }

  @Test("one output is a list of values, several are objects")
  func predictions() throws {
    let y = Tensor([2.5, 3, 4.5] as [Float], shape: [3])
    let ids = Tensor([1, 2, 3] as [Int64], shape: [3, 1])
    #expect(try text([("y", y)], .row) == "{\n    \"predictions\": [2.5, 3.0, 4.5]\n}")
    #expect(try text([("y", y)], .columnar) == "{\n    \"outputs\": [2.5, 3.0, 4.5]\n}")
    #expect(
      try text([("y", y), ("id", ids)], .row) == """
        {
            "predictions": [
                {
                    "id": [1],
                    "y": 2.5
                },
                {
                    "id": [2],
                    "y": 3.0
                },
                {
                    "id": [3],
                    "y": 4.5
                }
            ]
        }
        """)
    #expect(
      try text([("y", y), ("id", ids)], .columnar) == """
        {
            "outputs": {
                "id": [[1], [2], [3]],
                "y": [2.5, 3.0, 4.5]
            }
        }
        """)
    #expect(try text([("y", Tensor([1.0] as [Float], shape: []))], .columnar) == "{\n    \"outputs\": 1.0\n}")
    #expect(try text([("y", Tensor([] as [Float], shape: [0, 3]))], .row) == "{\n    \"predictions\": []\n}")
  }

  @Test("elements of every type are written, but those that TensorFlow Serving cannot write")
  func types() throws {
    let raw = { (type: DataType, bytes: [UInt8]) in
      Tensor(type: type, shape: [bytes.count / type.byteWidth], storage: TensorStorage(copying: bytes))
    }
    let cases: [(Tensor, String)] = [
      (raw(.bool, [1, 0]), "[true, false]"), (raw(.uint8, [255, 0]), "[255, 0]"), (raw(.int8, [255]), "[-1]"),
      (raw(.int16, [0, 128]), "[-32768]"), (raw(.uint32, [255, 255, 255, 255]), "[4294967295]"),
      (raw(.uint64, [255, 255, 255, 255, 255, 255, 255, 255]), "[18446744073709551615]"),
      (Tensor([-7] as [Int32], shape: [1]), "[-7]"),
      (Tensor([.nan, -.infinity, 9e6] as [Float], shape: [3]), "[NaN, -Infinity, 9e+06]"),
    ]
    for (tensor, expected) in cases {
      #expect(try text([("y", tensor)], .columnar) == "{\n    \"outputs\": \(expected)\n}")
    }
    for type in [DataType.float16, .uint16] {
      #expect(
        throws: TensorFlowStatus.invalid("Failed to write JSON value for tensor type: \(type.tensorFlowType.name)")
      ) {
        try text([("y", raw(type, [0, 0]))], .row)
      }
    }
  }

  @Test("rows need a common first extent")
  func rowErrors() {
    let scalar = Tensor([1] as [Float], shape: [])
    let (two, three) = (Tensor([1, 2] as [Float], shape: [2]), Tensor([1, 2, 3] as [Float], shape: [3]))
    #expect(throws: TensorFlowStatus.invalid("Tensor name: y has no shape information ")) {
      try text([("y", scalar)], .row)
    }
    #expect(throws: TensorFlowStatus.invalid("Tensor name: b has inconsistent batch size: 3 expecting: 2")) {
      try text([("b", three), ("a", two)], .row)
    }
    #expect(throws: TensorFlowStatus.invalid("Cannot convert empty tensor map to JSON")) { try text([], .row) }
  }

  @Test("classifications are pairs, regressions numbers")
  func inference() throws {
    let classes = InferenceResult.classification([
      [.init(label: "cat", score: 0.75), .init(label: "\"dog\"", score: 0.25)], [.init(label: "", score: 1)],
    ])
    #expect(
      String(decoding: try AnswerJSON.inference(classes), as: UTF8.self)
        == #"{\#n    "results": [[["cat", 0.75], ["\"dog\"", 0.25]], [["", 1.0]]]\#n}"#)
    #expect(
      String(decoding: try AnswerJSON.inference(.regression([1, 2.5])), as: UTF8.self)
        == "{\n    \"results\": [1.0, 2.5]\n}")
  }

  @Test("states and metadata have the names of their protobuf messages")
  func models() {
    #expect(
      String(
        decoding: AnswerJSON.status([
          VersionState(version: 124, phase: .available),
          VersionState(version: 123, phase: .end, failure: "no \"file\""),
        ]), as: UTF8.self) == """
          {
              "model_version_status": [
                  {
                      "version": "124",
                      "state": "AVAILABLE",
                      "status": {
                          "error_code": "OK",
                          "error_message": ""
                      }
                  },
                  {
                      "version": "123",
                      "state": "END",
                      "status": {
                          "error_code": "UNKNOWN",
                          "error_message": "no \\"file\\""
                      }
                  }
              ]
          }
          """)
    let signature = SignatureMessage(
      name: "serving_default", inputs: [.init(alias: "x", name: "x:0", type: .float, extents: [-1, 3])],
      outputs: [.init(alias: "y", name: "y", type: .int64, extents: nil)], methodName: "tensorflow/serving/predict")
    #expect(
      String(
        decoding: AnswerJSON.metadata(ModelSpec(name: "m", version: .number(123)), [signature]), as: UTF8.self) == """
          {
              "model_spec": {
                  "name": "m",
                  "signature_name": "",
                  "version": "123"
              },
              "metadata": {
                  "signature_def": {
                      "signature_def": {
                          "serving_default": {
                              "inputs": {
                                  "x": {
                                      "dtype": "DT_FLOAT",
                                      "tensor_shape": {
                                          "dim": [
                                              {
                                                  "size": "-1",
                                                  "name": ""
                                              },
                                              {
                                                  "size": "3",
                                                  "name": ""
                                              }
                                          ],
                                          "unknown_rank": false
                                      },
                                      "name": "x:0"
                                  }
                              },
                              "outputs": {
                                  "y": {
                                      "dtype": "DT_INT64",
                                      "tensor_shape": {
                                          "dim": [],
                                          "unknown_rank": true
                                      },
                                      "name": "y"
                                  }
                              },
                              "method_name": "tensorflow/serving/predict",
                              "defaults": {}
                          }
                      }
                  }
              }
          }
          """)
  }
}
