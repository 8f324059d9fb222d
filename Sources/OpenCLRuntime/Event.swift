import COpenCL

/// The completion of a command.
public final class Event: @unchecked Sendable {
  // A cl_event may be used from any thread.
  private let raw: cl_event

  init(taking raw: cl_event?) {
    guard let raw else { preconditionFailure("OpenCL reported success without an event") }
    self.raw = raw
  }

  deinit { clReleaseEvent(raw) }

  /// Waits for the command; the queue must have been flushed.
  public func wait() throws(OpenCLError) {
    var event: cl_event? = raw
    try check(clWaitForEvents(1, &event), "clWaitForEvents")
  }

  /// Calls `body` once, on a thread of the driver, when the command has completed or failed. Keep it short.
  public func onComplete(_ body: @escaping @Sendable (Result<Void, OpenCLError>) -> Void) throws(OpenCLError) {
    let box = Unmanaged.passRetained(Callback(body))
    let code = clSetEventCallback(
      raw, cl_int(CL_COMPLETE),
      { _, status, pointer in
        guard let pointer else { return }
        let body = Unmanaged<Callback>.fromOpaque(pointer).takeRetainedValue().body
        body(status < 0 ? .failure(.call(function: "command", code: status)) : .success(()))
      }, box.toOpaque())
    if code != CL_SUCCESS {
      box.release()
      throw .call(function: "clSetEventCallback", code: code)
    }
  }

  /// Device times in nanoseconds; the queue must have been made for profiling and the command be complete.
  public func profile() throws(OpenCLError) -> (queued: UInt64, submitted: UInt64, started: UInt64, ended: UInt64) {
    func time(_ name: Int32) throws(OpenCLError) -> UInt64 {
      var value: cl_ulong = 0
      try check(
        clGetEventProfilingInfo(raw, cl_profiling_info(name), MemoryLayout<cl_ulong>.size, &value, nil),
        "clGetEventProfilingInfo")
      return value
    }
    return (
      try time(CL_PROFILING_COMMAND_QUEUED), try time(CL_PROFILING_COMMAND_SUBMIT),
      try time(CL_PROFILING_COMMAND_START), try time(CL_PROFILING_COMMAND_END)
    )
  }
}

private final class Callback: Sendable {
  let body: @Sendable (Result<Void, OpenCLError>) -> Void
  init(_ body: @escaping @Sendable (Result<Void, OpenCLError>) -> Void) { self.body = body }
}
