import ModelGraph

/// Activations as OpenCL C over `Kernels/math.cl`, for floats and for vectors alike.
enum ActivationExpression {
  /// - Parameter cast: put before numbers, where `x` is not of floats: `(double)`.
  static func text(for activation: Activation, of x: String, cast: String = "") -> String {
    let alpha = cast + literal(activation.alpha)
    let beta = cast + literal(activation.beta)
    return switch activation.kind {
    case .relu: "relu(\(x))"
    case .sigmoid: "sigmoid(\(x))"
    case .tanh: "hyperbolic_tangent(\(x))"
    case .clip: "clip(\(x), \(alpha), \(beta))"
    case .leakyRelu: "leaky_relu(\(x), \(alpha))"
    case .hardSigmoid: "hard_sigmoid(\(x), \(alpha), \(beta))"
    case .hardSwish: "hard_swish(\(x), \(cast)\(literal(1.0 / 6)), \(cast)0.5f)"
    case .silu: "silu(\(x))"
    case .gelu: "gelu(\(x))"
    case .geluTanh: "gelu_tanh(\(x))"
    }
  }

  /// A float as OpenCL C, exact.
  static func literal(_ value: Float) -> String {
    if value.isNaN { return "NAN" }
    if value.isInfinite { return value < 0 ? "(-INFINITY)" : "INFINITY" }
    return "as_float(0x\(String(value.bitPattern, radix: 16))u)"
  }
}
