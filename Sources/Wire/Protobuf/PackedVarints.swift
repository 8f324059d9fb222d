/// The varints of one packed run, in place.
public struct PackedVarints: Sendable {
  private let source: any ByteOwner
  private let range: Range<Int>
  /// How many there are.
  public let count: Int

  /// Counts the varints of `range`. O(bytes).
  public init(_ range: Range<Int>, of source: any ByteOwner) throws(WireError) {
    guard range.lowerBound >= 0, range.upperBound <= source.byteCount else {
      throw .malformed(
        byteOffset: range.lowerBound, expected: "packed numbers inside the \(source.byteCount) bytes of the file",
        got: "a run up to byte \(range.upperBound)")
    }
    self.source = source
    self.range = range
    let (ends, isComplete) = source.withUnsafeBytes { bytes in
      let run = UnsafeRawBufferPointer(rebasing: bytes[range])
      return (run.reduce(0) { $1 < 0x80 ? $0 + 1 : $0 }, (run.last ?? 0) < 0x80)
    }
    guard isComplete else {
      throw .malformed(
        byteOffset: range.upperBound - 1, expected: "the last byte of a varint", got: "the end of the run")
    }
    count = ends
  }

  /// Calls `body` with each number and its place among them, in order. O(bytes).
  public func forEach(_ body: (_ value: UInt64, _ index: Int) -> Void) throws(WireError) {
    try source.withUnsafeBytes { (bytes) throws(WireError) in
      var reader = ProtobufReader(bytes, range: range)
      var index = 0
      while !reader.isAtEnd {
        body(try reader.readVarint(), index)
        index += 1
      }
    }
  }
}
