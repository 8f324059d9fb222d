import Testing

@testable import EarlyExit

@Suite struct LBFGSTests {
  @Test func findsTheMinimumOfABadlyScaledQuadratic() throws {
    let curvatures: [Float] = [1, 10, 100, 1000, 0.1]
    let target: [Float] = [1, -2, 3, 0.5, -4]
    let outcome = try LBFGS(maximumIterations: 200, gradientTolerance: 1e-4, valueTolerance: 0).minimise(
      from: [Float](repeating: 0, count: 5), checkpoint: { (_) throws(EarlyExitError) in }
    ) { point, gradient in
      (0..<5).reduce(0.0) { sum, index in
        let distance = point[index] - target[index]
        gradient[index] = curvatures[index] * distance
        return sum + 0.5 * Double(curvatures[index] * distance * distance)
      }
    }
    #expect(outcome.converged)
    for (got, expected) in zip(outcome.point, target) { #expect(abs(got - expected) < 5e-3) }
  }

  @Test func followsRosenbrocksValley() throws {
    let outcome = try LBFGS(maximumIterations: 200, gradientTolerance: 1e-3, valueTolerance: 0).minimise(
      from: [-1.2, 1], checkpoint: { (_) throws(EarlyExitError) in }
    ) { point, gradient in
      let (x, y) = (point[0], point[1])
      gradient[0] = -400 * x * (y - x * x) - 2 * (1 - x)
      gradient[1] = 200 * (y - x * x)
      return 100 * Double(y - x * x) * Double(y - x * x) + Double(1 - x) * Double(1 - x)
    }
    #expect(outcome.converged)
    #expect(abs(outcome.point[0] - 1) < 0.01 && abs(outcome.point[1] - 1) < 0.02, "\(outcome.point)")
  }

  @Test func saysWhenItRanOutOfIterations() throws {
    var checkpoints: [Int] = []
    let outcome = try LBFGS(maximumIterations: 2, gradientTolerance: 0).minimise(
      from: [3, 3], checkpoint: { (iteration) throws(EarlyExitError) in checkpoints.append(iteration) }
    ) { point, gradient in
      gradient[0] = 4 * point[0] * point[0] * point[0]
      gradient[1] = 2 * point[1]
      return Double(point[0] * point[0] * point[0] * point[0] + point[1] * point[1])
    }
    #expect(!outcome.converged && outcome.iterations == 2 && checkpoints == [0, 1])
  }

  @Test func endsWhenTheValueFallsNoMore() throws {
    // x⁴ is ever flatter, and 1 more than that is ever less worth the steps.
    func iterations(_ tolerance: Double) throws -> Int {
      try LBFGS(maximumIterations: 500, gradientTolerance: 0, valueTolerance: tolerance).minimise(
        from: [3], checkpoint: { (_) throws(EarlyExitError) in }
      ) { point, gradient in
        gradient[0] = 4 * point[0] * point[0] * point[0]
        return 1 + Double(point[0]) * Double(point[0]) * Double(point[0]) * Double(point[0])
      }.iterations
    }
    #expect(try iterations(1e-3) < iterations(0))
    #expect(try iterations(1e-3) % 10 == 0)
  }

  @Test func endsAtTheStartWhenThatIsAMinimum() throws {
    let outcome = try LBFGS().minimise(from: [0], checkpoint: { (_) throws(EarlyExitError) in }) { point, gradient in
      gradient[0] = 2 * point[0]
      return Double(point[0] * point[0])
    }
    #expect(outcome.converged && outcome.iterations == 0 && outcome.point == [0])
  }

  @Test func endsWhereTheFunctionIsNoNumber() throws {
    let outcome = try LBFGS().minimise(from: [1], checkpoint: { (_) throws(EarlyExitError) in }) { point, gradient in
      gradient[0] = 1
      return point[0] < 1 ? .nan : 0
    }
    #expect(outcome.point == [1])
  }
}
