import Testing

@testable import TensorFlowServingAdapter

@Suite("Protobuf's text format")
struct TextFormatParserTests {
  private func parse(_ text: String) throws -> TextMessage { try TextFormatParser.parse(Array(text.utf8), as: "M") }

  private func values(_ text: String) throws -> [TextValue] { try parse(text).fields.map(\.value) }

  @Test("reads scalars, whatever separates the fields")
  func scalars() throws {
    let message = try parse("a: 1 b: -0x1F, c: 1.5e-3f; d: true\n  e: -inf f: KIND # comment\n# another\ng:''")
    #expect(message.fields.map(\.name) == ["a", "b", "c", "d", "e", "f", "g"])
    #expect(
      message.fields.map(\.value) == [
        .number("1"), .number("-0x1F"), .number("1.5e-3f"), .identifier("true"), .identifier("-inf"),
        .identifier("KIND"), .string([]),
      ])
  }

  @Test("reads nested messages in braces and angle brackets, with or without a colon")
  func nesting() throws {
    for text in ["m { n { x: 1 } }", "m: { n: < x: 1 > }", "m<n{x:1,}>", "m{n{x:1};}"] {
      let outer = try parse(text).fields
      guard case .message(let m) = try #require(outer.first).value,
        case .message(let n) = try #require(m.fields.first).value
      else {
        Issue.record("\(text): no messages in \(outer)")
        continue
      }
      #expect(n.fields.map(\.value) == [.number("1")], "\(text)")
    }
  }

  @Test("reads lists of scalars and messages as repeated fields")
  func lists() throws {
    #expect(try values("v: [1, 2, 3] v: 4") == [.number("1"), .number("2"), .number("3"), .number("4")])
    #expect(try values("v: []").isEmpty)
    #expect(try values("m: [{x: 1}, <x: 2>]").count == 2)
  }

  @Test("reads every escape, and joins adjacent literals")
  func strings() throws {
    let cases: [(String, [UInt8])] = [
      (#""a\n\t\r\a\b\f\v\\\'\"\?z""#, [97, 10, 9, 13, 7, 8, 12, 11, 92, 39, 34, 63, 122]),
      (#""\101\x41\0\377""#, [65, 65, 0, 255]),
      (#""\u00e4\U0001F600""#, Array("ä😀".utf8)),
      (#"'it' "'s" 'one'"#, Array("it'sone".utf8)),
      ("\"# no comment\"", Array("# no comment".utf8)),
    ]
    for (text, expected) in cases { #expect(try values("s: \(text)") == [.string(expected)], "\(text)") }
  }

  @Test("says where and what when the text is wrong")
  func errors() {
    let cases: [(text: String, line: Int, column: Int, problem: String)] = [
      ("a", 1, 2, "Expected \":\", found \"\"."),
      ("a 1", 1, 3, "Expected \":\", found \"1\"."),
      ("a: 1\n}", 2, 1, "Expected identifier, got: }"),
      ("m {\n a: 1", 2, 6, "Expected \"}\", reached end of input."),
      ("m { a: 1 >", 1, 10, "Expected identifier, got: >"),
      ("a: [1 2]", 1, 7, "Expected \",\", found \"2\"."),
      ("a: \"x\n\"", 1, 6, "String literals cannot cross line boundaries."),
      ("a: \"x", 1, 6, "Unexpected end of string."),
      ("a: \"\\q\"", 1, 6, "Invalid escape sequence in string literal."),
      ("a: \"\\xg\"", 1, 7, "Expected hex digits for escape sequence."),
      ("a: \"\\uD800\"", 1, 11, "Expected 4 hex digits of a Unicode character for \\u escape sequence."),
      ("a: @", 1, 4, "Invalid token: @"),
      ("a:", 1, 3, "Expected value, reached end of input."),
    ]
    for test in cases {
      #expect(
        throws: ConfigurationError.malformedText(
          message: "M", line: test.line, column: test.column, problem: test.problem), "\(test.text)"
      ) { try parse(test.text) }
    }
  }

  @Test("refuses nesting that would exhaust the stack")
  func depth() throws {
    let depth = TextFormatParser.depthLimit
    _ = try parse(String(repeating: "m{", count: depth - 1) + String(repeating: "}", count: depth - 1))
    #expect(throws: ConfigurationError.self) {
      try parse(String(repeating: "m{", count: depth) + String(repeating: "}", count: depth))
    }
    #expect(throws: ConfigurationError.self) { try parse(String(repeating: "m{", count: 1_000_000)) }
  }

  @Test("neither crashes nor hangs on any mutation of a real text")
  func mutations() {
    let seed = Array(ModelServerConfigTests.full.utf8)
    var random = Xorshift(seed: 7)
    let alphabet = Array("{}<>[]:;,\"'\\#-.0x1eé \n\u{0}".utf8)
    var rejected = 0
    for _ in 0..<4000 {
      var text = seed
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let place = Int.random(in: 0..<text.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: text[place] = alphabet.randomElement(using: &random)!
        case 1: text.insert(alphabet.randomElement(using: &random)!, at: place)
        case 2: text.removeSubrange(place..<min(text.count, place + Int.random(in: 1...20, using: &random)))
        default: text[place] = UInt8.random(in: 0...255, using: &random)
        }
      }
      do { _ = try ModelServerConfig.parse(text) } catch { rejected += 1 }
    }
    // Most mutations break a text, but not those in strings and comments.
    #expect((1000..<4000).contains(rejected), "\(rejected) of 4000 rejected")
  }
}

/// A small seeded generator, so that failures repeat.
struct Xorshift: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}
