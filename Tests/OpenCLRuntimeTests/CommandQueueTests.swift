import Foundation
import Synchronization
import Testing

@testable import OpenCLRuntime

@Suite struct CommandQueueTests {
  private static let context = Result { try Context(device: Device.all()[0], cacheDirectory: "off") }

  private static let source = """
    kernel void scale(global const float *in, global float *out, float factor, int count) {
      int i = get_global_id(0) + get_global_id(1) * get_global_size(0);
      if (i < count) out[i] = in[i] * factor;
    }
    kernel void sums(global const float *in, global float *out, local float *part) {
      int i = get_local_id(0);
      part[i] = in[get_global_id(0)];
      barrier(CLK_LOCAL_MEM_FENCE);
      if (i == 0) { float sum = 0; for (int k = 0; k < get_local_size(0); k++) sum += part[k]; out[get_group_id(0)] = sum; }
    }
    """

  private func floats(_ buffer: Buffer, _ count: Int, on queue: CommandQueue) throws -> [Float] {
    var result = [Float](repeating: .nan, count: count)
    try result.withUnsafeMutableBytes { try queue.read(buffer, offset: 0, into: $0) }
    return result
  }

  @Test func runsKernelsInOrder() throws {
    let context = try Self.context.get()
    let queue = try context.makeQueue()
    let program = try context.makeProgram(source: Self.source, name: "test")
    let numbers = (0..<60).map(Float.init)
    let a = try context.makeBuffer(byteCount: 240)
    let b = try context.makeBuffer(byteCount: 240)
    try numbers.withUnsafeBytes { try queue.write(a, offset: 0, from: $0) }
    // a → b → a, twice, by kernels with arguments of their own.
    let there = try program.makeKernel("scale")
    let back = try program.makeKernel("scale")
    for (kernel, from, to, factor) in [(there, a, b, Float(2)), (back, b, a, 3)] {
      try kernel.setArgument(0, from)
      try kernel.setArgument(1, to)
      try kernel.setArgument(2, value: factor)
      try kernel.setArgument(3, value: Int32(60))
    }
    for _ in 0..<2 {
      try queue.enqueue(there, range: NDRange(global: [64], local: [1]))
      try queue.enqueue(back, range: NDRange(global: [8, 8], local: [4, 2]))
    }
    #expect(try floats(a, 60, on: queue) == numbers.map { $0 * 36 })
  }

  @Test func givesWorkGroupsLocalMemory() throws {
    let context = try Self.context.get()
    let queue = try context.makeQueue()
    let kernel = try context.makeProgram(source: Self.source, name: "test").makeKernel("sums")
    let input = try context.makeBuffer(byteCount: 64)
    let output = try context.makeBuffer(byteCount: 16)
    try (0..<16).map(Float.init).withUnsafeBytes { try queue.write(input, offset: 0, from: $0) }
    try kernel.setArgument(0, input)
    try kernel.setArgument(1, output)
    try kernel.setLocalMemory(2, byteCount: 16)
    try queue.enqueue(kernel, range: NDRange(global: [16], local: [4]))
    #expect(try floats(output, 4, on: queue) == [6, 22, 38, 54])
  }

  @Test func partsOfABufferShareItsBytes() throws {
    let context = try Self.context.get()
    let queue = try context.makeQueue()
    let alignment = context.device.properties.baseAddressAlignment
    let whole = try context.makeBuffer(byteCount: 2 * alignment)
    try [UInt8](repeating: 1, count: 2 * alignment).withUnsafeBytes { try queue.write(whole, offset: 0, from: $0) }
    let part = try whole.subBuffer(offset: alignment, byteCount: 4)
    try [UInt8](repeating: 9, count: 4).withUnsafeBytes { try queue.write(part, offset: 0, from: $0) }
    var bytes = [UInt8](repeating: 0, count: 2 * alignment)
    try bytes.withUnsafeMutableBytes { try queue.read(whole, offset: 0, into: $0) }
    #expect(bytes[..<alignment].allSatisfy { $0 == 1 } && bytes[alignment..<(alignment + 4)].allSatisfy { $0 == 9 })
    if alignment > 1 { #expect(throws: OpenCLError.self) { try whole.subBuffer(offset: 1, byteCount: 1) } }
  }

  @Test func writesWhileMapped() throws {
    let context = try Self.context.get()
    let queue = try context.makeQueue()
    let buffer = try context.makeBuffer(byteCount: 12)
    try queue.withMapped(buffer) {
      $0.copyBytes(from: [Float(1), 2, 3].flatMap { withUnsafeBytes(of: $0) { Array($0) } })
    }
    #expect(try floats(buffer, 3, on: queue) == [1, 2, 3])
  }

  @Test func readsWithoutWaitingAndTellsWhenItIsDone() async throws {
    let context = try Self.context.get()
    let queue = try context.makeQueue(profiling: true)
    let buffer = try context.makeBuffer(byteCount: 4)
    try [Float(5)].withUnsafeBytes { try queue.write(buffer, offset: 0, from: $0) }
    let target = UnsafeMutableRawBufferPointer.allocate(byteCount: 4, alignment: 4)
    defer { target.deallocate() }
    let event = try queue.readAsync(buffer, offset: 0, into: target)
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      do {
        try event.onComplete { continuation.resume(with: $0.mapError { $0 as any Error }) }
        try queue.flush()
      } catch { continuation.resume(throwing: error) }
    }
    #expect(target.load(as: Float.self) == 5)
    let times = try event.profile()
    #expect(times.queued <= times.submitted && times.submitted <= times.started && times.started <= times.ended)
    try queue.marker().wait()
  }

  @Test func tooLargeABufferIsAnError() throws {
    let context = try Self.context.get()
    let size = context.device.properties.maxAllocation
    #expect(throws: OpenCLError.self) { try context.makeBuffer(byteCount: size + 1) }
  }
}
