import NIOCore
import NIOHTTP1
import NIOPosix
import RPC

/// What all connections of a server share.
final class RESTServerCore: Sendable {
  let handler: RESTHandler
  let options: RESTOptions
  let limits: RESTLimits
  let budget: BodyBudget

  init(handler: RESTHandler, options: RESTOptions, limits: RESTLimits) {
    self.handler = handler
    self.options = options
    self.limits = limits
    budget = BodyBudget(limit: limits.heldBodyBytes)
  }
}

/// TensorFlow Serving's REST face: HTTP/1.1 in the clear.
public final class RESTServer: Sendable {
  private let listener: Listener
  private let core: RESTServerCore
  private let workers: NIOThreadPool
  private let upstream: RESTUpstream?

  private init(listener: Listener, core: RESTServerCore, workers: NIOThreadPool, upstream: RESTUpstream?) {
    self.listener = listener
    self.core = core
    self.workers = workers
    self.upstream = upstream
  }

  /// Starts to serve.
  ///
  /// - Parameters:
  ///   - upstream: a TensorFlow Serving that is asked for models that are not managed here.
  ///   - workerThreads: threads that read and write large bodies.
  /// - Throws: ``RPCError`` when an address cannot be used.
  public static func start(
    on endpoints: [Endpoint], service: InferenceService, options: RESTOptions = RESTOptions(),
    limits: RESTLimits = RESTLimits(), upstream: Endpoint? = nil, workerThreads: Int = 2, group: any EventLoopGroup
  ) async throws(RPCError) -> RESTServer {
    let workers = NIOThreadPool(numberOfThreads: max(1, workerThreads))
    workers.start()
    let upstream = upstream.map { RESTUpstream($0, timeout: options.timeout, bodyLimit: limits.bodyBytes) }
    let handler = RESTHandler(
      service: service, options: options, limits: limits, workers: workers, upstream: upstream)
    let core = RESTServerCore(handler: handler, options: options, limits: limits)
    do throws(RPCError) {
      let listener = try await Listener.listen(
        on: endpoints, tls: nil, maximumConnections: limits.connections, group: group
      ) { channel in
        // Without pipelining assistance: `RESTConnection` keeps requests apart, and back.
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
          withPipeliningAssistance: false, withErrorHandling: true)
        try channel.pipeline.syncOperations.addHandler(RESTConnection(server: core))
      }
      return RESTServer(listener: listener, core: core, workers: workers, upstream: upstream)
    } catch {
      try? await workers.shutdownGracefully()
      throw error
    }
  }

  /// Where it listens, with the ports that the system chose.
  public var endpoints: [Endpoint] { listener.endpoints }

  public var connectionCount: Int { listener.connectionCount }

  /// Bytes of request bodies that are held at the moment.
  public var heldBodyBytes: Int { core.budget.bytesHeld }

  /// Stops: no new connections and requests, those under way finish.
  ///
  /// - Parameter limit: after which connections are cut.
  /// - Returns: how many had to be cut.
  @discardableResult
  public func drain(within limit: Duration) async -> Int {
    let cut = await listener.drain(within: limit)
    upstream?.close()
    try? await workers.shutdownGracefully()
    return cut
  }
}
