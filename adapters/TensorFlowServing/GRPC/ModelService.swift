import Serving
import Wire

/// `tensorflow.serving.ModelService`: request bytes to response bytes. Thread-safe; nothing blocks.
public struct ModelService: Sendable {
  public static let name = "tensorflow.serving.ModelService"

  private let service: InferenceService
  private let counters: @Sendable () -> [String: Int64]

  /// - Parameter counters: the values of all counters by name, for those who ask how they grow over a reload.
  public init(_ service: InferenceService, counters: @escaping @Sendable () -> [String: Int64] = { [:] }) {
    self.service = service
    self.counters = counters
  }

  public func getModelStatus(_ request: any ByteOwner) throws(TensorFlowStatus) -> ServiceReply {
    let message = try read(request, "GetModelStatusRequest") { (bytes) throws(WireError) in
      try GetModelStatusRequestMessage(reading: bytes)
    }
    let states = try service.versionStates(message.modelSpec)
    return ServiceReply(message: GetModelStatusResponseMessage.encoded(states.map { .init($0) }))
  }

  /// Tells the end of a reload both as the call's status and inside the answer, which here means: a failure's answer is
  /// its status.
  public func handleReloadConfigRequest(_ request: any ByteOwner, completion: @escaping ServiceCompletion) {
    do throws(TensorFlowStatus) {
      let message = try read(request, "ReloadConfigRequest") { (bytes) throws(WireError) in
        try ReloadConfigRequestMessage(reading: bytes)
      }
      guard let list = message.models else {
        throw .invalid(
          "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported"
        )
      }
      var models: [ModelConfiguration] = []
      for model in list { models.append(try ModelConfiguration(model)) }
      let (names, counters) = (message.metricNames, counters)
      let before = names.isEmpty ? [:] : counters()
      service.source.reload(models) { result in
        completion(
          result.mapError { TensorFlowStatus($0) }.map {
            let after = names.isEmpty ? [:] : counters()
            return ServiceReply(
              message: ReloadConfigResponseMessage.encoded(
                status: StatusMessage(code: 0, message: ""),
                increases: names.map { ($0, after[$0, default: 0] - before[$0, default: 0]) }))
          })
      }
    } catch {
      completion(.failure(error))
    }
  }
}

extension GetModelStatusResponseMessage.Version {
  public init(_ state: VersionState) {
    let phase: State =
      switch state.phase {
      case .start: .start
      case .loading: .loading
      case .available: .available
      case .unloading: .unloading
      case .end: .end
      }
    let code = state.failure == nil ? TensorFlowStatus.Code.ok : .unknown
    self.init(
      version: state.version, state: phase, status: StatusMessage(code: code.rawValue, message: state.failure ?? ""))
  }
}

extension ModelConfiguration {
  /// Texts as in TensorFlow-Serving's server_core.cc.
  fileprivate init(_ model: ReloadConfigRequestMessage.Model) throws(TensorFlowStatus) {
    let platform: String
    switch (model.type, model.platform) {
    case (0, ""):
      throw .invalid(
        "Illegal setting neither ModelServerConfig::model_type (deprecated) nor ModelServerConfig::model_platform.")
    case (0, _): platform = model.platform
    case (1, ""): platform = "tensorflow"
    case (_, ""): platform = "other"
    default:
      throw .invalid(
        "Illegal setting both ModelServerConfig::model_type (deprecated) and ModelServerConfig::model_platform.")
    }
    let policy: VersionPolicy =
      switch model.versionPolicy {
      case nil: .latest(count: 1)
      case .latest(let count): .latest(count: max(1, Int(count)))
      case .all: .all
      case .specific(let versions): .specific(versions)
      }
    self.init(
      name: model.name, basePath: model.basePath, platform: platform, versionPolicy: policy, labels: model.labels)
  }
}
