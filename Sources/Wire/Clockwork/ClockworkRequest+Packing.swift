internal import CMessages

extension ClockworkRequest {
  /// The number of the message in a frame on the link between client and controller.
  public var frameType: UInt64 {
    switch self {
    case .uploadModel: 1
    case .infer: 2
    case .loadRemoteModel: 3
    case .evict: 4
    case .list: 5
    }
  }

  /// Whether a frame of this type may have a body.
  public static func hasBody(frameType: UInt64) -> Bool { frameType == 1 || frameType == 2 }

  /// Reads the header of a frame.
  public init(frameType: UInt64, header: UnsafeRawBufferPointer) throws(WireError) {
    switch frameType {
    case 1:
      self = try parsed(
        header, as: "ModelUploadReqProto", unpack: clockwork__model_upload_req_proto__unpack,
        free: clockwork__model_upload_req_proto__free_unpacked
      ) { raw in
        .uploadModel(
          UploadModel(
            header: Header(raw.header), batchSize: raw.batchsize, objectByteCount: raw.so_len,
            clockworkByteCount: raw.clockwork_len, parameterByteCount: raw.params_len))
      }
    case 2:
      self = try parsed(
        header, as: "ModelInferenceReqProto", unpack: clockwork__model_inference_req_proto__unpack,
        free: clockwork__model_inference_req_proto__free_unpacked
      ) { raw in
        .infer(
          Infer(
            header: Header(raw.header), modelID: raw.model_id, batchSize: raw.batch_size, sloFactor: raw.slo_factor))
      }
    case 3:
      self = try parsed(
        header, as: "LoadModelFromDiskReqProto", unpack: clockwork__load_model_from_disk_req_proto__unpack,
        free: clockwork__load_model_from_disk_req_proto__free_unpacked
      ) { raw in
        .loadRemoteModel(
          LoadRemoteModel(header: Header(raw.header), path: text(raw.remote_path), copies: raw.no_of_copies))
      }
    case 4:
      self = try parsed(
        header, as: "EvictReqProto", unpack: clockwork__evict_req_proto__unpack,
        free: clockwork__evict_req_proto__free_unpacked
      ) { .evict(Evict(header: Header($0.header), modelID: $0.model_id)) }
    case 5:
      self = try parsed(
        header, as: "LSReqProto", unpack: clockwork__lsreq_proto__unpack, free: clockwork__lsreq_proto__free_unpacked
      ) { .list(List(header: Header($0.header))) }
    default:
      throw .malformed(byteOffset: 0, expected: "a request, frame type 1 to 5", got: "frame type \(frameType)")
    }
  }

  /// The header of a frame; zeros are written.
  public func serialized() -> [UInt8] {
    switch self {
    case .uploadModel(let request):
      packed { arena in
        var raw = Clockwork__ModelUploadReqProto()
        clockwork__model_upload_req_proto__init(&raw)
        raw.header = arena.place(request.header.raw)
        raw.batchsize = request.batchSize
        raw.so_len = request.objectByteCount
        raw.clockwork_len = request.clockworkByteCount
        raw.params_len = request.parameterByteCount
        return raw
      }
    case .infer(let request):
      packed { arena in
        var raw = Clockwork__ModelInferenceReqProto()
        clockwork__model_inference_req_proto__init(&raw)
        raw.header = arena.place(request.header.raw)
        raw.model_id = request.modelID
        raw.batch_size = request.batchSize
        raw.slo_factor = request.sloFactor
        return raw
      }
    case .loadRemoteModel(let request):
      packed { arena in
        var raw = Clockwork__LoadModelFromDiskReqProto()
        clockwork__load_model_from_disk_req_proto__init(&raw)
        raw.header = arena.place(request.header.raw)
        raw.remote_path = arena.text(request.path)
        raw.no_of_copies = request.copies
        return raw
      }
    case .evict(let request):
      packed { arena in
        var raw = Clockwork__EvictReqProto()
        clockwork__evict_req_proto__init(&raw)
        raw.header = arena.place(request.header.raw)
        raw.model_id = request.modelID
        return raw
      }
    case .list(let request):
      packed { arena in
        var raw = Clockwork__LSReqProto()
        clockwork__lsreq_proto__init(&raw)
        raw.header = arena.place(request.header.raw)
        return raw
      }
    }
  }
}

extension ClockworkRequest.Header {
  fileprivate init(_ raw: UnsafeMutablePointer<Clockwork__RequestHeaderProto>) {
    self.init(
      userID: raw.pointee.has_user_id != 0 ? raw.pointee.user_id : nil,
      userRequestID: raw.pointee.has_user_request_id != 0 ? raw.pointee.user_request_id : nil)
  }

  fileprivate var raw: Clockwork__RequestHeaderProto {
    var raw = Clockwork__RequestHeaderProto()
    clockwork__request_header_proto__init(&raw)
    if let userID { (raw.has_user_id, raw.user_id) = (1, userID) }
    if let userRequestID { (raw.has_user_request_id, raw.user_request_id) = (1, userRequestID) }
    return raw
  }
}
