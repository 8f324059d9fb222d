extension ModelConfiguration {
  /// Platforms that a model may ask for. `tensorflow` is what configurations written for TensorFlow Serving say; the
  /// files in the version's directory decide how it is loaded.
  public static let supportedPlatforms: Set<String> = ["tensorflow", "onnx", "apparate"]

  /// Checks that a list can be served, next to what is served now. The first thing that is wrong is told.
  ///
  /// - Parameter current: platforms of the models that are configured now, by name.
  static func validate(_ list: [Self], current: [String: String]) throws(ReloadError) {
    var names: Set<String> = []
    for model in list where !names.insert(model.name).inserted { throw .duplicateModel(name: model.name) }
    for model in list {
      guard model.basePath.hasPrefix("/") else { throw .relativeBasePath(model: model.name, path: model.basePath) }
      guard supportedPlatforms.contains(model.platform) else {
        throw .unsupportedPlatform(model: model.name, platform: model.platform)
      }
      if let platform = current[model.name], platform != model.platform { throw .platformChanged(model: model.name) }
    }
  }
}

extension ModelConfiguration.VersionPolicy {
  /// The versions of `available` to serve, highest first.
  func choice(of available: some Sequence<Int64>) -> [Int64] {
    let descending = Set(available).sorted(by: >)
    return switch self {
    case .latest(let count): Array(descending.prefix(max(1, count)))
    case .all: descending
    case .specific(let versions): descending.filter(Set(versions).contains)
    }
  }
}
