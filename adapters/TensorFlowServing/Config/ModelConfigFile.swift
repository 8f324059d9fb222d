import Dispatch
import Serving
import Synchronization

/// `--model_config_file`, read again and again: what is new in it takes the place of what is served, as a call of
/// HandleReloadConfigRequest would.
///
/// A file that cannot be read or makes no sense changes nothing. One whose models did not all come up, or whose labels
/// were not all taken, is tried again at the next reading, also when it has not changed.
public final class ModelConfigFile: Sendable {
  public enum Event: Sendable, CustomStringConvertible {
    case unreadable(ConfigurationError)
    case applied(models: Int)
    case failed(ReloadError)

    public var description: String {
      switch self {
      case .unreadable(let error): error.description
      case .applied(let models): "serving \(models) models as the model config file says"
      case .failed(let error): "model config file: \(TensorFlowStatus(error).message)"
      }
    }
  }

  private struct State {
    /// The text that is in force as a whole.
    var applied: [UInt8]?
    /// What was last said of a file that could not be used.
    var reported: [UInt8]?
    var isReloading = false
    var isStopped = false
  }

  private let path: String
  private let source: any ServableSource
  private let onEvent: @Sendable (Event) -> Void
  private let queue = DispatchQueue(label: "apparate.config", qos: .utility)
  /// Guards what is known of the file.
  private let state = Mutex(State())

  /// - Parameter onEvent: called from any thread.
  public init(path: String, source: any ServableSource, onEvent: @escaping @Sendable (Event) -> Void) {
    self.path = path
    self.source = source
    self.onEvent = onEvent
  }

  /// Reads the file every so often, for the first time after `interval`, until ``stop()``.
  public func poll(every interval: Duration) {
    let (seconds, attoseconds) = interval.components
    queue.asyncAfter(deadline: .now() + Double(seconds) + Double(attoseconds) * 1e-18) { [weak self] in
      guard let self, !state.withLock({ $0.isStopped }) else { return }
      read()
      poll(every: interval)
    }
  }

  public func stop() { state.withLock { $0.isStopped = true } }

  /// Reads the file now and returns; what comes of it is told as an event, when there is something new.
  public func read() {
    let text: [UInt8]
    let models: [ModelConfiguration]
    do throws(ConfigurationError) {
      text = try ConfigurationFile.read(path)
      guard state.withLock({ $0.applied != text && !$0.isReloading }) else { return }
      models = try ModelServerConfig.parse(text).models()
    } catch {
      // Once for each such file, and not at each reading.
      let mark = Array(error.description.utf8)
      let isNew = state.withLock { state in
        defer { state.reported = mark }
        return state.reported != mark
      }
      if isNew { onEvent(.unreadable(error)) }
      return
    }
    state.withLock { state in
      state.isReloading = true
      state.reported = nil
    }
    source.reload(models) { [self] result in
      state.withLock { state in
        state.isReloading = false
        if case .success = result { state.applied = text }
      }
      switch result {
      case .success: onEvent(.applied(models: models.count))
      case .failure(let error): onEvent(.failed(error))
      }
    }
  }
}
