import COpenCL

/// Memory, programs and queues of one device. Safe from any thread, as OpenCL objects are.
public final class Context: @unchecked Sendable {
  public let device: Device
  let raw: cl_context
  private let cache: ProgramCache?

  /// - Parameter cacheDirectory: of compiled programs; `nil` for the default, see ``ProgramCache``.
  public init(device: Device, cacheDirectory: String? = nil) throws(OpenCLError) {
    self.device = device
    var id: cl_device_id? = device.id
    var code: cl_int = 0
    guard let context = clCreateContext(nil, 1, &id, nil, nil, &code) else {
      throw .call(function: "clCreateContext", code: code)
    }
    raw = context
    cache = ProgramCache(directory: cacheDirectory)
    releaseCompiler()
  }

  deinit { clReleaseContext(raw) }

  /// An in-order queue.
  public func makeQueue(profiling: Bool = false) throws(OpenCLError) -> CommandQueue {
    var code: cl_int = 0
    let properties = cl_command_queue_properties(profiling ? CL_QUEUE_PROFILING_ENABLE : 0)
    guard let queue = clCreateCommandQueue(raw, device.id, properties, &code) else {
      throw .call(function: "clCreateCommandQueue", code: code)
    }
    return CommandQueue(queue, context: self)
  }

  /// Device memory; its content is undefined.
  public func makeBuffer(byteCount: Int) throws(OpenCLError) -> Buffer {
    if byteCount > device.properties.maxAllocation { throw .outOfMemory(bytes: byteCount) }
    var code: cl_int = 0
    guard let memory = clCreateBuffer(raw, cl_mem_flags(CL_MEM_READ_WRITE), byteCount, nil, &code) else {
      if code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_RESOURCES || code == CL_OUT_OF_HOST_MEMORY {
        throw .outOfMemory(bytes: byteCount)
      }
      throw .call(function: "clCreateBuffer", code: code)
    }
    return Buffer(memory, byteCount: byteCount, context: self, parent: nil)
  }

  /// To be called when all programs are built: the driver's compiler leaves resident memory until it is used again.
  public func releaseCompiler() { CompilerPages.release() }

  /// A built program: from the disk cache when this source, these options and this device were built before.
  ///
  /// May be called from several threads at once; drivers such as PoCL compile in parallel.
  /// - Throws: ``OpenCLError/buildFailed(program:log:)`` with the compiler's own words.
  public func makeProgram(source: String, options: String = "", name: String) throws(OpenCLError) -> Program {
    if let program = cachedProgram(source: source, options: options, name: name) { return program }
    let program = try Program(source: source, name: name, options: options, in: self)
    if let cache, let binary = program.binary() {
      cache.store(
        binary, for: ProgramCache.Key(source: source, options: options, device: device.properties.fingerprint))
    }
    return program
  }

  public func hasCachedProgram(source: String, options: String = "") -> Bool {
    cache?.contains(ProgramCache.Key(source: source, options: options, device: device.properties.fingerprint)) ?? false
  }

  /// The program if it is in the disk cache.
  public func cachedProgram(source: String, options: String = "", name: String) -> Program? {
    let key = ProgramCache.Key(source: source, options: options, device: device.properties.fingerprint)
    return cache?.load(key).flatMap { try? Program(binary: $0, name: name, options: options, in: self) }
  }
}
