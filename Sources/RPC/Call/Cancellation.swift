/// Why nobody waits for the answer any more.
public enum Cancellation: Sendable, Hashable {
  /// The client withdrew the call, or its connection is gone.
  case byClient
  /// The client was told `DEADLINE_EXCEEDED`.
  case deadlineExceeded
}
