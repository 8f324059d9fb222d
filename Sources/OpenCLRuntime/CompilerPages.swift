import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The code of the compiler that an OpenCL driver brings along: PoCL maps all of LLVM and clang, and starting it up
/// touches some 50 MB that serving never runs again.
enum CompilerPages {
  private static let libraries = ["libLLVM", "libclang"]

  /// Lets the pages go from our resident memory. They are clean pages of files and come back, one by one, when they are
  /// executed again. Does nothing where there is no `/proc`.
  static func release() {
    guard let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8) else { return }
    for line in maps.split(separator: "\n") where libraries.contains(where: line.contains) {
      // start-end permissions …; only code that nobody can have written to
      let fields = line.split(separator: " ", maxSplits: 2)
      guard fields.count == 3, fields[1] == "r-xp" else { continue }
      let bounds = fields[0].split(separator: "-").compactMap { UInt(_: $0, radix: 16) }
      guard bounds.count == 2, bounds[0] < bounds[1], let start = UnsafeMutableRawPointer(bitPattern: bounds[0]) else {
        continue
      }
      madvise(start, Int(bounds[1] - bounds[0]), MADV_DONTNEED)
    }
  }
}
