/// What a ramp computes from the tensor at its site.
///
/// The raw value is the name used on the command line and in a prepared model's metadata. Ramps of all styles end in the
/// shape of the model's own classifier output, so that the model's own tail can follow.
public enum RampStyle: String, Sendable, CaseIterable, Codable {
  /// Pooling and one linear layer: the cheapest, and the paper's own.
  case poolingLinear = "pooling-linear"
  /// Dense, tanh, linear on pooled features: BERT's pooler and classifier, as DeeBERT puts them after every layer.
  case deebert
  /// 3×3 convolution to few channels, ReLU, global average, linear: like BranchyNet's branches.
  case convPoolLinear = "conv-pool-linear"
}
