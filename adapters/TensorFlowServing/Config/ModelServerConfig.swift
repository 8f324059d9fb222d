import Serving

/// `tensorflow.serving.ModelServerConfig`: which models are served, from `--model_config_file`.
public enum ModelServerConfig: Equatable, Sendable {
  /// Whether the list makes sense as a whole is for the repository to say.
  case models([ModelConfiguration])
  /// A platform of the user's own; nothing here knows one.
  case custom
  /// Neither is set.
  case empty

  static let messageName = "tensorflow.serving.ModelServerConfig"

  public static func read(path: String) throws(ConfigurationError) -> Self { try parse(ConfigurationFile.read(path)) }

  /// - Parameter text: in protobuf's text format.
  public static func parse(_ text: [UInt8]) throws(ConfigurationError) -> Self {
    let config = try TypedTextMessage.parse(
      text, as: messageName, fields: ["model_config_list", "custom_model_config"])
    let list = try config.message(
      "model_config_list", type: "tensorflow.serving.ModelConfigList", fields: ["config"])
    guard let list else { return config.has("custom_model_config") ? .custom : .empty }
    guard !config.has("custom_model_config") else {
      throw config.error("\"model_config_list\" and \"custom_model_config\" are members of the same oneof.")
    }
    var models: [ModelConfiguration] = []
    for entry in try list.messages("config", type: "tensorflow.serving.ModelConfig", fields: modelFields) {
      models.append(try model(entry))
    }
    return .models(models)
  }

  /// The models to serve.
  ///
  /// - Throws: ``ConfigurationError/invalid(message:problem:)`` when the configuration is of another kind.
  public func models() throws(ConfigurationError) -> [ModelConfiguration] {
    switch self {
    case .models(let models): return models
    case .empty: return []
    case .custom: throw .invalid(message: Self.messageName, problem: "custom_model_config is not supported")
    }
  }

  private static let modelFields: Set<String> = [
    "name", "base_path", "model_type", "model_platform", "model_version_policy", "version_labels", "logging_config",
    "logging_configs",
  ]

  private static func model(_ config: TypedTextMessage) throws(ConfigurationError) -> ModelConfiguration {
    var labels: [String: Int64] = [:]
    for label in try config.messages(
      "version_labels", type: "tensorflow.serving.ModelConfig.VersionLabelsEntry", fields: ["key", "value"])
    {
      labels[try label.string("key") ?? ""] = try label.integer("value") ?? 0
    }
    return ModelConfiguration(
      name: try config.string("name") ?? "", basePath: try config.string("base_path") ?? "",
      platform: try platform(config), versionPolicy: try versionPolicy(config), labels: labels)
  }

  /// `model_platform`, or what the deprecated `model_type` stands for. Texts as in TensorFlow Serving's server_core.cc.
  private static func platform(_ config: TypedTextMessage) throws(ConfigurationError) -> String {
    let platform = try config.string("model_platform") ?? ""
    let type = try config.enumerator(
      "model_type", names: [0: "MODEL_TYPE_UNSPECIFIED", 1: "TENSORFLOW", 2: "OTHER"])
    switch (type ?? "MODEL_TYPE_UNSPECIFIED", platform) {
    case ("MODEL_TYPE_UNSPECIFIED", ""):
      throw config.error(
        "Illegal setting neither ModelServerConfig::model_type (deprecated) nor ModelServerConfig::model_platform.")
    case ("MODEL_TYPE_UNSPECIFIED", _): return platform
    case ("TENSORFLOW", ""): return "tensorflow"
    case ("OTHER", ""): return "other"
    default:
      throw config.error(
        "Illegal setting both ModelServerConfig::model_type (deprecated) and ModelServerConfig::model_platform.")
    }
  }

  private static func versionPolicy(
    _ config: TypedTextMessage
  ) throws(ConfigurationError) -> ModelConfiguration.VersionPolicy {
    let type = "tensorflow.serving.FileSystemStoragePathSourceConfig.ServableVersionPolicy"
    let choices: Set<String> = ["latest", "all", "specific"]
    guard let policy = try config.message("model_version_policy", type: type, fields: choices) else {
      return .latest(count: 1)
    }
    guard choices.filter(policy.has).count <= 1 else {
      throw policy.error("\"latest\", \"all\" and \"specific\" are members of the same oneof.")
    }
    if let latest = try policy.message("latest", type: "\(type).Latest", fields: ["num_versions"]) {
      let count = try latest.integer("num_versions") ?? 1
      guard let exact = UInt32(exactly: count) else { throw latest.error("Integer out of range (\(count))") }
      return .latest(count: max(1, Int(exact)))
    }
    if try policy.message("all", type: "\(type).All", fields: []) != nil { return .all }
    if let specific = try policy.message("specific", type: "\(type).Specific", fields: ["versions"]) {
      return .specific(try specific.integers("versions"))
    }
    return .latest(count: 1)
  }
}
