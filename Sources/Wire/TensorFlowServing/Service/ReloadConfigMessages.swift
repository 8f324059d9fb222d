internal import CMessages

/// `ReloadConfigRequest`.
public struct ReloadConfigRequestMessage: Hashable, Sendable {
  /// `ModelConfig`.
  public struct Model: Hashable, Sendable {
    public enum VersionPolicy: Hashable, Sendable {
      /// 0 means 1.
      case latest(count: UInt32)
      case all
      case specific([Int64])
    }

    public var name: String
    public var basePath: String
    /// Older than `platform`: 0 not set, 1 TensorFlow, 2 other.
    public var type: UInt32
    public var platform: String
    public var versionPolicy: VersionPolicy?
    public var labels: [String: Int64]
  }

  /// The new list; nil when the request holds none, or a configuration of another kind.
  public let models: [Model]?
  public let metricNames: [String]

  public init(reading bytes: UnsafeRawBufferPointer) throws(WireError) {
    let skeleton = try SkeletonScanner.skeleton(of: bytes, as: .reloadConfigRequest)
    let message = try UnpackedMessage(
      skeleton, unpack: tensorflow__serving__reload_config_request__unpack,
      free: tensorflow__serving__reload_config_request__free_unpacked)
    self = try message.read { (request) throws(WireError) in ReloadConfigRequestMessage(request) }
  }

  private init(_ request: Tensorflow__Serving__ReloadConfigRequest) {
    metricNames = UnsafeBufferPointer(start: request.metric_names, count: request.n_metric_names).map { text($0) }
    guard let config = request.config?.pointee,
      config.config_case == TENSORFLOW__SERVING__MODEL_SERVER_CONFIG__CONFIG_MODEL_CONFIG_LIST,
      let list = config.model_config_list?.pointee
    else {
      models = nil
      return
    }
    models = UnsafeBufferPointer(start: list.config, count: list.n_config).compactMap { $0.map { Model($0.pointee) } }
  }
}

extension ReloadConfigRequestMessage.Model {
  fileprivate init(_ model: Tensorflow__Serving__ModelConfig) {
    name = text(model.name)
    basePath = text(model.base_path)
    type = model.model_type.rawValue
    platform = text(model.model_platform)
    versionPolicy = model.model_version_policy.flatMap { VersionPolicy($0.pointee) }
    labels = [:]
    for entry in UnsafeBufferPointer(start: model.version_labels, count: model.n_version_labels) {
      guard let entry = entry?.pointee else { continue }
      labels[text(entry.key)] = entry.value
    }
  }
}

extension ReloadConfigRequestMessage.Model.VersionPolicy {
  fileprivate init?(_ policy: Tensorflow__Serving__FileSystemStoragePathSourceConfig__ServableVersionPolicy) {
    switch policy.policy_choice_case {
    case TENSORFLOW__SERVING__FILE_SYSTEM_STORAGE_PATH_SOURCE_CONFIG__SERVABLE_VERSION_POLICY__POLICY_CHOICE_LATEST:
      self = .latest(count: policy.latest?.pointee.num_versions ?? 0)
    case TENSORFLOW__SERVING__FILE_SYSTEM_STORAGE_PATH_SOURCE_CONFIG__SERVABLE_VERSION_POLICY__POLICY_CHOICE_ALL:
      self = .all
    case TENSORFLOW__SERVING__FILE_SYSTEM_STORAGE_PATH_SOURCE_CONFIG__SERVABLE_VERSION_POLICY__POLICY_CHOICE_SPECIFIC:
      self = .specific(
        policy.specific.map { Array(UnsafeBufferPointer(start: $0.pointee.versions, count: $0.pointee.n_versions)) }
          ?? [])
    default: return nil
    }
  }
}

extension MessageSchema {
  fileprivate static let reloadConfigRequest = MessageSchema(
    "ReloadConfigRequest", [1: .one("config", modelServerConfig), 2: .string("metric_names")])

  private static let modelServerConfig = MessageSchema(
    "ModelServerConfig", [1: .one("model_config_list", modelConfigList), 2: .one("custom_model_config", any)])

  private static let any = MessageSchema("Any", [:])

  private static let modelConfigList = MessageSchema("ModelConfigList", [1: .many("config", modelConfig)])

  private static let modelConfig = MessageSchema(
    "ModelConfig",
    [
      1: .string("name"), 2: .string("base_path"), 3: .number("model_type"), 4: .string("model_platform"),
      7: .one("model_version_policy", versionPolicy), 8: .many("version_labels", versionLabel),
    ])

  private static let versionLabel = MessageSchema(
    "ModelConfig.VersionLabelsEntry", [1: .string("key"), 2: .number("value")])

  private static let versionPolicy = MessageSchema(
    "ServableVersionPolicy",
    [
      100: .one("latest", MessageSchema("Latest", [1: .number("num_versions")])),
      101: .one("all", MessageSchema("All", [:])),
      102: .one("specific", MessageSchema("Specific", [1: .numbers("versions")])),
    ])
}

/// `ReloadConfigResponse`.
public enum ReloadConfigResponseMessage {
  /// - Parameter increases: of the counters that were asked for.
  public static func encoded(status: StatusMessage, increases: [(metric: String, by: Int64)] = []) -> MessagePieces {
    MessageBuilder.build { builder in
      let response = builder.make(tensorflow__serving__reload_config_response__init)
      response.pointee.status = builder.status(status)
      let metrics = increases.map { increase in
        let metric = builder.make(tensorflow__serving__metric__init)
        metric.pointee.name = builder.text(increase.metric)
        metric.pointee.value_increase_case = TENSORFLOW__SERVING__METRIC__VALUE_INCREASE_INT64_VALUE_INCREASE
        metric.pointee.int64_value_increase = increase.by
        return metric
      }
      (response.pointee.metric, response.pointee.n_metric) = builder.list(metrics)
      return builder.pack(&response.pointee.base)
    }
  }
}
