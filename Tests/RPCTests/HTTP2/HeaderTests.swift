import NIOCore
import NIOHPACK
import Testing

@testable import RPC

@Suite struct HeaderTests {
  private func decoded(_ buffer: ByteBuffer, by decoder: inout HPACKDecoder) throws -> [String] {
    var buffer = buffer
    return try decoder.decodeHeaders(from: &buffer).map { "\($0.name): \($0.value)" }
  }

  @Test func `every decoder reads answers and what comes between them`() throws {
    var encoder = HeaderEncoder(allocator: ByteBufferAllocator())
    var decoder = HPACKDecoder(allocator: ByteBufferAllocator())
    let long = String(repeating: "é", count: 5000)
    let lists: [(AnswerHeaders, [String])] = [
      (.answer([:]), [":status: 200", "content-type: application/grpc"]),
      (
        .answer(["a": "", "b": String(repeating: "x", count: 127), "c": long]),
        [
          ":status: 200", "content-type: application/grpc", "a: ", "b: \(String(repeating: "x", count: 127))",
          "c: \(long)",
        ]
      ),
      (.other([":status": "200", "grpc-status": "5"]), [":status: 200", "grpc-status: 5"]),
      (.ok([:]), ["grpc-status: 0"]),
      (.ok(["x-told": "a"]), ["grpc-status: 0", "x-told: a"]),
      (.other(["grpc-status": "5"]), ["grpc-status: 5"]),
    ]
    // The table's size changes in between, and a decoder is told before the next header.
    for size in [nil, 0, 4096, 100] {
      if let size {
        try encoder.setTableSize(size)
        decoder.maxDynamicTableLength = size
      }
      for (list, expected) in lists + lists {
        var buffer = ByteBuffer()
        try encoder.write(list, to: &buffer)
        let read = try decoded(buffer, by: &decoder)
        #expect(read == expected)
      }
    }
  }

  private static let head: [(String, String)] = [
    (":method", "POST"), (":scheme", "http"), (":path", "/a.B/C"), (":authority", "x"), ("te", "trailers"),
    ("content-type", "application/grpc"), ("grpc-timeout", "1S"), ("grpc-encoding", "gzip"),
  ]

  @Test func `what a call needs is read from its headers`() throws {
    let head = try #require(RequestHead(HPACKHeaders(Self.head)))
    #expect(head.method == "POST")
    #expect(head.path == "/a.B/C")
    #expect(head.contentType == "application/grpc")
    #expect(head.timeout == "1S")
    #expect(head.encoding == "gzip")
  }

  @Test(arguments: [
    ("Upper", "x"), ("", "x"), ("white space", "x"), ("x", "a\r\nb"), ("x", "a\0b"), (":path", "/other"),
    (":unknown", "x"), (":status", "200"), ("connection", "close"), ("transfer-encoding", "chunked"), ("te", "gzip"),
    ("upgrade", "h2c"),
  ])
  func `malformed requests are told from others`(name: String, value: String) {
    #expect(RequestHead(HPACKHeaders(Self.head + [(name, value)])) == nil)
  }

  @Test(arguments: [":method", ":path", ":scheme"])
  func `a request without one of these is malformed`(name: String) {
    #expect(RequestHead(HPACKHeaders(Self.head.filter { $0.0 != name })) == nil)
  }
}
