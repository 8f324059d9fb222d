/// `status` of an error result. Names and numbers are Clockwork's.
enum ActionStatus: Int32, Sendable {
  case cancelled = 1
  case runtimeError = 2
  case shuttingDown = 3
  case couldNotStartInTime = 11
  case invalidAction = 12
  case invalidGPU = 13
  case invalidModelID = 40
  case invalidModelPath = 41
  case loadWeightsTooLate = 51
  case loadWeightsUnknownModel = 52
  case loadWeightsInsufficientCache = 53
  case loadWeightsConcurrentModification = 54
  case evictWeightsTooLate = 61
  case evictWeightsUnknownModel = 62
  case evictWeightsNotInCache = 63
  case copyInputTooLate = 71
  case copyInputUnknownModel = 72
  case copyInputInvalidBatchSize = 73
  case copyInputInvalidInput = 75
  case copyInputBadSizes = 77
  case copyInputBadDecompress = 78
  case execTooLate = 81
  case execWeightsMissing = 82
  case execConcurrentWeightsModification = 84
}

/// Why an action failed, for the error result.
struct ActionFailure: Error, Sendable {
  let status: ActionStatus
  let message: String

  init(_ status: ActionStatus, _ message: String) {
    self.status = status
    self.message = message
  }
}
