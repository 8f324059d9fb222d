import Foundation
import ModelGraph

/// Reads and writes NumPy's `.npy` files (format versions 1 to 3), see `numpy.lib.format`.
public enum NumPyFile {
  private static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]

  /// The little-endian types that NumPy and we share.
  private static let types: [String: DataType] = [
    "<f4": .float32, "<f2": .float16, "<f8": .float64, "|i1": .int8, "<i2": .int16, "<i4": .int32, "<i8": .int64,
    "|u1": .uint8, "<u2": .uint16, "<u4": .uint32, "<u8": .uint64, "|b1": .bool,
  ]

  public static func read(at path: String) throws(DatasetError) -> Tensor {
    let data: Data
    do { data = try Data(contentsOf: URL(fileURLWithPath: path)) } catch {
      throw .unreadable(path: path, reason: FileManager.default.fileExists(atPath: path) ? "\(error)" : "no such file")
    }
    return try parse([UInt8](data), path: path)
  }

  /// - Parameter path: for errors only.
  public static func parse(_ bytes: [UInt8], path: String) throws(DatasetError) -> Tensor {
    guard bytes.count >= 10, Array(bytes[..<6]) == magic else {
      throw .malformed(
        path: path, expected: "the magic bytes \\x93NUMPY", got: "\(bytes.count) bytes of something else")
    }
    let version = bytes[6]
    guard (1...3).contains(version) else {
      throw .malformed(path: path, expected: "format version 1 to 3", got: "version \(version)")
    }
    let lengthBytes = version == 1 ? 2 : 4
    guard bytes.count >= 8 + lengthBytes else {
      throw .malformed(path: path, expected: "a header length", got: "the end of the file")
    }
    let length = bytes[8..<(8 + lengthBytes)].reversed().reduce(0) { $0 << 8 | Int($1) }
    let start = 8 + lengthBytes
    guard length <= bytes.count - start else {
      throw .malformed(path: path, expected: "a header of \(length) bytes", got: "\(bytes.count - start)")
    }
    let header = String(decoding: bytes[start..<(start + length)], as: UTF8.self)
    guard let descriptor = text(of: "descr", in: header), let type = types[descriptor] else {
      throw .malformed(
        path: path, expected: "one of the types \(types.keys.sorted().joined(separator: " "))",
        got: text(of: "descr", in: header) ?? header)
    }
    guard let shape = shape(in: header) else {
      throw .malformed(path: path, expected: "a shape of extents from 0", got: header)
    }
    var count = 1
    for extent in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow, product <= ModelLimits.elements else {
        throw .malformed(path: path, expected: "at most \(ModelLimits.elements) elements", got: "shape \(shape)")
      }
      count = product
    }
    let content = bytes[(start + length)...]
    guard content.count == count * type.byteWidth else {
      throw .malformed(
        path: path, expected: "\(count * type.byteWidth) bytes for \(type) \(shape)", got: "\(content.count)")
    }
    let isFortran = header.contains("'fortran_order': True")
    let tensor = Tensor(type: type, shape: shape, storage: TensorStorage(copying: content))
    return isFortran && shape.count > 1 ? rowMajor(tensor) : tensor
  }

  public static func write(_ tensor: Tensor, to path: String) throws {
    try Data(encode(tensor)).write(to: URL(fileURLWithPath: path))
  }

  public static func encode(_ tensor: Tensor) -> [UInt8] {
    let descriptor = types.first { $0.value == tensor.type }?.key ?? "<f4"
    let extents = tensor.shape.map(String.init).joined(separator: ", ") + (tensor.shape.count == 1 ? "," : "")
    var header = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': (\(extents)), }"
    // The data start at a multiple of 64 bytes.
    header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
    let length = UInt16(header.utf8.count)
    var bytes = magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(header.utf8)
    tensor.storage.withUnsafeBytes { bytes.append(contentsOf: $0) }
    return bytes
  }

  private static func text(of key: String, in header: String) -> String? {
    guard let place = header.range(of: "'\(key)':") else { return nil }
    let parts = header[place.upperBound...].split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
    return parts.count > 1 ? String(parts[1]) : nil
  }

  private static func shape(in header: String) -> Shape? {
    guard let place = header.range(of: "'shape':"), let open = header[place.upperBound...].firstIndex(of: "("),
      let close = header[open...].firstIndex(of: ")")
    else { return nil }
    var shape: Shape = []
    for part in header[header.index(after: open)..<close].split(separator: ",") {
      let word = part.trimmingCharacters(in: .whitespaces)
      if word.isEmpty { continue }
      guard let extent = Int(word), extent >= 0 else { return nil }
      shape.append(extent)
    }
    return shape
  }

  /// The same array from Fortran order.
  private static func rowMajor(_ tensor: Tensor) -> Tensor {
    let (shape, width) = (tensor.shape, tensor.type.byteWidth)
    let storage = TensorStorage(byteCount: tensor.storage.byteCount) { target in
      tensor.storage.withUnsafeBytes { source in
        for index in 0..<tensor.elementCount {
          var (rest, place, stride) = (index, 0, 1)
          var positions = [Int](repeating: 0, count: shape.count)
          for axis in shape.indices.reversed() {
            (rest, positions[axis]) = rest.quotientAndRemainder(dividingBy: shape[axis])
          }
          for axis in shape.indices {
            place += positions[axis] * stride
            stride *= shape[axis]
          }
          for byte in 0..<width { target[index * width + byte] = source[place * width + byte] }
        }
      }
    }
    return Tensor(type: tensor.type, shape: shape, storage: storage)
  }
}
