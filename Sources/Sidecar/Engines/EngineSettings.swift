import EarlyExit
import InferenceEngine
import OpenCLRuntime
import Serving

/// How engines are made, the same for all models of a process.
public struct EngineSettings: Sendable {
  public var device: Device
  /// How models are loaded.
  public var loading = LoadedModel.Options()
  /// Whether answers may leave early.
  public var allowsExits = true
  /// `nil`: what each model was prepared for.
  public var accuracy: AccuracyConstraint?
  public var rampBudget: Double?
  public var guarantee = Guarantee.certified
  /// Batches of these sizes are made ready for at load, where a model's input shapes are known.
  public var batchSizes = [1]
  /// How models without ramps get some; `nil`: they do not.
  public var bootstrap: BootstrapOptions?
  /// Where to keep what is learnt of models whose own directories cannot be written to; `nil`: nowhere.
  public var stateDirectory: String?
  /// Takes one line at a time, from any thread.
  public var log: @Sendable (String) -> Void = { _ in }

  public init(device: Device) { self.device = device }

  /// Who decides on the exits of a model.
  func control(of prepared: PreparedModel, stateFile: String?) throws -> EarlyExitEngine.Control {
    guard allowsExits else { return .pinned(.none) }
    let description = prepared.description
    var options = ControllerOptions(accuracy: try accuracy ?? AccuracyConstraint(description.accuracy))
    options.rampBudget = rampBudget ?? description.rampBudget
    options.guarantee = guarantee
    return .adaptive(options, stateFile: stateFile)
  }
}
