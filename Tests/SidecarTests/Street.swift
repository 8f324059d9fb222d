import Datasets
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime
import Preparation
import Serving
import ServingFixtures

/// The street camera's model and tiles.
enum Street {
  static let modelPath = ModelFiles.workloads.appending(path: "vtest-resnet18.onnx").path

  static func items(_ array: String) throws -> Items {
    try Items(
      [DataSelection(ModelFiles.workloads.appending(path: "vtest-tiles.npz").path)],
      inputs: [Items.Input(name: "image", type: .float32)],
      recipes: [try InputRecipe("image=\(array) | subtract 127.5 | divide 64 | channels-first")])
  }

  /// With ramps that were trained on the few tiles of the repository.
  static let prepared = Result {
    var options = PreparationOptions()
    options.batchSizes = [1]
    options.collectionBatch = 16
    options.rampBudget = 0.2
    return try ModelPreparation(
      path: modelPath, device: RunningSidecar.device.get(), options: options, modelOptions: RunningSidecar.loading
    ).prepare(on: try items("bootstrap")).model
  }

  /// The original, loaded.
  static let original = Result {
    try LoadedModel(path: modelPath, device: RunningSidecar.device.get(), options: RunningSidecar.loading)
  }
}
