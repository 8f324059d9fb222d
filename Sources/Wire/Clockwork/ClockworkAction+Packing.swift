internal import CMessages

extension ClockworkAction {
  /// The number of the message in a frame on the link between controller and worker.
  public var frameType: UInt64 {
    switch self {
    case .loadModelFromDisk: 1
    case .loadWeights: 2
    case .infer: 3
    case .evictWeights: 4
    case .clearCache: 5
    case .getWorkerState: 6
    }
  }

  /// Whether a frame of this type may have a body.
  public static func hasBody(frameType: UInt64) -> Bool { frameType == 3 }

  /// Reads the header of a frame.
  public init(frameType: UInt64, header: UnsafeRawBufferPointer) throws(WireError) {
    switch frameType {
    case 1:
      self = try parsed(
        header, as: "LoadModelFromDiskActionProto", unpack: clockwork__load_model_from_disk_action_proto__unpack,
        free: clockwork__load_model_from_disk_action_proto__free_unpacked
      ) { raw in
        .loadModelFromDisk(
          LoadModelFromDisk(
            actionID: raw.action_id, modelID: raw.model_id, path: text(raw.model_path), earliest: raw.earliest,
            latest: raw.latest, copies: raw.no_of_copies, maxBatchSize: raw.max_batch_size,
            maxExecDuration: raw.max_exec_duration))
      }
    case 2:
      self = try parsed(
        header, as: "LoadWeightsActionProto", unpack: clockwork__load_weights_action_proto__unpack,
        free: clockwork__load_weights_action_proto__free_unpacked
      ) { raw in
        .loadWeights(
          LoadWeights(
            actionID: raw.action_id, modelID: raw.model_id, gpuID: raw.gpu_id, earliest: raw.earliest,
            latest: raw.latest, expectedDuration: raw.expected_duration))
      }
    case 3:
      self = try parsed(
        header, as: "InferActionProto", unpack: clockwork__infer_action_proto__unpack,
        free: clockwork__infer_action_proto__free_unpacked
      ) { raw in
        .infer(
          Infer(
            actionID: raw.action_id, modelID: raw.model_id, gpuID: raw.gpu_id, earliest: raw.earliest,
            latest: raw.latest, expectedDuration: raw.expected_duration, batchSize: raw.batch_size,
            inputSizes: numbers(raw.input_sizes, raw.n_input_sizes),
            wantsItemResults: raw.has_item_results != 0 && raw.item_results != 0))
      }
    case 4:
      self = try parsed(
        header, as: "EvictWeightsActionProto", unpack: clockwork__evict_weights_action_proto__unpack,
        free: clockwork__evict_weights_action_proto__free_unpacked
      ) { raw in
        .evictWeights(
          EvictWeights(
            actionID: raw.action_id, modelID: raw.model_id, gpuID: raw.gpu_id, earliest: raw.earliest,
            latest: raw.latest))
      }
    case 5:
      self = try parsed(
        header, as: "ClearCacheActionProto", unpack: clockwork__clear_cache_action_proto__unpack,
        free: clockwork__clear_cache_action_proto__free_unpacked
      ) { .clearCache(ClearCache(actionID: $0.action_id)) }
    case 6:
      self = try parsed(
        header, as: "GetWorkerStateActionProto", unpack: clockwork__get_worker_state_action_proto__unpack,
        free: clockwork__get_worker_state_action_proto__free_unpacked
      ) { .getWorkerState(GetWorkerState(actionID: $0.action_id)) }
    default:
      throw .malformed(byteOffset: 0, expected: "an action, frame type 1 to 6", got: "frame type \(frameType)")
    }
  }

  /// The header of a frame; zeros are written.
  public func serialized() -> [UInt8] {
    switch self {
    case .loadModelFromDisk(let action):
      packed { arena in
        var raw = Clockwork__LoadModelFromDiskActionProto()
        clockwork__load_model_from_disk_action_proto__init(&raw)
        raw.action_id = action.actionID
        raw.model_id = action.modelID
        raw.model_path = arena.text(action.path)
        raw.earliest = action.earliest
        raw.latest = action.latest
        raw.no_of_copies = action.copies
        raw.max_batch_size = action.maxBatchSize
        raw.max_exec_duration = action.maxExecDuration
        return raw
      }
    case .loadWeights(let action):
      packed { _ in
        var raw = Clockwork__LoadWeightsActionProto()
        clockwork__load_weights_action_proto__init(&raw)
        raw.action_id = action.actionID
        raw.model_id = action.modelID
        raw.gpu_id = action.gpuID
        raw.earliest = action.earliest
        raw.latest = action.latest
        raw.expected_duration = action.expectedDuration
        return raw
      }
    case .infer(let action):
      packed { arena in
        var raw = Clockwork__InferActionProto()
        clockwork__infer_action_proto__init(&raw)
        raw.action_id = action.actionID
        raw.model_id = action.modelID
        raw.gpu_id = action.gpuID
        raw.earliest = action.earliest
        raw.latest = action.latest
        raw.expected_duration = action.expectedDuration
        raw.batch_size = action.batchSize
        raw.n_input_sizes = action.inputSizes.count
        raw.input_sizes = arena.array(action.inputSizes)
        if action.wantsItemResults { (raw.has_item_results, raw.item_results) = (1, 1) }
        return raw
      }
    case .evictWeights(let action):
      packed { _ in
        var raw = Clockwork__EvictWeightsActionProto()
        clockwork__evict_weights_action_proto__init(&raw)
        raw.action_id = action.actionID
        raw.model_id = action.modelID
        raw.gpu_id = action.gpuID
        raw.earliest = action.earliest
        raw.latest = action.latest
        return raw
      }
    case .clearCache(let action):
      packed { _ in
        var raw = Clockwork__ClearCacheActionProto()
        clockwork__clear_cache_action_proto__init(&raw)
        raw.action_id = action.actionID
        return raw
      }
    case .getWorkerState(let action):
      packed { _ in
        var raw = Clockwork__GetWorkerStateActionProto()
        clockwork__get_worker_state_action_proto__init(&raw)
        raw.action_id = action.actionID
        return raw
      }
    }
  }
}
