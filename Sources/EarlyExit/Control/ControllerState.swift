/// A controller's memory as bytes, so that it survives a restart.
///
/// Layout: "APXC", format version (u16), length of the payload (u64), payload, FNV-1a of all before (u64); all
/// little-endian. The payload begins with the fingerprint of the model. Writing it to a file, and doing that atomically, is up to the caller.
extension Controller {
  static let stateVersion: UInt16 = 1
  private static let magic = Array("APXC".utf8)
  private static let headerSize = 4 + 2 + 8

  /// - Parameter fingerprint: names the model version; ``init(decoding:fingerprint:profile:options:)`` refuses another one.
  public func encoded(fingerprint: String) -> [UInt8] {
    var payload = StateWriter()
    payload.write(fingerprint)
    write(to: &payload)
    var state = StateWriter()
    state.append(Self.magic)
    state.write(Self.stateVersion)
    state.write(UInt64(payload.bytes.count))
    state.append(payload.bytes)
    state.write(Self.checksum(state.bytes[...]))
    return state.bytes
  }

  /// The controller that ``encoded(fingerprint:)`` was called on, with this device's latencies and these options.
  ///
  /// What was certified for another constraint, δ or guarantee is forgotten, observations are not: thresholds are then 0 until
  /// the next ``update()``. Ramps over a smaller budget are given up in favour of the ones to begin with.
  ///
  /// - Throws: ``EarlyExitError/damagedState(expected:got:)``, ``EarlyExitError/newerState(version:supported:)``,
  ///   ``EarlyExitError/foreignState(expected:got:)``, or what is wrong with the options.
  public init(
    decoding bytes: [UInt8], fingerprint: String, profile: LatencyProfile, options: ControllerOptions
  ) throws(EarlyExitError) {
    var reader = try Self.payload(of: bytes)
    let owner = try reader.text()
    guard owner == fingerprint else { throw .foreignState(expected: fingerprint, got: owner) }
    try self.init(profile: profile, options: options)
    try read(from: &reader)
    guard reader.remaining == 0 else {
      throw .damagedState(expected: "the end of the state", got: "\(reader.remaining) more bytes")
    }
  }

  private static func payload(of bytes: [UInt8]) throws(EarlyExitError) -> StateReader {
    guard bytes.count >= headerSize + 8 else {
      throw .damagedState(expected: "at least \(headerSize + 8) bytes", got: "\(bytes.count)")
    }
    guard bytes.starts(with: magic) else { throw .damagedState(expected: "\"APXC\" at the start", got: "other bytes") }
    var header = StateReader(bytes[magic.count..<headerSize])
    let version = try header.integer(UInt16.self)
    guard version <= stateVersion else { throw .newerState(version: Int(version), supported: Int(stateVersion)) }
    guard version == stateVersion else {
      throw .damagedState(expected: "format \(stateVersion)", got: "format \(version)")
    }
    let length = try header.integer(UInt64.self)
    guard length == UInt64(bytes.count - headerSize - 8) else {
      throw .damagedState(expected: "\(length) bytes of payload", got: "\(bytes.count - headerSize - 8)")
    }
    let end = bytes.count - 8
    var trailer = StateReader(bytes[end...])
    let written = try trailer.integer(UInt64.self)
    guard written == checksum(bytes[..<end]) else {
      throw .damagedState(expected: "a matching checksum", got: "another one")
    }
    return StateReader(bytes[headerSize..<end])
  }

  /// FNV-1a: each step is a bijection of the sum so far, so any one changed byte changes the result.
  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}

extension StateWriter {
  mutating func write(_ exit: ExitPolicy.Exit) {
    write(exit.ramp)
    write(exit.threshold)
  }

  mutating func write(_ exits: [ExitPolicy.Exit]) { write(exits) { $0.write($1) } }

  mutating func write(_ alarm: ControllerStatus.Alarm) {
    switch alarm {
    case .drift(let at, let since):
      write(UInt8(0))
      write(at)
      write(since)
    case .belowConstraint(let at):
      write(UInt8(1))
      write(at)
    }
  }
}

extension StateReader {
  /// Ramps in ascending order with thresholds that a policy may have.
  mutating func exits(sites: Int) throws(EarlyExitError) -> [ExitPolicy.Exit] {
    let exits = try array { reader throws(EarlyExitError) in
      ExitPolicy.Exit(ramp: try reader.ramp(sites: sites), threshold: try reader.float())
    }
    return try ExitPolicy(version: 0, exits: exits).exits
  }

  mutating func alarm() throws(EarlyExitError) -> ControllerStatus.Alarm {
    switch try integer(UInt8.self) {
    case 0: return .drift(at: try integer(), since: try integer())
    case 1: return .belowConstraint(at: try integer())
    case let other: throw .damagedState(expected: "a kind of alarm", got: "\(other)")
    }
  }
}
