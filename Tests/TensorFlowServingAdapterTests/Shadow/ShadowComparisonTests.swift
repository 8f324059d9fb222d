import ModelGraph
import NIOCore
import Testing
import Wire

@testable import TensorFlowServingAdapter

@Suite("Comparing answers with another server's")
struct ShadowComparisonTests {
  private static let cases: [(ours: [Float], theirs: [Float], shape: [Int], verdict: ShadowVerdict)] = [
    ([1, 2, 3, 4], [1, 2, 3, 4], [2, 2], .same),
    ([.nan, 2], [.nan, 2], [1, 2], .same),
    ([1, 2, 3, 4], [1, 2.0001, 3, 4], [2, 2], .close),
    ([1e6, 2], [1_000_100, 2], [1, 2], .close),
    ([0.1, 0.9, 0.8, 0.2], [0.4, 0.6, 0.7, 0.3], [2, 2], .top1),
    // The worst row counts.
    ([0.1, 0.9, 0.8, 0.2], [0.1, 0.9, 0.3, 0.7], [2, 2], .different),
    // A number alone has no largest.
    ([1, 2], [1, 3], [2, 1], .different),
    ([1, 2], [1, 3], [2], .different),
  ]

  @Test("the verdict is that of the worst row, over gRPC and REST", arguments: cases)
  func rows(_ ours: [Float], _ theirs: [Float], _ shape: [Int], _ verdict: ShadowVerdict) throws {
    func answer(_ values: [Float]) -> ByteBuffer {
      ByteBuffer(
        PredictResponseMessage.encoded(
          modelSpec: ModelSpec(name: "m"), outputs: [("y", TensorValue(Tensor(values, shape: shape)))]))
    }
    let found = try #require(ShadowComparison.compare(predictions: answer(ours), answer(theirs)))
    #expect(found.verdict == verdict)
    #expect(found.place == (verdict == .same ? "" : "y"))
    for format in [PredictJSON.Format.row, .columnar] {
      func json(_ values: [Float]) throws -> ByteBuffer {
        ByteBuffer(bytes: try AnswerJSON.prediction([("y", Tensor(values, shape: shape))], format))
      }
      #expect(try ShadowComparison.compare(json: json(ours), json(theirs))?.verdict == verdict, "\(format)")
    }
  }

  @Test(
    "other answers differ, wherever that is",
    arguments: [
      (#"{"predictions": [[1, 2]]}"#, #"{"predictions": [[1, 2, 3]]}"#, "predictions[0]"),
      (#"{"predictions": [{"a": 1, "b": [2, 3]}]}"#, #"{"predictions": [{"b": [2, 3], "a": 1}]}"#, nil),
      (#"{"predictions": [{"a": 1, "b": [2, 3]}]}"#, #"{"predictions": [{"b": [3, 2], "a": 1}]}"#, "predictions[0].b"),
      (#"{"predictions": [1]}"#, #"{"outputs": [1]}"#, "predictions"),
      (#"{"predictions": ["a"]}"#, #"{"predictions": ["b"]}"#, "predictions[0]"),
      (#"{"predictions": [1]}"#, #"{"predictions": ["1"]}"#, "predictions[0]"),
    ] as [(String, String, String?)])
  func structure(_ ours: String, _ theirs: String, _ place: String?) throws {
    let found = try #require(ShadowComparison.compare(json: ByteBuffer(string: ours), ByteBuffer(string: theirs)))
    #expect(found.verdict == (place == nil ? .same : .different))
    if let place { #expect(found.place == place) }
  }

  @Test("what is no answer is not compared")
  func garbage() {
    let good = ByteBuffer(string: "{}")
    #expect(ShadowComparison.compare(json: good, ByteBuffer(string: "<html>")) == nil)
    #expect(ShadowComparison.compare(predictions: ByteBuffer(), ByteBuffer(string: "\u{8}")) == nil)
  }
}
