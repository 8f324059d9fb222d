import Dispatch
import NIOCore
import NIOHTTP1
import RPC
import Synchronization
import Wire

/// Sends a share of the Predict calls that were answered here to the server beside this one, too, and compares the answers.
///
/// Off the answer's path: a call is followed after its answer has gone out, by a bounded number at a time; what comes on top
/// is skipped and counted so. Thread-safe.
public final class Shadow: Sendable {
  private let fraction: Double
  private let grpc: Client?
  private let rest: RESTUpstream?
  private let metrics: ServingMetrics
  private let log: @Sendable (String) -> Void
  private let calls = Atomic(0)
  private let underWay: BodyBudget
  private let bytes: BodyBudget
  /// Comparing takes time that event loops do not have.
  private let queue = DispatchQueue(label: "apparate.shadow", qos: .utility)
  /// Guards when a difference was last told.
  private let lastLine = Mutex<ContinuousClock.Instant?>(nil)

  private static let callLimit = 32
  private static let byteLimit = 64 << 20
  private static let timeout = Duration.seconds(30)
  /// Between two lines of the log.
  private static let linePause = Duration.seconds(1)

  /// - Parameters:
  ///   - fraction: of the calls.
  ///   - grpc: where calls over gRPC go; `nil`: they are not followed.
  ///   - rest: the same for REST.
  init(
    fraction: Double, grpc: Endpoint?, rest: Endpoint?, metrics: ServingMetrics, group: any EventLoopGroup,
    log: @escaping @Sendable (String) -> Void
  ) {
    self.fraction = fraction
    self.grpc = grpc.map { Client($0, group: group) }
    self.rest = rest.map { RESTUpstream($0, timeout: Self.timeout, bodyLimit: Self.byteLimit) }
    self.metrics = metrics
    self.log = log
    underWay = BodyBudget(limit: Self.callLimit)
    bytes = BodyBudget(limit: Self.byteLimit)
  }

  func shutDown() async {
    await grpc?.shutDown()
    rest?.close()
  }

  // MARK: Calls

  /// A Predict call over gRPC was answered.
  func follow(_ request: ByteBuffer, of model: String, answer: MessagePieces) {
    guard let grpc, isSampled else { return }
    let size = request.readableBytes + answer.byteCount
    guard begin(model, size) else { return }
    let ours = ByteBuffer(answer)
    grpc.call("/\(PredictionService.name)/Predict", request, timeout: Self.timeout) { [self] result in
      queue.async { [self] in
        switch result {
        case .success(let theirs):
          tell(ShadowComparison.compare(predictions: ours, theirs.message), model)
        case .failure(let status): fail(model, "\(status)")
        }
        end(size)
      }
    }
  }

  /// A predict call over REST was answered.
  func follow(_ call: RESTCall, of model: String, answer: ByteBuffer) {
    guard let rest, isSampled else { return }
    let size = call.body.readableBytes + answer.readableBytes
    guard begin(model, size) else { return }
    rest.forward(
      RESTCall(head: call.head, body: call.body, started: .now(), eventLoop: call.eventLoop) { [self] theirs in
        queue.async { [self] in
          if theirs.status == .ok {
            tell(ShadowComparison.compare(json: answer, theirs.body), model)
          } else {
            fail(model, "\(theirs.status)")
          }
          end(size)
        }
      } onEnd: {
      })
  }

  /// Places on the unit circle, a golden section apart: evenly spread, and in step with no pattern of the traffic.
  private var isSampled: Bool {
    let number = calls.wrappingAdd(1, ordering: .relaxed).oldValue
    let place = Double(number) * 0.618_033_988_749_894_9
    return place - place.rounded(.down) < fraction
  }

  private func begin(_ model: String, _ size: Int) -> Bool {
    if underWay.take(1) {
      if bytes.take(size) { return true }
      underWay.give(back: 1)
    }
    metrics.shadowed(model: model, result: "skipped")
    return false
  }

  private func end(_ size: Int) {
    bytes.give(back: size)
    underWay.give(back: 1)
  }

  // MARK: Findings

  private func tell(_ finding: ShadowComparison.Finding?, _ model: String) {
    guard let finding else { return fail(model, "its answer cannot be read") }
    metrics.shadowed(model: model, result: finding.verdict.rawValue)
    if finding.verdict == .different { say("shadow: \(model): answers differ in \(finding.place)") }
  }

  private func fail(_ model: String, _ reason: String) {
    metrics.shadowed(model: model, result: "failed")
    say("shadow: \(model): the other server has no answer: \(reason)")
  }

  private func say(_ line: String) {
    let now = ContinuousClock.now
    let isTime = lastLine.withLock { last in
      if let last, now - last < Self.linePause { return false }
      last = now
      return true
    }
    if isTime { log(line) }
  }
}
