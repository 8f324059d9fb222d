import COpenCL

/// What can go wrong between us and an OpenCL driver.
public enum OpenCLError: Error, Sendable, CustomStringConvertible {
  case noPlatform
  case noDevice(selector: String, available: [String])
  case buildFailed(program: String, log: String)
  case call(function: String, code: Int32)
  case timedOut(waitingFor: String, seconds: Double)
  case outOfMemory(bytes: Int)
  case misalignedSubBuffer(offset: Int, alignment: Int)

  public var description: String {
    switch self {
    case .noPlatform:
      "no OpenCL platform is installed; on Debian, `apt-get install pocl-opencl-icd` brings one that runs on any CPU"
    case .noDevice(let selector, let available):
      "no OpenCL device matches \"\(selector)\"; there are: \(available.joined(separator: ", "))"
    case .buildFailed(let program, let log): "the OpenCL compiler refused \(program):\n\(log)"
    case .call(let function, let code): "\(function) failed: \(Self.name(of: code)) (\(code))"
    case .timedOut(let what, let seconds): "the device did not finish \(what) within \(seconds) s"
    case .outOfMemory(let bytes): "the device cannot allocate \(bytes) bytes"
    case .misalignedSubBuffer(let offset, let alignment):
      "a sub-buffer must start at a multiple of \(alignment) bytes, not at \(offset)"
    }
  }

  /// The name of an error code in the OpenCL headers.
  static func name(of code: Int32) -> String { names[code] ?? "unknown error" }

  private static let names: [Int32: String] = [
    -1: "CL_DEVICE_NOT_FOUND", -2: "CL_DEVICE_NOT_AVAILABLE", -3: "CL_COMPILER_NOT_AVAILABLE",
    -4: "CL_MEM_OBJECT_ALLOCATION_FAILURE", -5: "CL_OUT_OF_RESOURCES", -6: "CL_OUT_OF_HOST_MEMORY",
    -7: "CL_PROFILING_INFO_NOT_AVAILABLE", -11: "CL_BUILD_PROGRAM_FAILURE", -12: "CL_MAP_FAILURE",
    -13: "CL_MISALIGNED_SUB_BUFFER_OFFSET", -14: "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST",
    -30: "CL_INVALID_VALUE", -31: "CL_INVALID_DEVICE_TYPE", -32: "CL_INVALID_PLATFORM", -33: "CL_INVALID_DEVICE",
    -34: "CL_INVALID_CONTEXT", -36: "CL_INVALID_COMMAND_QUEUE", -38: "CL_INVALID_MEM_OBJECT",
    -42: "CL_INVALID_BINARY", -43: "CL_INVALID_BUILD_OPTIONS", -44: "CL_INVALID_PROGRAM",
    -45: "CL_INVALID_PROGRAM_EXECUTABLE", -46: "CL_INVALID_KERNEL_NAME", -48: "CL_INVALID_KERNEL",
    -49: "CL_INVALID_ARG_INDEX", -50: "CL_INVALID_ARG_VALUE", -51: "CL_INVALID_ARG_SIZE",
    -52: "CL_INVALID_KERNEL_ARGS", -53: "CL_INVALID_WORK_DIMENSION", -54: "CL_INVALID_WORK_GROUP_SIZE",
    -55: "CL_INVALID_WORK_ITEM_SIZE", -57: "CL_INVALID_EVENT_WAIT_LIST", -58: "CL_INVALID_EVENT",
    -59: "CL_INVALID_OPERATION", -61: "CL_INVALID_BUFFER_SIZE", -63: "CL_INVALID_GLOBAL_WORK_SIZE",
    -1001: "CL_PLATFORM_NOT_FOUND_KHR",
  ]
}

/// Throws for any code but success.
func check(_ code: cl_int, _ function: @autoclosure () -> String) throws(OpenCLError) {
  if code != CL_SUCCESS { throw .call(function: function(), code: code) }
}
