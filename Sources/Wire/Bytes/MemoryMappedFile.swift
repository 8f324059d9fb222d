#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A regular file, mapped read-only. Pages are read when touched, and the kernel may drop them at any time.
///
/// The file must not shrink while it is mapped: touching what is gone ends the process (SIGBUS). Replace model files
/// by renaming new ones over them, never by truncating them.
public final class MemoryMappedFile: ByteOwner, @unchecked Sendable {
  // Safe to share: the mapping is private and read-only, and lives until `deinit`.
  private let bytes: UnsafeRawBufferPointer
  public let path: String

  /// Maps the whole file. O(1), whatever the size.
  public init(path: String) throws(WireError) {
    // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .unreadableFile(path: path, reason: Self.systemError()) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .unreadableFile(path: path, reason: Self.systemError()) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegularFile(path: path) }
    guard status.st_size > 0 else { throw .emptyFile(path: path) }
    let size = Int(status.st_size)
    let memory = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let memory, memory != MAP_FAILED else { throw .unreadableFile(path: path, reason: Self.systemError()) }
    self.path = path
    bytes = UnsafeRawBufferPointer(start: memory, count: size)
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }

  public var byteCount: Int { bytes.count }

  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(bytes) }

  /// Tells the kernel that the pages that lie wholly inside `range` will not be read soon, so that they stop counting
  /// against our resident memory. Reading them again is allowed, and reads the file again.
  public func releasePages(in range: Range<Int>? = nil) {
    let range = (range ?? 0..<bytes.count).clamped(to: 0..<bytes.count)
    let page = sysconf(Int32(_SC_PAGESIZE))
    let first = (range.lowerBound + page - 1) / page * page
    // The last page of the file is ours to its end, although the file is not.
    let last = range.upperBound == bytes.count ? range.upperBound : range.upperBound / page * page
    guard first < last, let base = bytes.baseAddress else { return }
    madvise(UnsafeMutableRawPointer(mutating: base + first), last - first, MADV_DONTNEED)
  }

  private static func systemError() -> String { String(cString: strerror(errno)) }
}
