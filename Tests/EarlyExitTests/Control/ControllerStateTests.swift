import Testing

@testable import EarlyExit

@Suite struct ControllerStateTests {
  private func controller(items: Int = 2500) throws -> Controller {
    var controller = try Controller(profile: .even(sites: 4))
    _ = try controller.serve(.synthetic(items: items, sites: 4, disagreement: 0.1, seed: 11))
    return controller
  }

  private func decoded(_ bytes: [UInt8], _ options: ControllerOptions = ControllerOptions()) throws -> Controller {
    try Controller(decoding: bytes, fingerprint: "model:1", profile: .even(sites: 4), options: options)
  }

  @Test func aRestoredControllerDecidesAsTheOldOne() throws {
    var old = try controller()
    #expect(old.policy.releasesAnything)
    let bytes = old.encoded(fingerprint: "model:1")
    var new = try decoded(bytes)
    #expect(new.policy == old.policy)
    #expect(new.status == old.status)
    #expect(new.encoded(fingerprint: "model:1") == bytes)
    let next = Stream.synthetic(items: 1500, sites: 4, disagreement: 0.3, seed: 12)
    #expect(try new.serve(next) == old.serve(next))
  }

  @Test func everyTruncationIsRefused() throws {
    let bytes = try controller(items: 40).encoded(fingerprint: "model:1")
    for length in 0..<bytes.count {
      #expect(throws: EarlyExitError.self, "\(length) of \(bytes.count) bytes") { try decoded(Array(bytes[..<length])) }
    }
  }

  @Test func everyChangedByteIsRefused() throws {
    var bytes = try controller(items: 40).encoded(fingerprint: "model:1")
    var random = SplitMix(seed: 1)
    for index in bytes.indices {
      let change = UInt8.random(in: 1...255, using: &random)
      bytes[index] ^= change
      #expect(throws: EarlyExitError.self, "byte \(index)") { try decoded(bytes) }
      bytes[index] ^= change
    }
    _ = try decoded(bytes)
  }

  /// Changed bytes under a right checksum: what was read may be wrong then, but it must be read or refused, and a
  /// controller that was read must go on.
  @Test func noBytesCrashIt() throws {
    let bytes = try controller(items: 300).encoded(fingerprint: "model:1")
    var random = SplitMix(seed: 2)
    var refused = 0
    for _ in 0..<400 {
      var changed = Array(bytes[..<(bytes.count - 8)])
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        // Behind the header; half of the changes where counts and thresholds are.
        let end = Bool.random(using: &random) ? min(400, changed.count) : changed.count
        changed[Int.random(in: 14..<end, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      changed += withUnsafeBytes(of: checksum(changed).littleEndian) { Array($0) }
      do {
        var controller = try decoded(changed)
        _ = try controller.serve(.synthetic(items: 20, sites: 4, seed: 3))
        _ = controller.update()
        _ = controller.status
      } catch is EarlyExitError {
        refused += 1
      }
    }
    #expect(refused > 20)
  }

  private func checksum(_ bytes: [UInt8]) -> UInt64 {
    bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  @Test func theStateOfAnotherModelIsForeign() throws {
    let bytes = try controller(items: 40).encoded(fingerprint: "model:2")
    #expect(throws: EarlyExitError.foreignState(expected: "model:1", got: "model:2")) { try decoded(bytes) }
    let sites = try Controller(profile: .even(sites: 5)).encoded(fingerprint: "model:1")
    #expect(throws: EarlyExitError.foreignState(expected: "4 sites", got: "5 sites")) { try decoded(sites) }
  }

  @Test func aNewerFormatIsNamed() throws {
    var bytes = try controller(items: 40).encoded(fingerprint: "model:1")
    bytes[4] = 9
    #expect(throws: EarlyExitError.newerState(version: 9, supported: 1)) { try decoded(bytes) }
  }

  @Test func whatWasCertifiedForAnotherConstraintIsForgotten() throws {
    let old = try controller()
    var options = ControllerOptions(accuracy: try AccuracyConstraint(0.999))
    var new = try decoded(old.encoded(fingerprint: "model:1"), options)
    #expect(!new.policy.releasesAnything)
    #expect(new.policy.version > old.policy.version)
    #expect(new.status.windowItems == old.status.windowItems)
    #expect(new.isUpdateDue)
    options.accuracy = try AccuracyConstraint(0.95)
    new = try decoded(old.encoded(fingerprint: "model:1"), options)
    let updated = new.update()
    let policy = try #require(updated)
    #expect(policy.releasesAnything)
  }

  @Test func aSmallerWindowKeepsTheNewestItems() throws {
    var options = ControllerOptions()
    options.windowCapacity = 100
    let new = try decoded(try controller().encoded(fingerprint: "model:1"), options)
    #expect(new.status.windowItems == 100)
  }
}
