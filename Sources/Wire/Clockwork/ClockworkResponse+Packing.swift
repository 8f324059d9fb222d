internal import CMessages

extension ClockworkResponse {
  /// The number of the message in a frame on the link between client and controller.
  public var frameType: UInt64 {
    switch self {
    case .uploadModel: 101
    case .infer: 102
    case .loadRemoteModel: 103
    case .evict: 104
    case .list: 105
    }
  }

  /// Whether a frame of this type may have a body.
  public static func hasBody(frameType: UInt64) -> Bool { frameType == 102 }

  /// Reads the header of a frame.
  public init(frameType: UInt64, header: UnsafeRawBufferPointer) throws(WireError) {
    switch frameType {
    case 101:
      self = try parsed(
        header, as: "ModelUploadRspProto", unpack: clockwork__model_upload_rsp_proto__unpack,
        free: clockwork__model_upload_rsp_proto__free_unpacked
      ) { raw in
        .uploadModel(
          UploadModel(
            header: Header(raw.header), modelID: raw.model_id, inputSize: raw.input_size,
            outputSize: raw.output_size))
      }
    case 102:
      self = try parsed(
        header, as: "ModelInferenceRspProto", unpack: clockwork__model_inference_rsp_proto__unpack,
        free: clockwork__model_inference_rsp_proto__free_unpacked
      ) { .infer(Infer(header: Header($0.header), modelID: $0.model_id, batchSize: $0.batch_size)) }
    case 103:
      self = try parsed(
        header, as: "LoadModelFromDiskRspProto", unpack: clockwork__load_model_from_disk_rsp_proto__unpack,
        free: clockwork__load_model_from_disk_rsp_proto__free_unpacked
      ) { raw in
        .loadRemoteModel(
          LoadRemoteModel(
            header: Header(raw.header), modelID: raw.model_id, inputSize: raw.input_size,
            outputSize: raw.output_size, copiesCreated: raw.copies_created))
      }
    case 104:
      self = try parsed(
        header, as: "EvictRspProto", unpack: clockwork__evict_rsp_proto__unpack,
        free: clockwork__evict_rsp_proto__free_unpacked
      ) { .evict(Evict(header: Header($0.header))) }
    case 105:
      self = try parsed(
        header, as: "LSRspProto", unpack: clockwork__lsrsp_proto__unpack, free: clockwork__lsrsp_proto__free_unpacked
      ) { raw in
        .list(List(header: Header(raw.header), models: each(raw.models, raw.n_models).map { Model($0) }))
      }
    default:
      throw .malformed(byteOffset: 0, expected: "a response, frame type 101 to 105", got: "frame type \(frameType)")
    }
  }

  /// The header of a frame; zeros are written.
  public func serialized() -> [UInt8] {
    switch self {
    case .uploadModel(let response):
      packed { arena in
        var raw = Clockwork__ModelUploadRspProto()
        clockwork__model_upload_rsp_proto__init(&raw)
        raw.header = arena.place(response.header.raw(in: arena))
        raw.model_id = response.modelID
        raw.input_size = response.inputSize
        raw.output_size = response.outputSize
        return raw
      }
    case .infer(let response):
      packed { arena in
        var raw = Clockwork__ModelInferenceRspProto()
        clockwork__model_inference_rsp_proto__init(&raw)
        raw.header = arena.place(response.header.raw(in: arena))
        raw.model_id = response.modelID
        raw.batch_size = response.batchSize
        return raw
      }
    case .loadRemoteModel(let response):
      packed { arena in
        var raw = Clockwork__LoadModelFromDiskRspProto()
        clockwork__load_model_from_disk_rsp_proto__init(&raw)
        raw.header = arena.place(response.header.raw(in: arena))
        raw.model_id = response.modelID
        raw.input_size = response.inputSize
        raw.output_size = response.outputSize
        raw.copies_created = response.copiesCreated
        return raw
      }
    case .evict(let response):
      packed { arena in
        var raw = Clockwork__EvictRspProto()
        clockwork__evict_rsp_proto__init(&raw)
        raw.header = arena.place(response.header.raw(in: arena))
        return raw
      }
    case .list(let response):
      packed { arena in
        var raw = Clockwork__LSRspProto()
        clockwork__lsrsp_proto__init(&raw)
        raw.header = arena.place(response.header.raw(in: arena))
        raw.n_models = response.models.count
        raw.models = arena.messages(response.models.map { $0.raw(in: arena) })
        return raw
      }
    }
  }
}

extension ClockworkResponse.Header {
  fileprivate init(_ raw: UnsafeMutablePointer<Clockwork__ResponseHeaderProto>) {
    self.init(
      userRequestID: raw.pointee.user_request_id, status: raw.pointee.status, message: text(raw.pointee.message))
  }

  fileprivate func raw(in arena: MessageArena) -> Clockwork__ResponseHeaderProto {
    var raw = Clockwork__ResponseHeaderProto()
    clockwork__response_header_proto__init(&raw)
    (raw.has_user_request_id, raw.user_request_id) = (1, userRequestID)
    (raw.has_status, raw.status) = (1, status)
    if !message.isEmpty { raw.message = arena.text(message) }
    return raw
  }
}

extension ClockworkResponse.Model {
  fileprivate init(_ raw: Clockwork__ClientModelInfoProto) {
    self.init(
      modelID: raw.model_id, path: text(raw.remote_path), inputSize: raw.input_size, outputSize: raw.output_size)
  }

  fileprivate func raw(in arena: MessageArena) -> Clockwork__ClientModelInfoProto {
    var raw = Clockwork__ClientModelInfoProto()
    clockwork__client_model_info_proto__init(&raw)
    raw.model_id = modelID
    raw.remote_path = arena.text(path)
    raw.input_size = inputSize
    raw.output_size = outputSize
    return raw
  }
}
