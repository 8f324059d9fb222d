internal import CMessages

extension ClockworkResult {
  /// The number of the message in a frame on the link between controller and worker.
  public var frameType: UInt64 {
    switch self {
    case .error: 100
    case .loadModelFromDisk: 101
    case .loadWeights: 102
    case .infer: 103
    case .evictWeights: 104
    case .clearCache: 105
    case .getWorkerState: 106
    case .inferItems: 1000
    }
  }

  /// Whether a frame of this type may have a body.
  public static func hasBody(frameType: UInt64) -> Bool { frameType == 103 || frameType == 1000 }

  /// Reads the header of a frame.
  public init(frameType: UInt64, header: UnsafeRawBufferPointer) throws(WireError) {
    switch frameType {
    case 100:
      self = try parsed(
        header, as: "ErrorResultProto", unpack: clockwork__error_result_proto__unpack,
        free: clockwork__error_result_proto__free_unpacked
      ) { raw in
        .error(
          Failure(
            actionID: raw.action_id, actionType: raw.action_type, status: raw.status, message: text(raw.message),
            actionReceived: raw.action_received, resultSent: raw.result_sent))
      }
    case 101:
      self = try parsed(
        header, as: "LoadModelFromDiskResultProto", unpack: clockwork__load_model_from_disk_result_proto__unpack,
        free: clockwork__load_model_from_disk_result_proto__free_unpacked
      ) { raw in
        .loadModelFromDisk(
          LoadModelFromDisk(
            actionID: raw.action_id, timing: Timing(raw.timing), inputSize: raw.input_size,
            outputSize: raw.output_size,
            batchSizes: numbers(raw.supported_batch_sizes, raw.n_supported_batch_sizes),
            weightsSizeInCache: raw.weights_size_in_cache, weightsPages: raw.num_weights_pages,
            weightsLoadTime: raw.weights_load_time_nanos,
            execTimes: numbers(raw.batch_size_exec_times_nanos, raw.n_batch_size_exec_times_nanos),
            copiesCreated: raw.copies_created, actionReceived: raw.action_received, resultSent: raw.result_sent))
      }
    case 102:
      self = try parsed(
        header, as: "LoadWeightsResultProto", unpack: clockwork__load_weights_result_proto__unpack,
        free: clockwork__load_weights_result_proto__free_unpacked
      ) { raw in
        .loadWeights(
          LoadWeights(
            actionID: raw.action_id, timing: Timing(raw.timing), actionReceived: raw.action_received,
            resultSent: raw.result_sent))
      }
    case 103:
      self = try parsed(
        header, as: "InferResultProto", unpack: clockwork__infer_result_proto__unpack,
        free: clockwork__infer_result_proto__free_unpacked
      ) { raw in
        .infer(
          Infer(
            actionID: raw.action_id, copyInput: Timing(raw.copy_input_timing), exec: Timing(raw.exec_timing),
            copyOutput: Timing(raw.copy_output_timing), gpuID: raw.gpu_id, gpuClockBefore: raw.gpu_clock_before,
            gpuClock: raw.gpu_clock, actionReceived: raw.action_received, resultSent: raw.result_sent))
      }
    case 104:
      self = try parsed(
        header, as: "EvictWeightsResultProto", unpack: clockwork__evict_weights_result_proto__unpack,
        free: clockwork__evict_weights_result_proto__free_unpacked
      ) { raw in
        .evictWeights(
          EvictWeights(
            actionID: raw.action_id, timing: Timing(raw.timing), actionReceived: raw.action_received,
            resultSent: raw.result_sent))
      }
    case 105:
      self = try parsed(
        header, as: "ClearCacheResultProto", unpack: clockwork__clear_cache_result_proto__unpack,
        free: clockwork__clear_cache_result_proto__free_unpacked
      ) { raw in
        .clearCache(
          ClearCache(
            actionID: raw.action_id, actionReceived: raw.action_received, resultSent: raw.result_sent))
      }
    case 106:
      self = try parsed(
        header, as: "GetWorkerStateResultProto", unpack: clockwork__get_worker_state_result_proto__unpack,
        free: clockwork__get_worker_state_result_proto__free_unpacked
      ) { raw in
        .getWorkerState(
          GetWorkerState(
            actionID: raw.action_id, state: ClockworkWorkerState(raw.worker_memory_info.pointee),
            actionReceived: raw.action_received, resultSent: raw.result_sent))
      }
    case 1000:
      self = try parsed(
        header, as: "InferItemsResultProto", unpack: clockwork__infer_items_result_proto__unpack,
        free: clockwork__infer_items_result_proto__free_unpacked
      ) { raw in
        .inferItems(
          InferItems(
            actionID: raw.action_id, items: numbers(raw.items, raw.n_items), answered: raw.answered,
            resultSent: raw.result_sent, exit: text(raw.exit)))
      }
    default:
      throw .malformed(
        byteOffset: 0, expected: "a result, frame type 100 to 106 or 1000", got: "frame type \(frameType)")
    }
  }

  /// The header of a frame; zeros are written.
  public func serialized() -> [UInt8] {
    switch self {
    case .error(let result):
      packed { arena in
        var raw = Clockwork__ErrorResultProto()
        clockwork__error_result_proto__init(&raw)
        raw.action_id = result.actionID
        raw.action_type = result.actionType
        raw.status = result.status
        raw.message = arena.text(result.message)
        raw.action_received = result.actionReceived
        raw.result_sent = result.resultSent
        return raw
      }
    case .loadModelFromDisk(let result):
      packed { arena in
        var raw = Clockwork__LoadModelFromDiskResultProto()
        clockwork__load_model_from_disk_result_proto__init(&raw)
        raw.action_id = result.actionID
        raw.timing = arena.place(result.timing.raw)
        raw.input_size = result.inputSize
        raw.output_size = result.outputSize
        raw.n_supported_batch_sizes = result.batchSizes.count
        raw.supported_batch_sizes = arena.array(result.batchSizes)
        raw.weights_size_in_cache = result.weightsSizeInCache
        raw.num_weights_pages = result.weightsPages
        raw.weights_load_time_nanos = result.weightsLoadTime
        raw.n_batch_size_exec_times_nanos = result.execTimes.count
        raw.batch_size_exec_times_nanos = arena.array(result.execTimes)
        raw.copies_created = result.copiesCreated
        raw.action_received = result.actionReceived
        raw.result_sent = result.resultSent
        return raw
      }
    case .loadWeights(let result):
      packed { arena in
        var raw = Clockwork__LoadWeightsResultProto()
        clockwork__load_weights_result_proto__init(&raw)
        raw.action_id = result.actionID
        raw.timing = arena.place(result.timing.raw)
        raw.action_received = result.actionReceived
        raw.result_sent = result.resultSent
        return raw
      }
    case .infer(let result):
      packed { arena in
        var raw = Clockwork__InferResultProto()
        clockwork__infer_result_proto__init(&raw)
        raw.action_id = result.actionID
        raw.copy_input_timing = arena.place(result.copyInput.raw)
        raw.exec_timing = arena.place(result.exec.raw)
        raw.copy_output_timing = arena.place(result.copyOutput.raw)
        raw.gpu_id = result.gpuID
        raw.gpu_clock_before = result.gpuClockBefore
        raw.gpu_clock = result.gpuClock
        raw.action_received = result.actionReceived
        raw.result_sent = result.resultSent
        return raw
      }
    case .evictWeights(let result):
      packed { arena in
        var raw = Clockwork__EvictWeightsResultProto()
        clockwork__evict_weights_result_proto__init(&raw)
        raw.action_id = result.actionID
        raw.timing = arena.place(result.timing.raw)
        raw.action_received = result.actionReceived
        raw.result_sent = result.resultSent
        return raw
      }
    case .clearCache(let result):
      packed { _ in
        var raw = Clockwork__ClearCacheResultProto()
        clockwork__clear_cache_result_proto__init(&raw)
        raw.action_id = result.actionID
        raw.action_received = result.actionReceived
        raw.result_sent = result.resultSent
        return raw
      }
    case .getWorkerState(let result):
      packed { arena in
        var raw = Clockwork__GetWorkerStateResultProto()
        clockwork__get_worker_state_result_proto__init(&raw)
        raw.action_id = result.actionID
        raw.worker_memory_info = arena.place(result.state.raw(in: arena))
        raw.action_received = result.actionReceived
        raw.result_sent = result.resultSent
        return raw
      }
    case .inferItems(let result):
      packed { arena in
        var raw = Clockwork__InferItemsResultProto()
        clockwork__infer_items_result_proto__init(&raw)
        raw.action_id = result.actionID
        raw.n_items = result.items.count
        raw.items = arena.array(result.items)
        raw.answered = result.answered
        raw.result_sent = result.resultSent
        raw.exit = arena.text(result.exit)
        return raw
      }
    }
  }
}

extension ClockworkResult.Timing {
  /// protobuf-c has checked that a required message is there.
  fileprivate init(_ raw: UnsafeMutablePointer<Clockwork__TimingProto>) {
    self.init(begin: raw.pointee.begin, end: raw.pointee.end, duration: raw.pointee.duration)
  }

  fileprivate var raw: Clockwork__TimingProto {
    var raw = Clockwork__TimingProto()
    clockwork__timing_proto__init(&raw)
    raw.begin = begin
    raw.end = end
    raw.duration = duration
    return raw
  }
}

extension ClockworkWorkerState {
  fileprivate init(_ raw: Clockwork__WorkerMemoryInfoProto) {
    self.init(
      pageSize: raw.page_size, hostWeightsCacheSize: raw.host_weights_cache_size,
      hostIOPoolSize: raw.host_io_pool_size, gpus: each(raw.gpus, raw.n_gpus).map { GPU($0) },
      models: each(raw.models, raw.n_models).map { Model($0) })
  }

  fileprivate func raw(in arena: MessageArena) -> Clockwork__WorkerMemoryInfoProto {
    var raw = Clockwork__WorkerMemoryInfoProto()
    clockwork__worker_memory_info_proto__init(&raw)
    raw.page_size = pageSize
    raw.host_weights_cache_size = hostWeightsCacheSize
    raw.host_io_pool_size = hostIOPoolSize
    raw.n_gpus = gpus.count
    raw.gpus = arena.messages(gpus.map { $0.raw(in: arena) })
    raw.n_models = models.count
    raw.models = arena.messages(models.map { $0.raw(in: arena) })
    return raw
  }
}

extension ClockworkWorkerState.GPU {
  fileprivate init(_ raw: Clockwork__GPUInfoProto) {
    self.init(
      id: raw.id, weightsCacheSize: raw.weights_cache_size, weightsCachePages: raw.weights_cache_total_pages,
      models: numbers(raw.models, raw.n_models), ioPoolSize: raw.io_pool_size,
      workspacePoolSize: raw.workspace_pool_size)
  }

  fileprivate func raw(in arena: MessageArena) -> Clockwork__GPUInfoProto {
    var raw = Clockwork__GPUInfoProto()
    clockwork__gpuinfo_proto__init(&raw)
    raw.id = id
    raw.weights_cache_size = weightsCacheSize
    raw.weights_cache_total_pages = weightsCachePages
    raw.n_models = models.count
    raw.models = arena.array(models)
    raw.io_pool_size = ioPoolSize
    raw.workspace_pool_size = workspacePoolSize
    return raw
  }
}

extension ClockworkWorkerState.Model {
  fileprivate init(_ raw: Clockwork__ModelInfoProto) {
    self.init(
      id: raw.id, source: text(raw.source), inputSize: raw.input_size, outputSize: raw.output_size,
      batchSizes: numbers(raw.supported_batch_sizes, raw.n_supported_batch_sizes), weightsSize: raw.weights_size,
      weightsPages: raw.num_weights_pages, weightsLoadTime: raw.weights_load_time_nanos,
      execTimes: numbers(raw.batch_size_exec_times_nanos, raw.n_batch_size_exec_times_nanos))
  }

  fileprivate func raw(in arena: MessageArena) -> Clockwork__ModelInfoProto {
    var raw = Clockwork__ModelInfoProto()
    clockwork__model_info_proto__init(&raw)
    raw.id = id
    raw.source = arena.text(source)
    raw.input_size = inputSize
    raw.output_size = outputSize
    raw.n_supported_batch_sizes = batchSizes.count
    raw.supported_batch_sizes = arena.array(batchSizes)
    raw.weights_size = weightsSize
    raw.num_weights_pages = weightsPages
    raw.weights_load_time_nanos = weightsLoadTime
    raw.n_batch_size_exec_times_nanos = execTimes.count
    raw.batch_size_exec_times_nanos = arena.array(execTimes)
    return raw
  }
}
