import Foundation

/// An array as numpy's .npy files hold it: C order, little-endian.
///
/// Source: numpy.lib.format, versions 1.0 to 3.0.
struct NumpyArray: Sendable {
  enum Element: String, CaseIterable, Sendable {
    case float32 = "<f4"
    case float16 = "<f2"
    case float64 = "<f8"
    case int64 = "<i8"
    case int32 = "<i4"
    case int8 = "|i1"
    case uint8 = "|u1"
    case bool = "|b1"

    var size: Int {
      switch self {
      case .float64, .int64: 8
      case .float32, .int32: 4
      case .float16: 2
      case .int8, .uint8, .bool: 1
      }
    }
  }

  let element: Element
  let shape: [Int]
  /// The elements, `count * element.size` bytes.
  let bytes: Data

  var count: Int { bytes.count / element.size }

  init(element: Element, shape: [Int], bytes: Data) {
    precondition(bytes.count == shape.reduce(element.size, *), "bytes do not fill the shape")
    self.element = element
    self.shape = shape
    self.bytes = bytes
  }

  /// Reads a file.
  ///
  /// - Throws: `BenchError.malformedArray` with what is wrong with it.
  init(contentsOf path: String) throws {
    guard let file = FileManager.default.contents(atPath: path) else {
      throw BenchError.malformedArray(path: path, reason: "it cannot be read")
    }
    func fail(_ reason: String) -> BenchError { .malformedArray(path: path, reason: reason) }
    guard file.count >= 12, file.prefix(6) == Data([0x93] + Array("NUMPY".utf8)) else {
      throw fail("it does not begin as a .npy file")
    }
    let wide = file[6] >= 2
    let length = (0..<(wide ? 4 : 2)).reduce(0) { $0 | Int(file[8 + $1]) << (8 * $1) }
    let start = (wide ? 12 : 10) + length
    guard start <= file.count else { throw fail("its header is cut off") }
    let header = String(decoding: file[(wide ? 12 : 10)..<start], as: UTF8.self)

    guard let descriptor = Self.value(of: "descr", in: header)?.split(separator: "'").first else {
      throw fail("its header has no descr: \(header)")
    }
    guard let element = Element(rawValue: String(descriptor)) else { throw fail("element type \(descriptor)") }
    guard Self.value(of: "fortran_order", in: header)?.hasPrefix("False") == true else { throw fail("Fortran order") }
    guard let tuple = Self.value(of: "shape", in: header)?.dropFirst().prefix(while: { $0 != ")" }) else {
      throw fail("its header has no shape: \(header)")
    }
    var shape: [Int] = []
    var size = element.size
    for part in tuple.split(separator: ",") {
      let text = part.trimmingCharacters(in: .whitespaces)
      if text.isEmpty { continue }
      guard let extent = Int(text), extent >= 0 else { throw fail("shape (\(tuple))") }
      let (product, overflow) = size.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw fail("shape (\(tuple)) is too large") }
      shape.append(extent)
      size = product
    }
    guard file.count - start == size else {
      throw fail("shape \(shape) of \(element.rawValue) needs \(size) bytes, the file holds \(file.count - start)")
    }
    self.init(element: element, shape: shape, bytes: Data(file[start...]))
  }

  func write(to path: String) throws {
    let extents = shape.map { "\($0)," }.joined(separator: " ")
    var header = "{'descr': '\(element.rawValue)', 'fortran_order': False, 'shape': (\(extents)), }"
    // The data begins at a multiple of 64 bytes; the header ends in a new line.
    header += String(repeating: " ", count: (64 - (10 + header.utf8.count + 1) % 64) % 64) + "\n"
    var file = Data([0x93] + Array("NUMPY".utf8) + [1, 0])
    file.append(contentsOf: [UInt8(header.utf8.count & 0xFF), UInt8(header.utf8.count >> 8)])
    file.append(contentsOf: header.utf8)
    file.append(bytes)
    try file.write(to: URL(filePath: path))
  }

  /// The elements as floats, whatever their type.
  func floats() -> [Float] {
    (0..<count).map { place in
      let offset = place * element.size
      let bits = (0..<element.size).reduce(UInt64(0)) { $0 | UInt64(bytes[offset + $1]) << (8 * $1) }
      return switch element {
      case .float32: Float(bitPattern: UInt32(truncatingIfNeeded: bits))
      case .float16: Float(Float16(bitPattern: UInt16(truncatingIfNeeded: bits)))
      case .float64: Float(Double(bitPattern: bits))
      case .int64: Float(Int64(bitPattern: bits))
      case .int32: Float(Int32(truncatingIfNeeded: bits))
      case .int8: Float(Int8(truncatingIfNeeded: bits))
      case .uint8, .bool: Float(bits)
      }
    }
  }

  /// What follows a key of the header, without the quote or space in front.
  private static func value(of key: String, in header: String) -> Substring? {
    guard let place = header.range(of: "'\(key)':") else { return nil }
    return header[place.upperBound...].drop { $0 == " " }
  }
}
