/// Convolution and pooling.
enum WindowRules {
  static let rules: [String: OperatorRule] = [
    "Conv": OperatorRule(2...3) { (context) throws(GraphError) in
      [TensorType(try context.type(0), try ConvolutionGeometry(context).outputShape)]
    },
    "MaxPool": OperatorRule(1) { (context) throws(GraphError) in
      let shape = try PoolingGeometry(context).outputShape
      return [TensorType(try context.type(0), shape), TensorType(.int64, shape)]
    },
    "AveragePool": pooling,
    "GlobalMaxPool": pooling,
    "GlobalAveragePool": pooling,
  ]

  private static let pooling = OperatorRule(1) { (context) throws(GraphError) in
    let x = try context.operand(0, of: .floatingPoint)
    return [TensorType(x.type, try PoolingGeometry(context).outputShape)]
  }
}
