/// What became of a call, for metrics and logs.
public struct CallReport: Sendable {
  /// `Predict`, `Classify`, …: the method's name.
  public let method: String
  /// As the request named it; empty when it could not be read.
  public let model: String
  public let code: TensorFlowStatus.Code
  /// How many items were answered.
  public let items: Int
  /// From the request's last byte to the answer's first.
  public let took: Duration
}
