internal import CMessages

/// `tensorflow.serving.StatusProto`. Codes are the canonical ones, those of gRPC.
public struct StatusMessage: Hashable, Sendable {
  public var code: Int
  public var message: String

  public init(code: Int, message: String) {
    self.code = code
    self.message = message
  }
}

/// `GetModelStatusRequest`.
public struct GetModelStatusRequestMessage: Sendable {
  public private(set) var modelSpec: ModelSpec?

  public init(reading bytes: UnsafeRawBufferPointer) throws(WireError) {
    var reader = ProtobufReader(bytes, range: 0..<bytes.count)
    while !reader.isAtEnd {
      switch try reader.readTag() {
      case (1, .lengthDelimited):
        var spec = modelSpec ?? ModelSpec()
        try spec.merge(bytes, range: try reader.readDelimited())
        modelSpec = spec
      case (_, let type): _ = try reader.skip(type)
      }
    }
  }
}

/// `GetModelStatusResponse`.
public enum GetModelStatusResponseMessage {
  /// `ModelVersionStatus`.
  public struct Version: Hashable, Sendable {
    public enum State: UInt32, Sendable {
      case unknown = 0, start = 10, loading = 20, available = 30, unloading = 40, end = 50
    }

    public var version: Int64
    public var state: State
    public var status: StatusMessage

    public init(version: Int64, state: State, status: StatusMessage) {
      self.version = version
      self.state = state
      self.status = status
    }
  }

  public static func encoded(_ versions: [Version]) -> MessagePieces {
    MessageBuilder.build { builder in
      let response = builder.make(tensorflow__serving__get_model_status_response__init)
      let messages = versions.map { version in
        let message = builder.make(tensorflow__serving__model_version_status__init)
        message.pointee.version = version.version
        message.pointee.state = Tensorflow__Serving__ModelVersionStatus__State(rawValue: version.state.rawValue)
        message.pointee.status = builder.status(version.status)
        return message
      }
      (response.pointee.model_version_status, response.pointee.n_model_version_status) = builder.list(messages)
      return builder.pack(&response.pointee.base)
    }
  }
}

extension MessageBuilder {
  func status(_ status: StatusMessage) -> UnsafeMutablePointer<Tensorflow__Serving__StatusProto> {
    let message = make(tensorflow__serving__status_proto__init)
    message.pointee.error_code = Tensorflow__Error__Code(rawValue: UInt32(status.code))
    message.pointee.error_message = text(status.message)
    return message
  }
}
