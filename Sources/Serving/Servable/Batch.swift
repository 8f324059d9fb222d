import ModelGraph

/// What runs together: one tensor for each input, whose first axis is the items.
public struct Batch: Sendable {
  public let inputs: [String: Tensor]
  /// How many items there are, fill included: the first extent of every input.
  public let count: Int
  /// The items, by position, whose answers must be the model's own. Ascending.
  public let exactItems: [Int]
  /// How many of the last items are fill, to make a batch of a size that is wanted: nobody waits for their answers, and
  /// nothing must be learnt from them.
  public let padding: Int

  public init(inputs: [String: Tensor], count: Int, exactItems: [Int] = [], padding: Int = 0) {
    self.inputs = inputs
    self.count = count
    self.exactItems = exactItems
    self.padding = padding
  }
}
