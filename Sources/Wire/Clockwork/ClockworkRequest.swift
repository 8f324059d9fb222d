/// What a client asks of a controller.
public enum ClockworkRequest: Sendable, Equatable {
  case uploadModel(UploadModel)
  case infer(Infer)
  case loadRemoteModel(LoadRemoteModel)
  case evict(Evict)
  case list(List)

  /// Who asks, for logs; comes back in the response.
  public struct Header: Sendable, Equatable {
    public var userID: Int32?
    public var userRequestID: Int32?

    public init(userID: Int32? = nil, userRequestID: Int32? = nil) {
      self.userID = userID
      self.userRequestID = userRequestID
    }
  }

  /// The frame's body holds one input as an LZ4 block, or nothing.
  public struct Infer: Sendable, Equatable {
    public var header: Header
    public var modelID: UInt32
    public var batchSize: UInt32
    /// The deadline as a multiple of the time that the model takes for one item; 0 for the controller's default.
    public var sloFactor: Float

    public init(header: Header = Header(), modelID: UInt32, batchSize: UInt32 = 1, sloFactor: Float = 0) {
      self.header = header
      self.modelID = modelID
      self.batchSize = batchSize
      self.sloFactor = sloFactor
    }
  }

  public struct LoadRemoteModel: Sendable, Equatable {
    public var header: Header
    public var path: String
    public var copies: Int32

    public init(header: Header = Header(), path: String, copies: Int32 = 1) {
      self.header = header
      self.path = path
      self.copies = copies
    }
  }

  public struct List: Sendable, Equatable {
    public var header: Header
    public init(header: Header = Header()) { self.header = header }
  }

  public struct Evict: Sendable, Equatable {
    public var header: Header
    public var modelID: UInt32

    public init(header: Header = Header(), modelID: UInt32) {
      self.header = header
      self.modelID = modelID
    }
  }

  /// The frame's body holds the three files, whose lengths these are, one after the other.
  public struct UploadModel: Sendable, Equatable {
    public var header: Header
    public var batchSize: UInt32
    public var objectByteCount: UInt64
    public var clockworkByteCount: UInt64
    public var parameterByteCount: UInt64

    public init(
      header: Header = Header(), batchSize: UInt32, objectByteCount: UInt64, clockworkByteCount: UInt64,
      parameterByteCount: UInt64
    ) {
      self.header = header
      self.batchSize = batchSize
      self.objectByteCount = objectByteCount
      self.clockworkByteCount = clockworkByteCount
      self.parameterByteCount = parameterByteCount
    }
  }
}
