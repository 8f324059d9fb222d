/// Elementary functions from arithmetic alone: vectorisable, and bit for bit the same with every C library.
enum Elementary {
  /// eˣ with a relative error under 2e-7; x is clamped to [-87, 88].
  @inline(__always)
  static func exp(_ x: SIMD4<Float>) -> SIMD4<Float> {
    let clamped = x.clamped(lowerBound: SIMD4(repeating: -87), upperBound: SIMD4(repeating: 88))
    // Adding 1.5 · 2²³ rounds to an integer and leaves it in the low bits.
    let shifted = clamped * 1.442_695_04 + 12_582_912
    let power = shifted - 12_582_912
    // ln 2 in two parts, so that the remainder is exact.
    let r = (clamped - power * 0.693_359_375) - power * -2.121_944_4e-4
    var sum = r * (1 / 5040) + 1 / 720
    sum = sum * r + 1 / 120
    sum = sum * r + 1 / 24
    sum = sum * r + 1 / 6
    sum = sum * r + 0.5
    sum = (sum * r + 1) * r + 1
    let exponent = unsafeBitCast(shifted, to: SIMD4<Int32>.self) &<< 23
    return sum * unsafeBitCast(exponent &+ SIMD4(repeating: 0x3F80_0000), to: SIMD4<Float>.self)
  }

  static func exp(_ x: Float) -> Float { exp(SIMD4(repeating: x))[0] }

  /// tanh with an absolute error under 3e-7.
  @inline(__always)
  static func tanh(_ x: SIMD4<Float>) -> SIMD4<Float> {
    let clamped = x.clamped(lowerBound: SIMD4(repeating: -20), upperBound: SIMD4(repeating: 20))
    return 1 - 2 / (exp(clamped + clamped) + 1)
  }

  static func tanh(_ x: Float) -> Float { tanh(SIMD4(repeating: x))[0] }

  /// Replaces each x by tanh(x).
  static func replaceByTanh(_ values: inout [Float]) {
    values.withUnsafeMutableBufferPointer { values in
      let quads = values.count & ~3
      for index in stride(from: 0, to: quads, by: 4) {
        let quad = values.baseAddress! + index
        DenseProducts.store(tanh(DenseProducts.load(quad)), at: quad)
      }
      for index in quads..<values.count { values[index] = tanh(values[index]) }
    }
  }

  /// Natural logarithm of a positive, finite number, to about 1e-15.
  static func log(_ x: Double) -> Double {
    var mantissa = x.significand
    var exponent = Double(x.exponent)
    if mantissa > 1.414_213_562_373_095 {
      mantissa /= 2
      exponent += 1
    }
    // log m = 2 artanh((m - 1) / (m + 1)), a series that converges fast for m in [0.71, 1.41].
    let s = (mantissa - 1) / (mantissa + 1)
    let square = s * s
    var sum = 0.0
    for odd in stride(from: 21, through: 1, by: -2) { sum = sum * square + 1 / Double(odd) }
    return exponent * 0.693_147_180_559_945_3 + 2 * s * sum
  }
}
