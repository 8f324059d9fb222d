internal import CMessages

/// What a classification or regression answers.
public enum InferenceResult: Hashable, Sendable {
  public struct ClassScore: Hashable, Sendable {
    public var label: String
    public var score: Float

    public init(label: String, score: Float) {
      self.label = label
      self.score = score
    }
  }

  /// For each item its classes.
  case classification([[ClassScore]])
  /// For each item a number.
  case regression([Float])

  /// `ClassificationResponse` or `RegressionResponse`.
  public func encoded(modelSpec: ModelSpec) -> MessagePieces {
    MessageBuilder.build { builder in
      switch self {
      case .classification(let items):
        let response = builder.make(tensorflow__serving__classification_response__init)
        response.pointee.model_spec = builder.modelSpec(modelSpec)
        response.pointee.result = builder.classification(items)
        return builder.pack(&response.pointee.base)
      case .regression(let items):
        let response = builder.make(tensorflow__serving__regression_response__init)
        response.pointee.model_spec = builder.modelSpec(modelSpec)
        response.pointee.result = builder.regression(items)
        return builder.pack(&response.pointee.base)
      }
    }
  }

  /// `MultiInferenceResponse`.
  public static func encoded(_ results: [(modelSpec: ModelSpec, result: InferenceResult)]) -> MessagePieces {
    MessageBuilder.build { builder in
      let response = builder.make(tensorflow__serving__multi_inference_response__init)
      let messages = results.map { result in
        let message = builder.make(tensorflow__serving__inference_result__init)
        message.pointee.model_spec = builder.modelSpec(result.modelSpec)
        switch result.result {
        case .classification(let items):
          message.pointee.result_case = TENSORFLOW__SERVING__INFERENCE_RESULT__RESULT_CLASSIFICATION_RESULT
          message.pointee.classification_result = builder.classification(items)
        case .regression(let items):
          message.pointee.result_case = TENSORFLOW__SERVING__INFERENCE_RESULT__RESULT_REGRESSION_RESULT
          message.pointee.regression_result = builder.regression(items)
        }
        return message
      }
      (response.pointee.results, response.pointee.n_results) = builder.list(messages)
      return builder.pack(&response.pointee.base)
    }
  }
}

extension MessageBuilder {
  fileprivate func classification(
    _ items: [[InferenceResult.ClassScore]]
  ) -> UnsafeMutablePointer<Tensorflow__Serving__ClassificationResult> {
    let result = make(tensorflow__serving__classification_result__init)
    let lists = items.map { classes in
      let list = make(tensorflow__serving__classifications__init)
      let messages = classes.map { entry in
        let message = make(tensorflow__serving__class__init)
        message.pointee.label = text(entry.label)
        message.pointee.score = entry.score
        return message
      }
      (list.pointee.classes, list.pointee.n_classes) = self.list(messages)
      return list
    }
    (result.pointee.classifications, result.pointee.n_classifications) = list(lists)
    return result
  }

  fileprivate func regression(_ items: [Float]) -> UnsafeMutablePointer<Tensorflow__Serving__RegressionResult> {
    let result = make(tensorflow__serving__regression_result__init)
    let messages = items.map { value in
      let message = make(tensorflow__serving__regression__init)
      message.pointee.value = value
      return message
    }
    (result.pointee.regressions, result.pointee.n_regressions) = list(messages)
    return result
  }
}
