import Wire

extension TensorStorage {
  /// Borrows bytes of a file or buffer in place. - Precondition: `range` lies inside of it.
  convenience init(borrowing range: Range<Int>, of source: any ByteOwner) {
    let bytes = source.withUnsafeBytes { UnsafeRawBufferPointer(rebasing: $0[range]) }
    self.init(borrowing: bytes, from: source)
  }

  /// Tells the kernel that these bytes will not be read soon (they were packed for a device, say), so that the pages
  /// of a mapped file leave our resident memory. They can still be read. Does nothing to memory of our own.
  public func releasePages() { releasePages(of: 0..<byteCount, bytesEach: 1) }

  /// As ``releasePages()``, for some elements of `width` bytes.
  public func releasePages(of elements: Range<Int>, bytesEach width: Int) {
    guard let file = owner as? MemoryMappedFile else { return }
    let offset = file.withUnsafeBytes { whole in
      withUnsafeBytes { own in whole.baseAddress.flatMap { base in own.baseAddress.map { $0 - base } } }
    }
    guard let offset else { return }
    file.releasePages(in: (offset + elements.lowerBound * width)..<(offset + elements.upperBound * width))
  }
}
