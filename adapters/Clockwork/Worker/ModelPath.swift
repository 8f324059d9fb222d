import Foundation
import Serving

/// Finds the directory that a controller's path means.
///
/// A path is a directory of ours under the model root (`resnet50/3` for one version, `resnet50` for the latest), or a
/// prefix of files in Clockwork's zoo, `…/resnet50_v2/model`, which means the directory of that name. Nothing outside of
/// the root is ever meant: the path comes from the network.
struct ModelPath {
  let root: String

  /// - Returns: the version to load: the one that the path names, else the latest.
  func version(for path: String) throws(ActionFailure) -> VersionFiles {
    let parts = try components(path)
    guard let name = parts.last else { throw failure(path, "it names nothing") }
    for candidate in candidates(parts, name: name) {
      if let version = latestVersion(in: root + "/" + candidate.joined(separator: "/")) { return version }
    }
    throw failure(path, "there is no version of \(root)/\(name)")
  }

  private func failure(_ path: String, _ reason: String) -> ActionFailure {
    ActionFailure(.invalidModelPath, "model path \"\(path)\": \(reason)")
  }

  private func components(_ path: String) throws(ActionFailure) -> [String] {
    let standard = URL(fileURLWithPath: root).standardizedFileURL.path
    let relative = path.hasPrefix(standard + "/") ? String(path.dropFirst(standard.count)) : path
    let parts = relative.split(separator: "/").map(String.init).filter { $0 != "." }
    guard !parts.contains(".."), !parts.contains(where: { $0.contains("\0") }) else {
      throw failure(path, "it must not leave the model root")
    }
    guard path.utf8.count <= Self.longestPath else { throw failure(String(path.prefix(64)), "it is too long") }
    return parts
  }

  private static let longestPath = 4096

  /// Places under the root, most specific first: the path as it is, then with the zoo's `model` taken off, then only
  /// its last part.
  private func candidates(_ parts: [String], name: String) -> [[String]] {
    var result = [parts]
    if name == "model", parts.count > 1 {
      result.append(Array(parts.dropLast()))
      result.append([parts[parts.count - 2]])
    } else {
      if Int64(name) != nil, parts.count > 1 { result.append(Array(parts.suffix(2))) }
      result.append([name])
    }
    return result
  }

  private func latestVersion(in directory: String) -> VersionFiles? {
    if let files = try? VersionFiles(directory: directory) { return files }
    let versions = ((try? VersionDirectories.list(basePath: directory)) ?? [:]).sorted { $0.key > $1.key }
    return versions.lazy.compactMap { try? VersionFiles(directory: $0.value) }.first
  }
}
