/// A message in consecutive pieces: what was written for it, and bytes that others own.
public struct MessagePieces: Sendable {
  public enum Piece: Sendable {
    case copied([UInt8])
    case borrowed(any ByteOwner, Range<Int>)
  }

  public private(set) var pieces: [Piece] = []
  public private(set) var byteCount = 0

  public init() {}

  mutating func append(_ piece: Piece) {
    switch piece {
    case .copied(let bytes): byteCount += bytes.count
    case .borrowed(_, let range): byteCount += range.count
    }
    pieces.append(piece)
  }

  /// Calls `body` with piece after piece; the pointers are valid during the call.
  public func forEach(_ body: (UnsafeRawBufferPointer) -> Void) {
    for piece in pieces {
      switch piece {
      case .copied(let bytes): bytes.withUnsafeBytes(body)
      case .borrowed(let owner, let range):
        owner.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
      }
    }
  }

  /// The message in one piece. O(n).
  public var bytes: [UInt8] {
    var all: [UInt8] = []
    all.reserveCapacity(byteCount)
    forEach { all.append(contentsOf: $0) }
    return all
  }
}
