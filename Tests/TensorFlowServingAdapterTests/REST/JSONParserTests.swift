import NIOCore
import Testing

@testable import TensorFlowServingAdapter

@Suite("JSON")
struct JSONParserTests {
  private func parse(_ text: String) throws -> JSONValue { try JSONParser.parse(ByteBuffer(string: text)).root }

  /// A value written out again, on one line.
  private func rewritten(_ text: String) throws -> String {
    var writer = JSONWriter()
    let value = try parse(text)
    writer.list(isOneLine: true) { $0.value(value) }
    return String(decoding: writer.bytes.dropFirst().dropLast(), as: UTF8.self)
  }

  @Test("values are read, and what follows the first one is not")
  func values() throws {
    let cases = [
      ("null", "null"), (" true ", "true"), ("false", "false"), ("[]", "[]"), ("{}", "{}"), ("[ ]", "[]"),
      (#"{"a":[1,{"b":null}],"c":""}"#, #"{"a": [1, {"b": null}], "c": ""}"#), ("[1,[2,[3]],[]]", "[1, [2, [3]], []]"),
      ("[1] trailing", "[1]"), ("{\"a\":1}}", "{\"a\": 1}"), (#""\u00e4\n\"\/\\\ud83d\ude00""#, #""ä\n\"/\\😀""#),
      ("\t\r\n[\n1\n,\n2\n]", "[1, 2]"),
    ]
    for (text, expected) in cases { #expect(try rewritten(text) == expected, "\(text)") }
  }

  @Test("numbers keep what they were written as: whole, whole and large, or decimal")
  func numbers() throws {
    let cases: [(String, JSONDocument.Node.Kind, Double)] = [
      ("0", .integer, 0), ("-0", .integer, 0), ("1", .integer, 1), ("-17", .integer, -17),
      ("9223372036854775807", .integer, 0x1p63), ("9223372036854775808", .unsigned, 0x1p63),
      ("-9223372036854775808", .integer, -0x1p63), ("-9223372036854775809", .double, -0x1p63),
      ("18446744073709551615", .unsigned, 0x1p64), ("18446744073709551616", .double, 0x1p64),
      ("99999999999999999999999", .double, 1e23), ("0.0", .double, 0), ("1.5", .double, 1.5), ("1e3", .double, 1000),
      ("1E+3", .double, 1000), ("25e-1", .double, 2.5), ("1e-400", .double, 0), ("Infinity", .double, .infinity),
      ("-Infinity", .double, -.infinity), ("Inf", .double, .infinity), ("-Inf", .double, -.infinity),
      ("1e-5", .double, 1e-5), ("5e-324", .double, .leastNonzeroMagnitude),
      ("1.7976931348623157e308", .double, .greatestFiniteMagnitude),
    ]
    for (text, kind, value) in cases {
      let parsed = try parse(text)
      #expect(parsed.kind == kind, "\(text)")
      #expect(parsed.double == value, "\(text): \(String(describing: parsed.double))")
    }
    #expect(try parse("NaN").double?.isNaN == true)
    #expect(try parse("-NaN").double?.isNaN == true)
    #expect(try parse("-0.0").double?.sign == .minus)
    #expect(try parse("18446744073709551615").unsigned == .max)
    #expect(try parse("-1").unsigned == nil)
    #expect(try parse("1.0").integer == nil)
  }

  @Test("errors are RapidJSON's, with the offset")
  func errors() {
    let cases: [(String, JSONParseError.Problem, Int)] = [
      ("", .empty, 0), ("  ", .empty, 2), ("x", .invalidValue, 0), ("tru", .invalidValue, 0),
      ("[1,]", .invalidValue, 3),
      ("[1 2]", .missingCommaInArray, 3), ("[1", .missingCommaInArray, 2), ("[01]", .missingCommaInArray, 2),
      ("{1:2}", .missingName, 1), ("{\"a\" 1}", .missingColon, 5), ("{\"a\":1 \"b\":2}", .missingCommaInObject, 7),
      ("{\"a\":1,}", .missingName, 7), ("{\"a\":}", .invalidValue, 5), ("\"abc", .missingQuote, 0),
      ("\"a\nb\"", .invalidEncoding, 2), ("\"\\x\"", .invalidEscape, 1), ("\"\\u12g4\"", .invalidHexadecimal, 1),
      ("\"\\ud800x\"", .invalidSurrogate, 1), ("\"\\udc00\"", .invalidSurrogate, 1),
      ("\"\\ud800\\u0041\"", .invalidSurrogate, 1), ("-", .invalidValue, 1), ("+1", .invalidValue, 0),
      ("1.", .missingFraction, 2), ("1.x", .missingFraction, 2), ("1e", .missingExponent, 2),
      ("1e+", .missingExponent, 3), ("1e400", .numberTooBig, 0), ("[-1e999]", .numberTooBig, 1),
      ("Infinit", .invalidValue, 3), ("Na", .invalidValue, 0), (".5", .invalidValue, 0),
    ]
    for (text, problem, offset) in cases {
      #expect(throws: JSONParseError(problem: problem, offset: offset), "\(text)") { try parse(text) }
    }
    #expect(
      JSONParseError(problem: .missingCommaInArray, offset: 3).description
        == "JSON Parse error: Missing a comma or ] after an array element. at offset: 3")
  }

  @Test("nesting is limited and costs no stack")
  func depth() throws {
    let limit = JSONParser.depthLimit
    _ = try parse(String(repeating: "[", count: limit) + String(repeating: "]", count: limit))
    #expect(throws: JSONParseError(problem: .tooDeep, offset: limit)) {
      try parse(String(repeating: "[", count: 2_000_000))
    }
  }

  @Test("numbers are read to the last bit, however they are written")
  func exactNumbers() throws {
    var random = Xorshift(seed: 11)
    func check(_ text: String, _ expected: Double) throws {
      let value = try parse(text).double
      #expect(value?.bitPattern == expected.bitPattern, "\(text)")
    }
    for _ in 0..<3000 {
      let any = Double(bitPattern: random.next())
      if any.isFinite { try check(any.description.contains(".") ? any.description : any.description + ".0", any) }
      // As Python writes a single-precision number.
      let single = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
      if single.isFinite {
        let text = Double(single).description
        try check(text.contains(".") || text.contains("e") ? text : text + ".0", Double(single))
      }
      // Digits at random, short and long, near halves of the last place.
      let digits = String(random.next() % 10_000_000_000_000_000) + String(random.next() % 1000)
      let point = Int(random.next() % UInt64(digits.count))
      let text = "0" + digits.prefix(point).drop { $0 == "0" } + "." + digits.dropFirst(point)
      let trimmed = text.hasPrefix("0.") ? text : String(text.dropFirst())
      try check(trimmed, Double(trimmed)!)
      let scaled = "\(trimmed)e\(Int(random.next() % 40) - 20)"
      try check(scaled, Double(scaled)!)
    }
    for text in [
      "9007199254740993.0", "9007199254740992.5", "9007199254740993.0000000000000000000000001", "4503599627370497.5",
      "0.500000000000000166533453693773481063544750213623046875", "1.00000000000000011102230246251565404",
      "2.2250738585072011e-308", "6.631236846766476e-316",
    ] { try check(text, Double(text)!) }
  }

  @Test("floats survive the way out and in bit for bit")
  func floatRoundTrip() throws {
    var random = Xorshift(seed: 5)
    for _ in 0..<20_000 {
      let value = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
      guard !value.isNaN else { continue }
      var writer = JSONWriter()
      writer.decimal(value)
      let text = String(decoding: writer.bytes, as: UTF8.self)
      let back = try parse(text).double.map { Float($0) }
      #expect(back?.bitPattern == value.bitPattern, "\(text)")
    }
    for _ in 0..<5000 {
      let value = Double(bitPattern: random.next())
      guard !value.isNaN else { continue }
      var writer = JSONWriter()
      writer.decimal(value)
      let text = String(decoding: writer.bytes, as: UTF8.self)
      #expect(try parse(text).double?.bitPattern == value.bitPattern, "\(text)")
    }
  }

  @Test("no damaged text crashes the reader, and what it accepts it can write")
  func mutations() throws {
    let seed = Array(
      #"{"signature_name":"serving_default","instances":[{"x":[1.0,-2.5e-3,NaN],"y":"a\u00e4\n"},{"x":[],"y":{"b64":"aGk="}}]}"#
        .utf8)
    let alphabet = Array("{}[]:,\"\\truefalsn0123456789.eE+-NaIif\u{0} ".utf8)
    var random = Xorshift(seed: 3)
    var accepted = 0
    for _ in 0..<6000 {
      var text = seed
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<text.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: text[place] = alphabet.randomElement(using: &random)!
        case 1: text.insert(alphabet.randomElement(using: &random)!, at: place)
        case 2: text.removeSubrange(place..<min(text.count, place + Int.random(in: 1...9, using: &random)))
        default: text[place] = UInt8.random(in: 0...255, using: &random)
        }
      }
      guard let document = try? JSONParser.parse(ByteBuffer(bytes: text)) else { continue }
      accepted += 1
      var writer = JSONWriter()
      writer.value(document.root)
      _ = document.root.errorText
      #expect(throws: Never.self) { try JSONParser.parse(ByteBuffer(bytes: writer.bytes)) }
    }
    #expect((100..<5900).contains(accepted), "\(accepted) of 6000 accepted")
  }

  @Test("the text of a large value is cut in errors")
  func errorText() throws {
    let small = try parse(#"{"a":[1,2.5,"x"]}"#)
    #expect(small.errorText == "{\n    \"a\": [\n        1,\n        2.5,\n        \"x\"\n    ]\n}")
    let large = try parse("[" + (0..<100_000).map(String.init).joined(separator: ",") + "]")
    #expect(large.errorText.utf8.count == JSONValue.errorTextLimit + "...TRUNCATED".utf8.count)
  }
}
