import Dispatch
import Synchronization

/// Waits for what is asynchronous, on a thread that is not one of the tasks'.
public func blocking<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
  let ended = DispatchSemaphore(value: 0)
  let result = Mutex<Result<Value, any Error>?>(nil)
  Task {
    do {
      let value = try await body()
      result.withLock { $0 = .success(value) }
    } catch { result.withLock { $0 = .failure(error) } }
    ended.signal()
  }
  ended.wait()
  guard let result = result.withLock({ $0 }) else { preconditionFailure("a task ends with a result") }
  return try result.get()
}
