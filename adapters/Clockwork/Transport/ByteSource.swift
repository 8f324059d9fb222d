/// Where a link's bytes come from, in order.
protocol ByteSource {
  /// Waits for bytes and takes at most as many as fit; 0 at the end of the stream.
  func read(into target: UnsafeMutableRawBufferPointer) throws(ClockworkError) -> Int
}
