import Foundation
import Testing

@testable import EarlyExit

@Suite struct ElementaryTests {
  @Test func exponentialIsExactToAFewUnitsInTheLastPlace() {
    for step in -870...880 {
      let x = Float(step) / 10
      let expected = exp(Double(x))
      #expect(abs(Double(Elementary.exp(x)) / expected - 1) < 1e-6, "exp(\(x))")
    }
  }

  @Test func tanhIsExactAndBounded() {
    for step in -300...300 {
      let x = Float(step) / 10
      #expect(abs(Double(Elementary.tanh(x)) - tanh(Double(x))) < 5e-7, "tanh(\(x))")
    }
    #expect(Elementary.tanh(1e30) == 1 && Elementary.tanh(-1e30) == -1)
  }

  @Test func tanhOfAnArrayIsThatOfItsElements() {
    var values: [Float] = [-2, -1, 0, 0.5, 1, 3, 100]
    let expected = values.map { Elementary.tanh($0) }
    Elementary.replaceByTanh(&values)
    #expect(values == expected)
  }

  @Test func logarithmIsExact() {
    for exponent in -60...60 {
      for mantissa in [1.0, 1.2, 1.4142, 1.4143, 1.7, 1.999] {
        let x = mantissa * pow(2, Double(exponent))
        #expect(abs(Elementary.log(x) - log(x)) < 1e-14 * max(1, abs(log(x))), "log(\(x))")
      }
    }
  }
}
