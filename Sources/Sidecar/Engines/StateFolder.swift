import Foundation
import Serving

/// Where what is learnt of a version is kept: beside its model, or where that cannot be written to, below a directory of
/// our own.
struct StateFolder: Sendable {
  static let controllerName = "model.apparate.state"

  /// `nil`: there is none.
  let fallback: String?
  var isWritable: @Sendable (String) -> Bool = { access($0, W_OK) == 0 }

  /// An existing directory that can be written to; `nil` when there is none.
  func path(for id: ServableID, at directory: String) -> String? {
    if isWritable(directory) { return directory }
    guard let own = ownPath(of: id) else { return nil }
    try? FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
    return isWritable(own) ? own : nil
  }

  /// A prepared model in our own directory, of a version whose own directory has none; `nil` when there is none.
  func preparedModel(for id: ServableID) -> String? {
    guard let path = ownPath(of: id).map({ "\($0)/\(VersionFiles.preparedName)" }) else { return nil }
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }

  /// A model's name may hold anything; a directory's may not.
  private func ownPath(of id: ServableID) -> String? {
    guard let fallback else { return nil }
    let name = String(id.name.map { $0.isLetter || $0.isNumber || "-_.".contains($0) ? $0 : "_" })
    return "\(fallback)/\(name.hasPrefix(".") ? "_" + name : name)/\(id.version)"
  }
}
