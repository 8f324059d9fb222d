import Foundation
import Testing

@testable import OpenCLRuntime

@Suite struct ProgramTests {
  private static let context = Result { try Context(device: Device.all()[0], cacheDirectory: "off") }

  @Test func aBuildErrorCarriesTheCompilersWords() throws {
    let context = try Self.context.get()
    #expect {
      try context.makeProgram(source: "kernel void f() { undeclared_name = 1; }", name: "broken")
    } throws: {
      "\($0)".contains("broken") && "\($0)".contains("undeclared_name")
    }
  }

  @Test func anUnknownKernelIsAnError() throws {
    let program = try Self.context.get().makeProgram(source: "kernel void f() {}", name: "small")
    #expect { try program.makeKernel("g") } throws: { "\($0)".contains("g of small") }
  }
}

@Suite struct ProgramCacheTests {
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apparate-\(UUID().uuidString)")
  private let key = ProgramCache.Key(source: "kernel void f() {}", options: "-D A", device: "device")

  private func cache() throws -> ProgramCache { try #require(ProgramCache(directory: folder.path)) }

  private var file: URL { folder.appendingPathComponent("programs/\(key.fileName)") }

  private func cleanUp() { try? FileManager.default.removeItem(at: folder) }

  @Test func keepsWhatItWasGiven() throws {
    defer { cleanUp() }
    let cache = try cache()
    #expect(cache.load(key) == nil && !cache.contains(key))
    cache.store([1, 2, 3], for: key)
    #expect(cache.load(key) == [1, 2, 3] && cache.contains(key))
    #expect(try self.cache().load(key) == [1, 2, 3], "another process finds it")
    cache.store([], for: key)
    #expect(cache.load(key) == nil || cache.load(key) == [])
  }

  @Test func anotherSourceOptionOrDeviceIsAnotherProgram() throws {
    defer { cleanUp() }
    let cache = try cache()
    cache.store([1], for: key)
    let others = [
      ("kernel void g() {}", "-D A", "device"), (key.text, "", ""), ("kernel void f() {}", "-D B", "device"),
      ("kernel void f() {}", "-D A", "device 2"),
    ]
    for (source, options, device) in others {
      #expect(cache.load(ProgramCache.Key(source: source, options: options, device: device)) == nil)
    }
  }

  @Test func aDamagedFileIsIgnoredAndReplaced() throws {
    defer { cleanUp() }
    let cache = try cache()
    cache.store([1, 2, 3, 4], for: key)
    let good = try Data(contentsOf: file)
    for place in good.indices {
      var bad = good
      bad[place] ^= 0x10
      try bad.write(to: file)
      #expect(cache.load(key) == nil, "byte \(place)")
    }
    for length in 0..<good.count {
      try good.prefix(length).write(to: file)
      #expect(cache.load(key) == nil, "\(length) bytes")
    }
    cache.store([9], for: key)
    #expect(cache.load(key) == [9])
  }

  @Test func manyWritersLeaveOneWholeFile() async throws {
    defer { cleanUp() }
    let (first, second, key) = (try cache(), try cache(), key)
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<16 {
        group.addTask {
          for _ in 0..<8 {
            let binary = [UInt8](repeating: UInt8(writer), count: 5000)
            (writer % 2 == 0 ? first : second).store(binary, for: key)
            // Whoever reads meanwhile sees one of them, whole.
            let read = first.load(key)
            #expect(read?.count == 5000 && Set(read ?? []).count == 1)
          }
        }
      }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: file.deletingLastPathComponent().path).count == 1)
  }

  @Test func aFolderThatCannotBeMadeTurnsItOff() {
    #expect(ProgramCache(directory: "/dev/null/nothing") == nil)
    #expect(ProgramCache(directory: "off") == nil)
  }

  @Test func programsComeFromTheCache() throws {
    defer { cleanUp() }
    let context = try Context(device: Device.all()[0], cacheDirectory: folder.path)
    let source = "kernel void f(global int *x) { *x = 42; }"
    #expect(context.cachedProgram(source: source, name: "f") == nil)
    _ = try context.makeProgram(source: source, name: "f")
    let program = try #require(context.cachedProgram(source: source, name: "f"))
    let queue = try context.makeQueue()
    let buffer = try context.makeBuffer(byteCount: 4)
    let kernel = try program.makeKernel("f")
    try kernel.setArgument(0, buffer)
    try queue.enqueue(kernel, range: NDRange(global: [1], local: [1]))
    var result: Int32 = 0
    try withUnsafeMutableBytes(of: &result) { try queue.read(buffer, offset: 0, into: $0) }
    #expect(result == 42)
  }
}
