import Testing

@testable import RPC

@Suite struct PercentEncodingTests {
  @Test(arguments: [
    ("plain text", "plain text"), ("100 %", "100 %25"), ("a\nb", "a%0Ab"), ("ü", "%C3%BC"), ("~\u{7F}", "~%7F"),
    ("", ""),
  ])
  func `texts go there and back`(text: String, encoded: String) {
    #expect(PercentEncoding.encode(text) == encoded)
    #expect(PercentEncoding.decode(encoded) == text)
  }

  @Test(arguments: [("50%", "50%"), ("%4", "%4"), ("%zz", "%zz"), ("%41%", "A%"), ("%c3%bc", "ü")])
  func `what is not encoded well stays as it is`(text: String, decoded: String) {
    #expect(PercentEncoding.decode(text) == decoded)
  }
}
