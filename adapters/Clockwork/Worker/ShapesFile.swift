import Foundation

/// `clockwork.json` beside a model: the shapes of inputs, without the batch, that the model itself leaves open. A
/// controller knows one size for all items.
///
///     {"shapes": {"input_ids": [64], "attention_mask": [64]}}
enum ShapesFile {
  private struct Content: Decodable { let shapes: [String: [Int]] }

  static let name = "clockwork.json"

  /// By input; none when there is no such file.
  static func shapes(in directory: String) throws(ActionFailure) -> [String: [Int]] {
    let path = directory + "/" + name
    guard FileManager.default.fileExists(atPath: path) else { return [:] }
    do {
      return try JSONDecoder().decode(Content.self, from: Data(contentsOf: URL(fileURLWithPath: path))).shapes
    } catch {
      throw ActionFailure(
        .invalidModelPath, "\(path): expected {\"shapes\": {\"<input>\": [<extent>, …]}}; \(error.localizedDescription)"
      )
    }
  }
}
