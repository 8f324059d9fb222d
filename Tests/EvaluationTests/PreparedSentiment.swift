import Datasets
import Foundation
import ModelGraph
import OpenCLRuntime
import Preparation

/// The sentiment model that `.ci/fixtures` makes, prepared once on some movie sentences, for all tests of this target.
struct PreparedSentiment: Sendable {
  static let folder = PreparedTraffic.folder.deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent(".build-fixtures/sentiment")
  static let isThere = FileManager.default.fileExists(
    atPath: folder.appendingPathComponent("minilm-sentiment.onnx").path)
  /// All items have as many, for a model has one length behind Clockwork. Longer sentences are cut.
  static let tokens = 32

  let device: Device
  let outcome: ModelPreparation.Outcome

  /// Sentences of one domain.
  ///
  /// - Parameter domains: names of the files, with the rows to take of each.
  static func items(_ domains: [(name: String, rows: Range<Int>)]) throws -> Items {
    var ids: [Int64] = []
    for (name, rows) in domains {
      let all = try DataFile(path: folder.appendingPathComponent("\(name).npz").path).tensor(named: "ids")
      for row in rows { ids += all.integers[row * all.shape[1]..<(row * all.shape[1] + tokens)].map { Int64($0) } }
    }
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).npy").path
    try NumPyFile.write(Tensor(ids, shape: [ids.count / tokens, tokens]), to: path)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try Items(
      [DataSelection(path: path)],
      inputs: [.init(name: "input_ids", type: .int64), .init(name: "attention_mask", type: .int64)],
      recipes: [try InputRecipe("input_ids=array"), try InputRecipe("attention_mask=array | nonzero")])
  }

  static let shared = Result { try PreparedSentiment() }

  private init() throws {
    device = try Device.select()
    outcome = try ModelPreparation(
      path: Self.folder.appendingPathComponent("minilm-sentiment.onnx").path, device: device,
      options: PreparedTraffic.options(), modelOptions: PreparedTraffic.loading
    ).prepare(on: try Self.items([("movie", 0..<160)]))
  }
}
