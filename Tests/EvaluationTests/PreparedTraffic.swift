import Datasets
import EarlyExit
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime
import Preparation
import Serving

/// The traffic model, prepared once on the few tiles of the repository, for all tests of this target.
struct PreparedTraffic: Sendable {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Workloads")
  static let modelPath = folder.appendingPathComponent("vtest-resnet18.onnx").path

  let device: Device
  let outcome: ModelPreparation.Outcome

  /// Single launches share kernels, which saves compiling.
  static var loading: LoadedModel.Options {
    var options = LoadedModel.Options()
    options.singleLaunch = false
    return options
  }

  static func items(_ array: String, _ rows: String = "", limit: Int = .max) throws -> Items {
    let recipe = try InputRecipe("image=\(array) | subtract 127.5 | divide 64 | channels-first")
    return try Items(
      [DataSelection(folder.appendingPathComponent("vtest-tiles.npz").path + rows)],
      inputs: [Items.Input(name: "image", type: .float32)], recipes: [recipe], limit: limit)
  }

  static func options(seed: UInt64 = 3) -> PreparationOptions {
    var options = PreparationOptions()
    options.batchSizes = [1]
    options.collectionBatch = 16
    options.rampBudget = 0.2
    options.seed = seed
    return options
  }

  static let shared = Result { try PreparedTraffic() }

  private init() throws {
    device = try Device.select()
    outcome = try ModelPreparation(
      path: Self.modelPath, device: device, options: Self.options(), modelOptions: Self.loading
    ).prepare(on: try Self.items("bootstrap"))
  }
}
