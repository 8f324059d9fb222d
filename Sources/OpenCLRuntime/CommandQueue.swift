import COpenCL

/// An in-order queue of a device: commands run one after another, in the order in which they were enqueued.
///
/// Safe from any thread; the order between threads is the order of their calls.
public final class CommandQueue: @unchecked Sendable {
  private let raw: cl_command_queue
  private let context: Context

  init(_ raw: cl_command_queue, context: Context) {
    self.raw = raw
    self.context = context
  }

  deinit {
    clFinish(raw)
    clReleaseCommandQueue(raw)
  }

  /// Launches a kernel whose arguments are set. Does not wait and does not allocate.
  public func enqueue(_ kernel: Kernel, range: NDRange) throws(OpenCLError) {
    try launch(kernel, range, nil)
  }

  /// As ``enqueue(_:range:)``, with an event.
  public func enqueueWithEvent(_ kernel: Kernel, range: NDRange) throws(OpenCLError) -> Event {
    var event: cl_event?
    try launch(kernel, range, &event)
    return Event(taking: event)
  }

  private func launch(
    _ kernel: Kernel, _ range: NDRange, _ event: UnsafeMutablePointer<cl_event?>?
  ) throws(OpenCLError) {
    let code = withUnsafeBytes(of: range.global) { global in
      withUnsafeBytes(of: range.local) { local in
        clEnqueueNDRangeKernel(
          raw, kernel.raw, range.dimensions, nil, global.assumingMemoryBound(to: Int.self).baseAddress,
          local.assumingMemoryBound(to: Int.self).baseAddress, 0, nil, event)
      }
    }
    try check(code, "clEnqueueNDRangeKernel(\(kernel.name))")
  }

  /// Copies host bytes into a buffer and waits until they may be reused.
  public func write(_ buffer: Buffer, offset: Int, from bytes: UnsafeRawBufferPointer) throws(OpenCLError) {
    precondition(offset + bytes.count <= buffer.byteCount, "write past the end of a buffer")
    guard bytes.count > 0 else { return }
    try check(
      clEnqueueWriteBuffer(
        raw, buffer.raw, cl_bool(CL_TRUE), offset, bytes.count, bytes.baseAddress, 0, nil, nil), "clEnqueueWriteBuffer")
  }

  /// Starts a copy of host bytes into a buffer. They must stay valid and unchanged until the queue has passed it.
  public func writeAsync(_ buffer: Buffer, offset: Int, from bytes: UnsafeRawBufferPointer) throws(OpenCLError) {
    precondition(offset + bytes.count <= buffer.byteCount, "write past the end of a buffer")
    guard bytes.count > 0 else { return }
    try check(
      clEnqueueWriteBuffer(
        raw, buffer.raw, cl_bool(CL_FALSE), offset, bytes.count, bytes.baseAddress, 0, nil, nil),
      "clEnqueueWriteBuffer")
  }

  /// Waits for everything before it, then copies from a buffer.
  public func read(_ buffer: Buffer, offset: Int, into bytes: UnsafeMutableRawBufferPointer) throws(OpenCLError) {
    precondition(offset + bytes.count <= buffer.byteCount, "read past the end of a buffer")
    guard bytes.count > 0 else { return }
    try check(
      clEnqueueReadBuffer(
        raw, buffer.raw, cl_bool(CL_TRUE), offset, bytes.count, bytes.baseAddress, 0, nil, nil), "clEnqueueReadBuffer")
  }

  /// Starts a copy from a buffer. `bytes` must stay valid until the event completes.
  public func readAsync(
    _ buffer: Buffer, offset: Int, into bytes: UnsafeMutableRawBufferPointer
  ) throws(OpenCLError) -> Event {
    precondition(offset + bytes.count <= buffer.byteCount, "read past the end of a buffer")
    var event: cl_event?
    try check(
      clEnqueueReadBuffer(
        raw, buffer.raw, cl_bool(CL_FALSE), offset, bytes.count, bytes.baseAddress, 0, nil, &event),
      "clEnqueueReadBuffer")
    return Event(taking: event)
  }

  /// Gives `body` the buffer's memory to write (its old content is lost) and waits until the device has it.
  public func withMapped<Result>(
    _ buffer: Buffer, _ body: (UnsafeMutableRawBufferPointer) throws -> Result
  ) throws -> Result {
    var code: cl_int = 0
    guard
      let memory = clEnqueueMapBuffer(
        raw, buffer.raw, cl_bool(CL_TRUE), cl_map_flags(CL_MAP_WRITE_INVALIDATE_REGION), 0, buffer.byteCount, 0, nil,
        nil, &code)
    else { throw OpenCLError.call(function: "clEnqueueMapBuffer", code: code) }
    defer {
      clEnqueueUnmapMemObject(raw, buffer.raw, memory, 0, nil, nil)
      clFinish(raw)
    }
    return try body(UnsafeMutableRawBufferPointer(start: memory, count: buffer.byteCount))
  }

  /// An event that completes when everything enqueued so far has.
  public func marker() throws(OpenCLError) -> Event {
    var event: cl_event?
    try check(clEnqueueMarkerWithWaitList(raw, 0, nil, &event), "clEnqueueMarkerWithWaitList")
    return Event(taking: event)
  }

  /// Makes sure that the device starts on what was enqueued.
  public func flush() throws(OpenCLError) { try check(clFlush(raw), "clFlush") }

  /// Waits for everything enqueued.
  public func finish() throws(OpenCLError) { try check(clFinish(raw), "clFinish") }
}
