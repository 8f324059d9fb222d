import Foundation
import NIOCore
import Testing

@testable import RPC

@Suite struct CompressionTests {
  /// What Python's zlib module made of "apparate" 1000 times.
  private static let deflated: [UInt8] = Array(
    Data(base64Encoded: "eJztxbENAAAIA6BbO7gb4//xEGEh3ZlsxbZt27Zt27Zt27btxx/9E+ll") ?? Data())
  private let text = String(repeating: "apparate", count: 1000)

  @Test func `a zlib stream is read`() throws {
    let output = try Compression.deflate.decompress(ByteBuffer(bytes: Self.deflated), limit: 8000)
    #expect(String(buffer: output) == text)
  }

  @Test func `output over the limit is refused`() {
    #expect(throws: Status(.resourceExhausted, "Received message larger than max (7999) after decompression")) {
      try Compression.deflate.decompress(ByteBuffer(bytes: Self.deflated), limit: 7999)
    }
  }

  @Test(arguments: 0..<42)
  func `cut streams are refused`(length: Int) {
    #expect(throws: Status.self) {
      try Compression.deflate.decompress(ByteBuffer(bytes: Self.deflated.prefix(length)), limit: 1 << 20)
    }
  }

  @Test func `bytes behind the end are refused`() {
    #expect(throws: Status(.internalError, "cannot decompress the message (deflate): 1 bytes follow its end")) {
      try Compression.deflate.decompress(ByteBuffer(bytes: Self.deflated + [0]), limit: 1 << 20)
    }
  }

  @Test func `the wrong format is refused`() {
    #expect(throws: Status.self) {
      try Compression.gzip.decompress(ByteBuffer(bytes: Self.deflated), limit: 1 << 20)
    }
  }
}
