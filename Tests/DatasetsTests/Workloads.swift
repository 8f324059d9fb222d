import Foundation

/// Files of Tests/Workloads.
enum Workloads {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static func path(_ name: String) -> String { root.appendingPathComponent("Tests/Workloads/\(name)").path }
}
