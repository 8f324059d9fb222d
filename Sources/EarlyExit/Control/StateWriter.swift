/// Writes numbers in little-endian order.
struct StateWriter {
  private(set) var bytes: [UInt8] = []

  mutating func write(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func write(_ value: Bool) { write(UInt8(value ? 1 : 0)) }

  mutating func write(_ value: Float) { write(value.bitPattern) }

  mutating func write(_ value: Double) { write(value.bitPattern) }

  mutating func write(_ value: RampID) { write(UInt32(value.rawValue)) }

  mutating func write(_ text: String) { write(Array(text.utf8)) { $0.write($1) } }

  mutating func write<Element>(_ value: Element?, _ body: (inout StateWriter, Element) -> Void) {
    write(value != nil)
    if let value { body(&self, value) }
  }

  mutating func write<Element>(_ values: [Element], _ body: (inout StateWriter, Element) -> Void) {
    write(UInt32(values.count))
    for value in values { body(&self, value) }
  }

  mutating func append(_ more: [UInt8]) { bytes += more }
}
