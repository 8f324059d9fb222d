import NIOCore
import Synchronization

/// The open connections of a listener. Thread-safe.
final class ConnectionTable: Sendable {
  private struct State {
    var channels: [ObjectIdentifier: any Channel] = [:]
    var isClosed = false
  }

  private let limit: Int
  /// Guards the table.
  private let state = Mutex(State())

  init(limit: Int) { self.limit = limit }

  var count: Int { state.withLock { $0.channels.count } }

  var open: [any Channel] { state.withLock { Array($0.channels.values) } }

  /// - Returns: False when there are as many connections as may be, or the table is closed.
  func admit(_ channel: any Channel) -> Bool {
    let id = ObjectIdentifier(channel)
    let isAdmitted = state.withLock {
      guard !$0.isClosed, $0.channels.count < limit else { return false }
      $0.channels[id] = channel
      return true
    }
    if isAdmitted {
      channel.closeFuture.whenComplete { _ in _ = self.state.withLock { $0.channels.removeValue(forKey: id) } }
    }
    return isAdmitted
  }

  /// Admits none from now on. Returns those that are open.
  func close() -> [any Channel] {
    state.withLock {
      $0.isClosed = true
      return Array($0.channels.values)
    }
  }
}
