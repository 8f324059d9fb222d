import Foundation
import ModelGraph
import Testing

@testable import Datasets

@Suite struct NumPyFileTests {
  private func file(_ header: String, _ content: [UInt8] = [], version: UInt8 = 1) -> [UInt8] {
    let length = header.utf8.count
    let size =
      version == 1
      ? [UInt8(length & 0xFF), UInt8(length >> 8)]
      : [UInt8(length & 0xFF), UInt8(length >> 8 & 0xFF), 0, 0]
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + size + Array(header.utf8) + content
  }

  private func header(_ type: String, _ shape: String, fortran: Bool = false) -> String {
    "{'descr': '\(type)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }\n"
  }

  @Test(
    arguments: [
      DataType.float32, .float16, .float64, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .bool,
    ], [[], [3], [2, 3], [0, 4], [1, 2, 3, 1]] as [Shape])
  func writesWhatItReads(type: DataType, shape: Shape) throws {
    let count = shape.reduce(1, *) * type.byteWidth
    let tensor = Tensor(
      type: type, shape: shape, storage: TensorStorage(copying: (0..<count).map { UInt8(truncatingIfNeeded: $0 % 2) }))
    let bytes = NumPyFile.encode(tensor)
    let back = try NumPyFile.parse(bytes, path: "x.npy")
    #expect(back.type == type && back.shape == shape)
    #expect(back.storage.withUnsafeBytes { Array($0) } == tensor.storage.withUnsafeBytes { Array($0) })
    // numpy.lib.format: the data begin at a multiple of 64 bytes.
    #expect((bytes.count - count) % 64 == 0)
  }

  @Test(arguments: [UInt8(1), 2, 3])
  func readsEveryVersion(version: UInt8) throws {
    let tensor = try NumPyFile.parse(file(header("|u1", "(2,)"), [7, 8], version: version), path: "x.npy")
    #expect(tensor.shape == [2] && tensor.integers == [7, 8])
  }

  @Test func turnsFortranOrder() throws {
    let bytes = file(header("|u1", "(2, 3)", fortran: true), [1, 4, 2, 5, 3, 6])
    #expect(try NumPyFile.parse(bytes, path: "x.npy").integers == [1, 2, 3, 4, 5, 6])
  }

  @Test func refusesWhatIsNoArray() {
    let good = file(header("<f4", "(2,)"), [UInt8](repeating: 0, count: 8))
    let bad: [[UInt8]] = [
      [], Array("hello, this is text".utf8), Array(good.dropLast()), good + [0],
      file(header(">f4", "(2,)"), [UInt8](repeating: 0, count: 8)), file(header("|O", "(2,)")),
      file(header("<f4", "(-1,)")), file(header("<f4", "(4611686018427387904, 4)")),
      file(header("<f4", "(1000000000000,)")),
      file(header("<f4", "2")), file("{}"), file(header("<f4", "(2,)"), version: 9),
      Array(good[..<9]), [0x93] + Array("NUMPY".utf8) + [1, 0, 0xFF, 0xFF],
    ]
    for bytes in bad { #expect(throws: DatasetError.self) { try NumPyFile.parse(bytes, path: "x.npy") } }
    // Any prefix and any changed byte gives an array or an error.
    for end in good.indices { _ = try? NumPyFile.parse(Array(good[..<end]), path: "x.npy") }
    for place in good.indices {
      var changed = good
      changed[place] ^= 0xFF
      _ = try? NumPyFile.parse(changed, path: "x.npy")
    }
  }

  @Test func namesAMissingFile() {
    #expect { try NumPyFile.read(at: "/nowhere/x.npy") } throws: { "\($0)".contains("/nowhere/x.npy cannot be read") }
  }
}
