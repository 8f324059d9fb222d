import NIOCore

/// What of an answer is yet to be sent, because the client, or one of the windows, does not take it.
struct AnswerQueue {
  enum Part {
    case headers(AnswerHeaders, ends: Bool)
    case data(ByteBuffer, ends: Bool)
  }

  /// Above the one, an answer that streams is to pause; below the other to go on.
  static let high = 1 << 20
  static let low = 1 << 18

  private var parts: [Part] = []
  private var head = 0
  private(set) var byteCount = 0

  var isEmpty: Bool { head == parts.count }
  var first: Part? { isEmpty ? nil : parts[head] }

  mutating func append(_ part: Part) {
    if case .data(let bytes, _) = part { byteCount += bytes.readableBytes }
    parts.append(part)
  }

  /// Takes the first part away, or as many bytes of it.
  mutating func removeFirst(_ count: Int) {
    byteCount -= count
    if case .data(var bytes, let ends) = parts[head], bytes.readableBytes > count {
      bytes.moveReaderIndex(forwardBy: count)
      parts[head] = .data(bytes, ends: ends)
      return
    }
    // Its memory goes now.
    parts[head] = .data(ByteBuffer(), ends: false)
    head += 1
    if head == parts.count {
      parts.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 64 {
      parts.removeFirst(head)
      head = 0
    }
  }

  mutating func removeAll() {
    parts = []
    head = 0
    byteCount = 0
  }
}
