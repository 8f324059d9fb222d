import Testing
import Wire

@testable import ModelGraph

@Suite("A tensor file")
struct TensorFileTests {
  /// Writes numbers as one packed run of varints.
  private func varints(_ values: [Int64]) -> [UInt8] {
    ModelBytes.message { for value in values { $0.append(varint: UInt64(bitPattern: value)) } }
  }

  @Test("holds elements of every type, raw or typed")
  func types() throws {
    // Code of the type, field of typed data, values.
    let table: [(DataType, UInt64, UInt32, [Int64])] = [
      (.uint8, 2, 5, [0, 200]), (.int8, 3, 5, [-128, 127]), (.uint16, 4, 5, [0, 65535]),
      (.int16, 5, 5, [-32768, 32767]), (.int32, 6, 5, [-2_147_483_648, 2_147_483_647]),
      (.int64, 7, 7, [.min, .max]), (.bool, 9, 5, [0, 1]), (.uint32, 12, 11, [0, 4_294_967_295]),
      (.uint64, 13, 11, [0, .max]),
    ]
    for (type, code, field, values) in table {
      let raw = values.flatMap { Array(ModelBytes.littleEndian($0)[..<type.byteWidth]) }
      let files = [
        ModelBytes.tensor("t", type: code, dims: [2]) { $0.append(field: 9, bytes: raw) },
        ModelBytes.tensor("t", type: code, dims: [2]) { $0.append(field: field, bytes: varints(values)) },
        ModelBytes.tensor("t", type: code, dims: [2]) { writer in
          for value in values { writer.append(field: field, bytes: varints([value])) }
        },
        ModelBytes.tensor("t", type: code, dims: [2]) { writer in
          for value in values { writer.append(field: field, varint: UInt64(bitPattern: value)) }
        },
      ]
      for (form, bytes) in files.enumerated() {
        let file = try TensorFile(bytes: bytes)
        #expect(file.name == "t")
        #expect(file.tensor.type == type)
        #expect(file.tensor.integers == values, "\(type), form \(form)")
      }
    }
  }

  @Test("holds floating-point elements, raw or typed")
  func floatingPoint() throws {
    let floats: [Float] = [1.5, -0.25]
    let bits = floats.flatMap { ModelBytes.littleEndian($0.bitPattern) }
    let doubles = floats.flatMap { ModelBytes.littleEndian(Double($0).bitPattern) }
    let files = [
      ModelBytes.tensor("t", dims: [2]) { $0.append(field: 9, bytes: bits) },
      ModelBytes.tensor("t", dims: [2]) { $0.append(field: 4, bytes: bits) },
      ModelBytes.tensor("t", dims: [2]) { writer in
        writer.append(field: 4, bytes: bits[..<4])
        writer.append(field: 4, bytes: bits[4...])
      },
      ModelBytes.tensor("t", dims: [2]) { writer in
        for value in floats { writer.append(field: 4, fixed32: value.bitPattern) }
      },
      ModelBytes.tensor("t", type: 11, dims: [2]) { $0.append(field: 10, bytes: doubles) },
      ModelBytes.tensor("t", type: 10, dims: [2]) { writer in
        writer.append(field: 5, bytes: varints(floats.map { Int64($0.halfBits) }))
      },
    ]
    for bytes in files { #expect(try TensorFile(bytes: bytes).tensor.floats == floats) }
    #expect(try TensorFile(bytes: files[5]).tensor.type == .float16)
  }

  @Test("may be empty or a scalar")
  func extremes() throws {
    #expect(try TensorFile(bytes: ModelBytes.tensor("t", dims: [0, 3]) { _ in }).tensor.floats.isEmpty)
    #expect(try TensorFile(bytes: ModelBytes.tensor("t", [7], dims: [])).tensor.floats == [7])
  }

  @Test("has truth values of 0 and 1 only, whatever its bytes")
  func truthValues() throws {
    let bytes = ModelBytes.tensor("t", type: 9, dims: [3]) { $0.append(field: 9, bytes: [0, 1, 255]) }
    let tensor = try TensorFile(bytes: bytes).tensor
    #expect(tensor.storage.withUnsafeBytes { Array($0) } == [0, 1, 1])
  }

  @Test("is refused when payload, type and shape do not fit")
  func misfits() {
    let files: [[UInt8]] = [
      ModelBytes.tensor("t", [1, 2], dims: [3]),
      ModelBytes.tensor("t", [1, 2], dims: []),
      ModelBytes.tensor("t", dims: [1]) { _ in },
      ModelBytes.tensor("t", dims: [-1]) { _ in },
      ModelBytes.tensor("t", dims: [65536, 65536]) { _ in },
      ModelBytes.tensor("t", dims: [0, .max]) { _ in },
      ModelBytes.tensor("t", dims: [.max, .max, .max]) { _ in },
      ModelBytes.tensor("t", dims: [Int64](repeating: 1, count: 9)) { $0.append(field: 9, bytes: [0, 0, 0, 0]) },
      ModelBytes.tensor("t", dims: [1]) { $0.append(field: 7, bytes: [1]) },
      ModelBytes.tensor("t", dims: [1]) { $0.append(field: 9, bytes: [1, 2, 3, 4, 5]) },
      ModelBytes.tensor("t", dims: [2]) { writer in
        writer.append(field: 9, bytes: [1, 2, 3, 4])
        writer.append(field: 9, bytes: [1, 2, 3, 4])
      },
      ModelBytes.tensor("t", type: 3, dims: [1]) { $0.append(field: 5, bytes: varints([128])) },
      ModelBytes.tensor("t", type: 2, dims: [1]) { $0.append(field: 5, bytes: varints([-1])) },
      ModelBytes.tensor("t", type: 12, dims: [1]) { $0.append(field: 11, bytes: varints([1 << 32])) },
      ModelBytes.tensor("t", type: 6, dims: [2]) { writer in
        writer.append(field: 5, bytes: varints([1]))
        writer.append(field: 5, varint: 2)
      },
      ModelBytes.tensor("t", type: 7, dims: [1 << 30]) { $0.append(field: 7, bytes: [1]) },
    ]
    for (index, bytes) in files.enumerated() {
      #expect(throws: ImportError.self, "file \(index)") { try TensorFile(bytes: bytes) }
    }
  }

  @Test("names the tensor whose type is not supported")
  func unsupportedTypes() {
    for (code, type) in [
      (0, "undefined"), (8, "string"), (16, "bfloat16"), (17, "float8e4m3fn"), (22, "int4"), (99, "number 99"),
    ] {
      #expect(throws: ImportError.unsupportedElementType(value: "t", type: type)) {
        try TensorFile(bytes: ModelBytes.tensor("t", type: UInt64(code), dims: []) { _ in })
      }
    }
  }
}
