/// Whether the last answers were the model's own, for the paper's trigger. Paper §3.2.
struct RecentAnswers: Sendable, Equatable {
  static let capacity = 1024

  private var bits = [UInt64](repeating: 0, count: RecentAnswers.capacity / 64)
  private(set) var booked: UInt64 = 0

  mutating func book(_ disagrees: Bool) {
    let place = Int(booked % UInt64(Self.capacity))
    let mask = UInt64(1) << UInt64(place % 64)
    bits[place / 64] = disagrees ? bits[place / 64] | mask : bits[place / 64] & ~mask
    booked += 1
  }

  /// Whether the last `count` answers, fewer where there are fewer, disagree more than the constraint tolerates.
  func isBelow(_ constraint: AccuracyConstraint, last count: Int) -> Bool {
    let held = min(UInt64(count), booked, UInt64(Self.capacity))
    var disagreements = 0
    for age in 0..<held {
      let place = Int((booked - 1 - age) % UInt64(Self.capacity))
      disagreements += bits[place / 64] >> UInt64(place % 64) & 1 == 1 ? 1 : 0
    }
    return disagreements > constraint.allowedDisagreements(in: Int(held))
  }

  func write(to state: inout StateWriter) {
    state.write(booked)
    for word in bits { state.write(word) }
  }

  mutating func read(from state: inout StateReader) throws(EarlyExitError) {
    booked = try state.number()
    for index in bits.indices { bits[index] = try state.integer() }
  }
}
