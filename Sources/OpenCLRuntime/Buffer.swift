import COpenCL

/// Device memory, or a part of it.
public final class Buffer: @unchecked Sendable {
  // A cl_mem may be used from any thread; ordering is the queue's business.
  let raw: cl_mem
  public let byteCount: Int
  private let context: Context
  private let parent: Buffer?

  init(_ raw: cl_mem, byteCount: Int, context: Context, parent: Buffer?) {
    self.raw = raw
    self.byteCount = byteCount
    self.context = context
    self.parent = parent
  }

  deinit { clReleaseMemObject(raw) }

  /// A window on this buffer, which it keeps alive.
  /// - Parameter offset: in bytes, a multiple of ``DeviceProperties/baseAddressAlignment``.
  /// - Precondition: the window lies inside of the buffer.
  public func subBuffer(offset: Int, byteCount: Int) throws(OpenCLError) -> Buffer {
    precondition(offset >= 0 && byteCount >= 0 && offset <= self.byteCount - byteCount, "a window outside its buffer")
    let alignment = context.device.properties.baseAddressAlignment
    guard offset % alignment == 0 else { throw .misalignedSubBuffer(offset: offset, alignment: alignment) }
    var region = cl_buffer_region(origin: offset, size: byteCount)
    var code: cl_int = 0
    guard
      let window = clCreateSubBuffer(raw, 0, cl_buffer_create_type(CL_BUFFER_CREATE_TYPE_REGION), &region, &code)
    else { throw .call(function: "clCreateSubBuffer", code: code) }
    return Buffer(window, byteCount: byteCount, context: context, parent: self)
  }
}
