/// Reads what ``StateWriter`` wrote. Never reads past the end, never allocates more than the bytes at hand justify.
struct StateReader {
  private let bytes: ArraySlice<UInt8>
  private var place: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    place = bytes.startIndex
  }

  var remaining: Int { bytes.endIndex - place }

  mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) throws(EarlyExitError) -> Value {
    let size = MemoryLayout<Value>.size
    guard remaining >= size else { throw .damagedState(expected: "\(size) more bytes", got: "\(remaining)") }
    var value: Value = 0
    for index in (0..<size).reversed() { value = value << 8 | Value(truncatingIfNeeded: bytes[place + index]) }
    place += size
    return value
  }

  mutating func flag() throws(EarlyExitError) -> Bool {
    switch try integer(UInt8.self) {
    case 0: return false
    case 1: return true
    case let other: throw .damagedState(expected: "0 or 1", got: "\(other)")
    }
  }

  mutating func float() throws(EarlyExitError) -> Float { Float(bitPattern: try integer()) }

  mutating func finite() throws(EarlyExitError) -> Double {
    let value = Double(bitPattern: try integer())
    guard value.isFinite else { throw .damagedState(expected: "a finite number", got: "\(value)") }
    return value
  }

  /// A number of items: small enough to be counted on from.
  mutating func number() throws(EarlyExitError) -> UInt64 {
    let value = try integer(UInt64.self)
    guard value <= UInt64(Int64.max) else { throw .damagedState(expected: "at most 2^63 - 1", got: "\(value)") }
    return value
  }

  /// A logarithm, which may be infinite.
  mutating func wealth() throws(EarlyExitError) -> Double {
    let value = Double(bitPattern: try integer())
    guard !value.isNaN else { throw .damagedState(expected: "a number", got: "not a number") }
    return value
  }

  mutating func count(upTo limit: Int) throws(EarlyExitError) -> Int {
    let count = Int(try integer(UInt32.self))
    guard count <= limit else { throw .damagedState(expected: "at most \(limit) elements", got: "\(count)") }
    return count
  }

  mutating func ramp(sites: Int) throws(EarlyExitError) -> RampID {
    let site = Int(try integer(UInt32.self))
    guard site < sites else { throw .damagedState(expected: "one of \(sites) sites", got: "\(site)") }
    return RampID(site)
  }

  mutating func text() throws(EarlyExitError) -> String {
    let size = try count(upTo: remaining)
    defer { place += size }
    return String(decoding: bytes[place..<place + size], as: UTF8.self)
  }

  mutating func optional<Element>(
    _ body: (inout StateReader) throws(EarlyExitError) -> Element
  ) throws(EarlyExitError) -> Element? {
    try flag() ? try body(&self) : nil
  }

  /// Every element takes at least one byte, so a wrong count cannot ask for much memory.
  mutating func array<Element>(
    _ body: (inout StateReader) throws(EarlyExitError) -> Element
  ) throws(EarlyExitError) -> [Element] {
    let count = try count(upTo: remaining)
    var values: [Element] = []
    for _ in 0..<count { values.append(try body(&self)) }
    return values
  }
}
