/// Which models' weights a GPU holds, in pages. A value: the memory itself is the servables' business.
///
/// Every change to a model's weights gives them another version, so that whoever used them meanwhile can tell.
struct WeightsCache {
  let totalPages: Int
  private(set) var freePages: Int
  private var residents: [Int32: Resident] = [:]
  private var versions: [Int32: UInt64] = [:]

  private struct Resident {
    let pages: Int
    var isLoaded: Bool
  }

  init(totalPages: Int) {
    self.totalPages = totalPages
    freePages = totalPages
  }

  /// Whether the weights are here, all of them, and which they are.
  func loadedVersion(of model: Int32) -> UInt64? {
    residents[model]?.isLoaded == true ? versions[model, default: 0] : nil
  }

  func version(of model: Int32) -> UInt64 { versions[model, default: 0] }

  /// Ids of the models whose weights are here, ascending.
  var loadedModels: [Int32] { residents.filter(\.value.isLoaded).keys.sorted() }

  /// Takes pages for weights that are about to be copied; those that the model had are free before.
  ///
  /// - Returns: the version of the weights to come; `nil` when there are not enough pages.
  mutating func beginLoading(_ model: Int32, pages: Int) -> UInt64? {
    free(model)
    guard pages <= freePages else { return nil }
    freePages -= pages
    residents[model] = Resident(pages: pages, isLoaded: false)
    return version(of: model)
  }

  /// The copy is complete.
  ///
  /// - Returns: false when the weights were freed or replaced meanwhile.
  mutating func finishLoading(_ model: Int32, version: UInt64) -> Bool {
    guard self.version(of: model) == version, residents[model] != nil else { return false }
    residents[model]?.isLoaded = true
    return true
  }

  /// - Returns: whether the model had pages, which are free now.
  @discardableResult
  mutating func free(_ model: Int32) -> Bool {
    versions[model, default: 0] += 1
    guard let resident = residents.removeValue(forKey: model) else { return false }
    freePages += resident.pages
    return true
  }

  /// - Returns: the models that had pages.
  mutating func freeAll() -> [Int32] {
    let models = residents.keys.sorted()
    for model in models { free(model) }
    return models
  }
}
