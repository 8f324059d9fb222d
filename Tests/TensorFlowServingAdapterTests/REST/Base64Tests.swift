import Foundation
import Testing

@testable import TensorFlowServingAdapter

@Suite("Base64")
struct Base64Tests {
  @Test("any bytes go out and in, with and without padding")
  func roundTrip() {
    var random = Xorshift(seed: 2)
    for count in 0..<100 {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      let text = Base64.encoded(bytes)
      #expect(text == Data(bytes).base64EncodedString())
      #expect(Base64.decoded(Array(text.utf8)) == bytes)
      #expect(Base64.decoded(Array(text.utf8.filter { $0 != UInt8(ascii: "=") })) == bytes)
    }
    #expect(Base64.decoded(Array("aGVs\nbG8=".utf8)) == Array("hello".utf8))
  }

  @Test("what is no base64 is refused")
  func refusals() {
    for text in ["a", "aGVsbG8==", "aGVs=bG8", "aGV*", "aGVsbG9=", "=", "äöü", "aGVsbG8-"] {
      #expect(Base64.decoded(Array(text.utf8)) == nil, "\(text)")
    }
  }
}
