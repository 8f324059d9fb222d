import Testing

@testable import EarlyExit

@Suite struct ScoreOrderTests {
  private func order(_ scores: [Float], _ disagrees: [Bool]) -> [Int32] {
    var sorting = ScoreOrder(items: scores.count)
    var order: [Int32] = []
    // Twice, for memory is used again.
    for _ in 0..<2 {
      order = []
      sorting.append(scores.span, disagrees.span, to: &order)
    }
    return order
  }

  @Test func itemsComeByScore() {
    var random = SplitMix(seed: 3)
    for count in [0, 1, 2, 255, 1000] {
      let scores = (0..<count).map { _ in Float.random(in: 0...1, using: &random) }
      let expected = (0..<count).sorted { (scores[$0], $0) < (scores[$1], $1) }.map { Int32($0) }
      #expect(order(scores, [Bool](repeating: false, count: count)) == expected, "\(count) items")
    }
  }

  @Test func ofEqualScoresThoseThatDisagreeComeFirst() {
    let scores: [Float] = [.infinity, 0.5, 0.5, -0.0, 0.5, 0, .leastNonzeroMagnitude, 1, .infinity]
    let disagrees = [false, false, true, false, true, true, true, false, true]
    #expect(order(scores, disagrees) == [5, 3, 6, 2, 4, 1, 7, 8, 0])
  }
}
