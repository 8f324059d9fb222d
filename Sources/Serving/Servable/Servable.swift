/// One version of one model, ready to answer.
///
/// Adapters know no more of the engine than this: they decide when a batch runs and with whom, the servable what the
/// answers are.
public protocol Servable: AnyObject, Sendable {
  /// The signature that a request means when it names none.
  var signature: Signature { get }

  /// Takes a batch and returns at once. Batches run in the order of submission. May be called from any thread.
  ///
  /// The receiver is told each item's answer as soon as it is final, and the end of the batch once. A servable that is
  /// shutting down or has too many batches waiting tells the receiver the error at once, on the caller's thread.
  func submit(_ batch: Batch, to receiver: any AnswerReceiver)
}
