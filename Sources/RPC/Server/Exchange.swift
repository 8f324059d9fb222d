import NIOCore
import NIOHPACK

/// What a ``ServerStream`` does with the request once it knows the method. Confined to the stream's event loop.
protocol Exchange: AnyObject {
  /// Bytes of a DATA frame.
  func received(_ bytes: ByteBuffer)

  /// The client sends nothing further; `trailers` if it ended with some.
  func requestEnded(trailers: HPACKHeaders?)

  /// All that came at once has been handed over.
  func readCompleted()

  /// Whether more can be sent without holding it in memory.
  func writabilityChanged(_ writable: Bool)

  /// The call is over. Nil when an answer was sent. Called once.
  func ended(_ why: Cancellation?)
}
