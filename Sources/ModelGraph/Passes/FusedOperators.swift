/// The operators of domain ``OperatorDomain/apparate``: what fusion passes write and the engine lowers.
///
/// | op | inputs | output | attributes |
/// |---|---|---|---|
/// | `Conv` | X, W, bias?, residual? | Y = activation(conv(X, W) + bias + residual) | those of ONNX `Conv`, with explicit `pads`, `strides`, `dilations`, `kernel_shape`, `group`; ``Activation`` |
/// | `Gemm` | A `[..., K]`, B constant `[K, N]` (`[N, K]` with `transB`), bias? `[N]`, residual? | Y `[..., N]` = activation(A·B + bias + residual) | `transB` int, ``Activation`` |
/// | `Attention` | Q, K, V `[N, S, heads·d]`, mask? | `[N, S, heads·d]` = softmax(scale · Q·Kᵀ + mask)·V per head | `num_heads` int, `scale` float |
/// | `Activation` | X | Y = activation(X), of the shape of X | ``Activation`` |
///
/// `residual` always has the exact shape of the output. The mask is additive and broadcasts to `[N, heads, Sq, Sk]`.
public enum FusedOperator: String, Sendable {
  case conv = "Conv"
  case gemm = "Gemm"
  case attention = "Attention"
  /// An activation that no product computes and that no ONNX operator is.
  case activation = "Activation"
}

/// What a fused operator applies to each element of its result. Written to a node as the attributes `activation`
/// (the raw value of ``Kind``), `activation_alpha` and `activation_beta`; absent means none.
public struct Activation: Sendable, Hashable {
  public enum Kind: String, Sendable, CaseIterable {
    case relu, sigmoid, tanh
    /// min(max(x, alpha), beta)
    case clip
    /// x < 0 ? alpha · x : x
    case leakyRelu = "leaky_relu"
    /// min(max(alpha · x + beta, 0), 1)
    case hardSigmoid = "hard_sigmoid"
    /// x · hardSigmoid(x) with alpha = 1/6, beta = 1/2
    case hardSwish = "hard_swish"
    /// x · sigmoid(x)
    case silu
    /// x/2 · (1 + erf(x / √2))
    case gelu
    /// x/2 · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))
    case geluTanh = "gelu_tanh"
  }

  public let kind: Kind
  public let alpha: Float
  public let beta: Float

  public init(_ kind: Kind, alpha: Float = 0, beta: Float = 0) {
    self.kind = kind
    self.alpha = alpha
    self.beta = beta
  }

  public init?(of node: Node) {
    guard let kind = node.string("activation").flatMap(Kind.init(rawValue:)) else { return nil }
    self.init(kind, alpha: node.float("activation_alpha") ?? 0, beta: node.float("activation_beta") ?? 0)
  }

  public var attributes: [String: Attribute] {
    ["activation": .string(kind.rawValue), "activation_alpha": .float(alpha), "activation_beta": .float(beta)]
  }
}
