/// The last items served: at every observed ramp the error score and whether its answer was the model's own.
///
/// A ring of fixed capacity. Every item runs to the end of the model, so active ramps are observed for all items, also
/// behind the one where an item left (design §2); other sites hold observations from shadow evaluation, or none.
/// Recording takes time proportional to the number of sites and allocates nothing.
public struct ObservationWindow: Sendable {
  public let sites: Int
  public let capacity: Int
  /// How many items are held: at most ``capacity``.
  public private(set) var count = 0
  /// How many items were ever recorded; the item recorded next gets this number.
  public private(set) var recorded: UInt64 = 0

  /// Site-major: `scores[site * capacity + slot]`. Not a number where the site was not observed.
  private(set) var scores: [Float]
  /// As ``scores``; meaningless where the site was not observed.
  private(set) var agrees: [Bool]
  /// The site where the item at a slot left, or −1 for the final head.
  private(set) var exitSites: [Int32]
  private(set) var batchSizes: [Int32]

  /// - Throws: ``EarlyExitError/invalidOption(name:expected:got:)`` for a capacity below 1 or over 2²⁴ items.
  public init(sites: Int, capacity: Int) throws(EarlyExitError) {
    guard (1...(1 << 24)).contains(capacity) else {
      throw .invalidOption(name: "window capacity", expected: "1 to \(1 << 24) items", got: "\(capacity)")
    }
    guard (0...(1 << 16)).contains(sites) else {
      throw .invalidOption(name: "sites", expected: "0 to \(1 << 16)", got: "\(sites)")
    }
    self.sites = sites
    self.capacity = capacity
    scores = Array(repeating: .nan, count: sites * capacity)
    agrees = Array(repeating: false, count: sites * capacity)
    exitSites = Array(repeating: -1, count: capacity)
    batchSizes = Array(repeating: 1, count: capacity)
  }

  /// Adds one item, in the place of the oldest one when the window is full.
  ///
  /// - Parameters:
  ///   - scores: one error score per site; not a number where the site was not observed.
  ///   - agrees: one flag per site: the ramp's answer there equals the model's own.
  ///   - exit: where the item's answer was released.
  ///   - batchSize: the size of the batch it ran in.
  /// - Throws: ``EarlyExitError/wrongObservation(expected:got:)``; the window is then as before.
  public mutating func record(
    scores row: Span<Float>, agrees flags: Span<Bool>, exit: ExitPosition, batchSize: Int
  ) throws(EarlyExitError) {
    guard row.count == sites, flags.count == sites else {
      throw .wrongObservation(expected: "\(sites) sites", got: "\(row.count) scores and \(flags.count) flags")
    }
    guard batchSize >= 1, let batch = Int32(exactly: batchSize) else {
      throw .wrongObservation(expected: "a batch size of at least 1", got: "\(batchSize)")
    }
    let slot = Int(recorded % UInt64(capacity))
    switch exit {
    case .final: exitSites[slot] = -1
    case .ramp(let ramp):
      guard (0..<sites).contains(ramp.rawValue), !row[ramp.rawValue].isNaN else {
        throw .wrongObservation(expected: "a score at the ramp where the item left", got: "none at \(ramp)")
      }
      exitSites[slot] = Int32(ramp.rawValue)
    }
    batchSizes[slot] = batch
    var index = slot
    for site in 0..<sites {
      scores[index] = row[site]
      agrees[index] = flags[site]
      index += capacity
    }
    recorded += 1
    count = min(count + 1, capacity)
  }

  /// Forgets all items, for instance because what they tell no longer holds. Numbers of later items go on.
  public mutating func removeAll() { count = 0 }

  /// Forgets the items before the one with this number.
  public mutating func removeAll(before number: UInt64) {
    guard number < recorded else { return removeAll() }
    count = min(count, Int(recorded - number))
  }

  /// Where the item of a slot left.
  func exit(slot: Int) -> ExitPosition { exitSites[slot] < 0 ? .final : .ramp(RampID(Int(exitSites[slot]))) }

  /// Whether the answer that was released for the item of a slot was the model's own.
  func releasedAgrees(slot: Int) -> Bool {
    exitSites[slot] < 0 || agrees[Int(exitSites[slot]) * capacity + slot]
  }

  /// The slots of a part of the items, newest first, at most `limit` of them.
  func slots(of part: WindowPart = .all, newest limit: Int = .max) -> [Int] {
    var slots: [Int] = []
    slots.reserveCapacity(min(limit, count))
    for age in 0..<count where slots.count < limit {
      let number = recorded - 1 - UInt64(age)
      if part.contains(number) { slots.append(Int(number % UInt64(capacity))) }
    }
    return slots
  }

  /// The slots among `candidates` at which all `ramps` were observed.
  func complete(_ candidates: [Int], for ramps: [RampID]) -> [Int] {
    candidates.filter { slot in ramps.allSatisfy { !scores[$0.rawValue * capacity + slot].isNaN } }
  }

  /// What was observed of the item of a slot, one value per site.
  func item(slot: Int) -> (scores: [Float], agrees: [Bool]) {
    let places = (0..<sites).map { $0 * capacity + slot }
    return (places.map { scores[$0] }, places.map { agrees[$0] })
  }

  /// Continues the numbering of an earlier window, so that every item stays on its side of the split.
  mutating func continueNumbering(at number: UInt64) {
    if count == 0 { recorded = number }
  }

  func write(to state: inout StateWriter) {
    state.write(recorded)
    state.write(UInt32(count))
    for slot in slots().reversed() {
      state.write(exitSites[slot])
      state.write(batchSizes[slot])
      for site in 0..<sites {
        state.write(scores[site * capacity + slot])
        state.write(agrees[site * capacity + slot])
      }
    }
  }

  /// Takes over as many of the items as fit, the newest ones; the receiver is empty and has as many sites.
  mutating func read(from state: inout StateReader) throws(EarlyExitError) {
    let end = try state.number()
    let written = try state.count(upTo: state.remaining)
    guard UInt64(written) <= end else { throw .damagedState(expected: "at most \(end) items", got: "\(written)") }
    recorded = end - UInt64(written)
    var row = [Float](repeating: .nan, count: sites)
    var flags = [Bool](repeating: false, count: sites)
    for _ in 0..<written {
      let site = try state.integer(Int32.self)
      guard site >= -1, site < sites else { throw .damagedState(expected: "one of \(sites) sites", got: "\(site)") }
      let batchSize = Int(try state.integer(Int32.self))
      for index in 0..<sites {
        row[index] = try state.float()
        flags[index] = try state.flag()
      }
      try record(
        scores: row.span, agrees: flags.span, exit: site < 0 ? .final : .ramp(RampID(Int(site))), batchSize: batchSize)
    }
  }
}
