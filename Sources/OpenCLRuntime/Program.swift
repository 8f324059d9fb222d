import COpenCL

/// Compiled kernels.
public final class Program: @unchecked Sendable {
  // A built program is never rebuilt, so it may be used from any thread.
  private let raw: cl_program
  private let context: Context
  public let name: String

  convenience init(source: String, name: String, options: String, in context: Context) throws(OpenCLError) {
    var code: cl_int = 0
    let program = source.withCString { text in
      var pointer: UnsafePointer<CChar>? = text
      return clCreateProgramWithSource(context.raw, 1, &pointer, nil, &code)
    }
    guard let program else { throw .call(function: "clCreateProgramWithSource", code: code) }
    try self.init(building: program, name: name, options: options, in: context)
  }

  convenience init(binary: [UInt8], name: String, options: String, in context: Context) throws(OpenCLError) {
    var code: cl_int = 0
    var status: cl_int = 0
    var device: cl_device_id? = context.device.id
    let program = binary.withUnsafeBufferPointer { bytes in
      var length = bytes.count
      var pointer: UnsafePointer<UInt8>? = bytes.baseAddress
      return clCreateProgramWithBinary(context.raw, 1, &device, &length, &pointer, &status, &code)
    }
    guard let program, status == CL_SUCCESS else {
      throw .call(function: "clCreateProgramWithBinary", code: code == CL_SUCCESS ? status : code)
    }
    try self.init(building: program, name: name, options: options, in: context)
  }

  private init(building program: cl_program, name: String, options: String, in context: Context) throws(OpenCLError) {
    raw = program
    self.name = name
    self.context = context
    var device: cl_device_id? = context.device.id
    let code = clBuildProgram(program, 1, &device, options, nil, nil)
    if code != CL_SUCCESS {
      let log = try infoText {
        clGetProgramBuildInfo(program, context.device.id, cl_program_build_info(CL_PROGRAM_BUILD_LOG), $0, $1, $2)
      }
      throw .buildFailed(program: name, log: log.isEmpty ? OpenCLError.name(of: code) : log)
    }
  }

  deinit { clReleaseProgram(raw) }

  /// A kernel object with arguments of its own.
  public func makeKernel(_ function: String) throws(OpenCLError) -> Kernel {
    var code: cl_int = 0
    guard let kernel = clCreateKernel(raw, function, &code) else {
      throw .call(function: "clCreateKernel(\(function) of \(name))", code: code)
    }
    return Kernel(kernel, name: function, program: self)
  }

  /// What the driver would load again, or `nil` when it does not say.
  func binary() -> [UInt8]? {
    var size = 0
    guard
      clGetProgramInfo(raw, cl_program_info(CL_PROGRAM_BINARY_SIZES), MemoryLayout<Int>.size, &size, nil) == CL_SUCCESS,
      size > 0
    else { return nil }
    var bytes = [UInt8](repeating: 0, count: size)
    let code = bytes.withUnsafeMutableBufferPointer { buffer in
      var pointer: UnsafeMutablePointer<UInt8>? = buffer.baseAddress
      return clGetProgramInfo(
        raw, cl_program_info(CL_PROGRAM_BINARIES), MemoryLayout<UnsafeMutablePointer<UInt8>?>.size, &pointer, nil)
    }
    return code == CL_SUCCESS ? bytes : nil
  }
}

/// One kernel with its arguments. Set the arguments from one thread, then enqueue as often as you like.
public final class Kernel: @unchecked Sendable {
  // clSetKernelArg is the one call that is not thread-safe; callers set arguments before they share the kernel.
  let raw: cl_kernel
  public let name: String
  private let program: Program
  /// Buffers must outlive the kernel's launches; OpenCL does not retain arguments.
  private var buffers: [Int: Buffer] = [:]

  init(_ raw: cl_kernel, name: String, program: Program) {
    self.raw = raw
    self.name = name
    self.program = program
  }

  deinit { clReleaseKernel(raw) }

  public func setArgument(_ index: Int, _ buffer: Buffer) throws(OpenCLError) {
    var memory: cl_mem? = buffer.raw
    try check(
      clSetKernelArg(raw, cl_uint(index), MemoryLayout<cl_mem?>.size, &memory), "clSetKernelArg(\(index) of \(name))")
    buffers[index] = buffer
  }

  public func setArgument(_ index: Int, value: some BitwiseCopyable) throws(OpenCLError) {
    var value = value
    let size = MemoryLayout.size(ofValue: value)
    try check(clSetKernelArg(raw, cl_uint(index), size, &value), "clSetKernelArg(\(index) of \(name))")
  }

  public func setLocalMemory(_ index: Int, byteCount: Int) throws(OpenCLError) {
    try check(clSetKernelArg(raw, cl_uint(index), byteCount, nil), "clSetKernelArg(\(index) of \(name))")
  }
}

/// How many work-items to launch: one to three extents each, stored inline.
public struct NDRange: Sendable, Hashable {
  var dimensions: cl_uint
  var global: (Int, Int, Int)
  var local: (Int, Int, Int)

  /// - Precondition: one to three extents, as many local as global ones, each global a multiple of its local.
  public init(global: [Int], local: [Int]) {
    precondition((1...3).contains(global.count) && local.count == global.count, "an ND range has 1 to 3 dimensions")
    dimensions = cl_uint(global.count)
    self.global = (global[0], global.count > 1 ? global[1] : 1, global.count > 2 ? global[2] : 1)
    self.local = (local[0], local.count > 1 ? local[1] : 1, local.count > 2 ? local[2] : 1)
  }

  public static func == (a: NDRange, b: NDRange) -> Bool {
    a.dimensions == b.dimensions && a.global == b.global && a.local == b.local
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(global.0)
    hasher.combine(global.1)
    hasher.combine(global.2)
  }
}
