import ModelGraph

/// What runs together: one tensor for each input, whose first axis is the items.
public struct Batch: Sendable {
  public let inputs: [String: Tensor]
  /// How many items there are: the first extent of every input.
  public let count: Int
  /// The items, by position, whose answers must be the model's own. Ascending.
  public let exactItems: [Int]

  public init(inputs: [String: Tensor], count: Int, exactItems: [Int] = []) {
    self.inputs = inputs
    self.count = count
    self.exactItems = exactItems
  }
}
