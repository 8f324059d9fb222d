import EarlyExit
import Foundation

/// A controller's memory beside its model: there as a whole or not at all.
struct ControllerStateFile: Sendable {
  let path: String
  /// Of the model with its ramps: another one's state is refused.
  let fingerprint: String

  func write(_ controller: Controller) throws {
    let bytes = controller.encoded(fingerprint: fingerprint)
    try AtomicFile.write(to: path) { try $0.write(contentsOf: Data(bytes)) }
  }

  /// The controller as it was written; `nil` when there is no file.
  ///
  /// - Throws: `EarlyExitError` when the file is damaged, of another model or of a newer program.
  func read(profile: LatencyProfile, options: ControllerOptions) throws -> Controller? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    return try Controller(decoding: Array(bytes), fingerprint: fingerprint, profile: profile, options: options)
  }
}
