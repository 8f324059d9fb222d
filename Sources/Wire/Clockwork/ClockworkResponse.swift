/// What a controller answers to a client. Other fields than the header count only when its status is 0.
public enum ClockworkResponse: Sendable, Equatable {
  case uploadModel(UploadModel)
  case infer(Infer)
  case loadRemoteModel(LoadRemoteModel)
  case evict(Evict)
  case list(List)

  public var header: Header {
    switch self {
    case .uploadModel(let response): response.header
    case .infer(let response): response.header
    case .loadRemoteModel(let response): response.header
    case .evict(let response): response.header
    case .list(let response): response.header
    }
  }

  public struct Header: Sendable, Equatable {
    public var userRequestID: Int32
    public var status: Int32
    public var message: String

    public init(userRequestID: Int32 = 0, status: Int32 = 0, message: String = "") {
      self.userRequestID = userRequestID
      self.status = status
      self.message = message
    }
  }

  /// The frame's body holds the output, as it is.
  public struct Infer: Sendable, Equatable {
    public var header: Header
    public var modelID: UInt32
    public var batchSize: UInt32

    public init(header: Header, modelID: UInt32 = 0, batchSize: UInt32 = 0) {
      self.header = header
      self.modelID = modelID
      self.batchSize = batchSize
    }
  }

  public struct LoadRemoteModel: Sendable, Equatable {
    public var header: Header
    /// The first of ``copiesCreated`` ids.
    public var modelID: UInt32
    public var inputSize: UInt64
    public var outputSize: UInt64
    public var copiesCreated: Int32

    public init(
      header: Header, modelID: UInt32 = 0, inputSize: UInt64 = 0, outputSize: UInt64 = 0, copiesCreated: Int32 = 0
    ) {
      self.header = header
      self.modelID = modelID
      self.inputSize = inputSize
      self.outputSize = outputSize
      self.copiesCreated = copiesCreated
    }
  }

  public struct List: Sendable, Equatable {
    public var header: Header
    public var models: [Model]

    public init(header: Header, models: [Model] = []) {
      self.header = header
      self.models = models
    }
  }

  public struct Model: Sendable, Equatable {
    public var modelID: UInt32
    public var path: String
    public var inputSize: UInt64
    public var outputSize: UInt64

    public init(modelID: UInt32, path: String, inputSize: UInt64, outputSize: UInt64) {
      self.modelID = modelID
      self.path = path
      self.inputSize = inputSize
      self.outputSize = outputSize
    }
  }

  public struct Evict: Sendable, Equatable {
    public var header: Header
    public init(header: Header) { self.header = header }
  }

  public struct UploadModel: Sendable, Equatable {
    public var header: Header
    public var modelID: UInt32
    public var inputSize: UInt64
    public var outputSize: UInt64

    public init(header: Header, modelID: UInt32 = 0, inputSize: UInt64 = 0, outputSize: UInt64 = 0) {
      self.header = header
      self.modelID = modelID
      self.inputSize = inputSize
      self.outputSize = outputSize
    }
  }
}
