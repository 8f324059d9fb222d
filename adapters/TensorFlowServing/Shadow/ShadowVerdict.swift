/// How two answers to one request compare, from best to worst. Raw values are a metric's.
enum ShadowVerdict: String, Sendable, Comparable, CaseIterable {
  /// Every value is the same.
  case same
  /// Every value is nearly the same, as with another library's arithmetic.
  case close
  /// In every row of scores the largest is at the same place: the classifications agree.
  case top1
  case different

  private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
  static func < (one: Self, other: Self) -> Bool { one.rank < other.rank }
}

extension ShadowVerdict {
  /// Relative to the larger value of the two, or to 1 where both are smaller.
  private static let tolerance = 1e-3

  /// Compares the scores, or whatever it is, of one item.
  init(_ ours: some Collection<Double>, _ theirs: some Collection<Double>) {
    guard ours.count == theirs.count else {
      self = .different
      return
    }
    let pairs = zip(ours, theirs)
    if pairs.allSatisfy({ $0 == $1 || ($0.isNaN && $1.isNaN) }) {
      self = .same
    } else if pairs.allSatisfy({ $0 == $1 || abs($0 - $1) <= Self.tolerance * max(1, abs($0), abs($1)) }) {
      self = .close
    } else if ours.count > 1, Self.largest(ours) == Self.largest(theirs) {
      self = .top1
    } else {
      self = .different
    }
  }

  /// The place of the largest value, the first of equals.
  private static func largest(_ values: some Collection<Double>) -> Int? {
    values.enumerated().reduce(nil as (offset: Int, element: Double)?) { best, next in
      best.map { next.element > $0.element ? next : $0 } ?? next
    }?.offset
  }
}
