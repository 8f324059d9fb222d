import Testing

@testable import EarlyExit

@Suite struct FeatureMatrixTests {
  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func refusesWhatIsNotFiniteAndSaysWhere(value: Float) {
    var values = [Float](repeating: 0.5, count: 12)
    values[7] = value
    do {
      _ = try FeatureMatrix(values, items: 3, features: 4)
      Issue.record("a matrix with \(value)")
    } catch {
      #expect("\(error)".contains("feature 3 of item 1"))
    }
  }

  @Test func refusesSizesThatDoNotFit() {
    #expect(throws: EarlyExitError.noItems) { try FeatureMatrix([], items: 0, features: 4) }
    #expect(throws: EarlyExitError.noItems) { try FeatureMatrix([], items: -1, features: 4) }
    for (items, shape) in [
      (2, FeatureShape.vector(3)), (1, .vector(0)), (.max, .vector(.max)),
      (1, .map(channels: 2, height: -1, width: 2)), (1, .map(channels: .max, height: 2, width: .max)),
    ] {
      #expect(throws: EarlyExitError.self, "\(items) × \(shape)") {
        try FeatureMatrix([1, 2, 3, 4], items: items, shape: shape)
      }
    }
  }

  @Test func takesRowsInTheOrderAskedFor() throws {
    let features = try FeatureMatrix([0, 1, 10, 11, 20, 21], items: 3, features: 2)
    #expect(features.rows([2, 0, 2]).values == [20, 21, 0, 1, 20, 21])
  }
}
