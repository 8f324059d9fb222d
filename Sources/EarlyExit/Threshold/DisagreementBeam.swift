/// Chooses thresholds from the input to the output, spending the tolerated disagreements ramp by ramp.
///
/// Raising a threshold past answers that agree saves more and disagrees no more, whatever the other thresholds are. So an
/// optimal threshold stands right before an answer that disagrees, among the items that are left by then, and a policy is
/// fully said by how many disagreements it spends at each ramp. Every way of spending them in that order is a path through
/// ramps × spent; this search keeps, at each ramp and for each number spent, the `width` most promising prefixes. With
/// unlimited width it is exhaustive (``ExhaustiveTuner``).
///
/// One walk over a ramp's sorted scores finds all continuations of one prefix:
/// O(ramps × (allowed + 1) × width × items) in all, about a nanosecond for each step.
struct DisagreementBeam: ~Copyable {
  /// A prefix of a policy: thresholds up to one ramp.
  private struct Prefix: BitwiseCopyable {
    /// What it saves, and what the items that have not left would save at later ramps under the reference thresholds.
    var promise: Int64 = 0
    var saving: Int64 = 0
    /// Of the ramp's threshold.
    var position: Int32 = 0
    /// Index into the survivors of the ramp before.
    var parent: Int32 = 0
    var spent: Int32 = 0

    /// A total order that does not depend on the order of items.
    func isBetter(than other: Prefix) -> Bool {
      if promise != other.promise { return promise > other.promise }
      if saving != other.saving { return saving > other.saving }
      return position != other.position ? position < other.position : parent < other.parent
    }

    /// The same sums nearly always mean the same items: a second copy of them would only take another's place.
    func isTwin(of other: Prefix) -> Bool { promise == other.promise && saving == other.saving }
  }

  /// Answers that disagree, of items with one score.
  private struct Stop: BitwiseCopyable {
    var position: Int32 = 0
    var end: Int32 = 0
  }

  private let allowed: Int
  private let width: Int
  /// The prefixes up to the ramp before.
  private let survivors: Scratch<Prefix>
  private var survivorCount = 1
  /// What the walk over a prefix's items has found.
  private let found: Scratch<Prefix>
  /// The best prefixes up to this ramp, by number spent: `width` places each.
  private let best: Scratch<Prefix>
  private let bestCounts: Scratch<Int>
  /// `left[prefix * items + item]` is 1 for an item that has left at an earlier ramp; and the memory for the next ones.
  private var left: Scratch<UInt8>
  private var nextLeft: Scratch<UInt8>
  /// By place of the ramp's order: how much more leaving here saves than what the reference makes of the item later.
  private let gains: Scratch<Int64>
  private let stops: Scratch<Stop>
  private var stopCount = 0
  /// `worth[ramp * items + item]`: what the item saves behind the ramp under the reference thresholds.
  private let worth: Scratch<Int64>
  /// By ramp, `places` of them: where each survivor comes from.
  private let parents: Scratch<Int32>
  private let positions: Scratch<Int32>
  /// How many survivors there can be.
  private let places: Int

  /// The thresholds found that save the most with at most `allowed` disagreements, as positions.
  ///
  /// - Parameter reference: thresholds that say what the items not yet left are worth, for instance the greedy ones.
  static func best(
    for columns: borrowing RampColumns, allowed: Int, width: Int, reference: borrowing ItemExits
  ) -> [Int] {
    var beam = DisagreementBeam(columns, allowed: allowed, width: width, reference: reference)
    for ramp in 0..<columns.ramps {
      beam.layOut(ramp, columns)
      for index in 0..<beam.survivorCount {
        let count = beam.walk(index, over: ramp, columns, reference: reference.positions[ramp])
        for place in 0..<count { beam.keep(beam.found.elements[place]) }
      }
      beam.advance(over: ramp, columns)
    }
    return beam.bestPositions(ramps: columns.ramps)
  }

  private init(_ columns: borrowing RampColumns, allowed: Int, width: Int, reference: borrowing ItemExits) {
    let (ramps, items) = (columns.ramps, columns.items)
    places = (allowed + 1) * width
    self.allowed = allowed
    self.width = width
    survivors = Scratch(repeating: Prefix(promise: reference.outcome.saving), count: places)
    found = Scratch(repeating: Prefix(), count: allowed + 2)
    best = Scratch(repeating: Prefix(), count: places)
    bestCounts = Scratch(repeating: 0, count: allowed + 1)
    left = Scratch(repeating: 0, count: places * items)
    nextLeft = Scratch(repeating: 0, count: places * items)
    gains = Scratch(repeating: 0, count: items)
    stops = Scratch(repeating: Stop(), count: items)
    parents = Scratch(repeating: 0, count: ramps * places)
    positions = Scratch(repeating: 0, count: ramps * places)
    worth = Scratch(repeating: 0, count: ramps * items)
    for ramp in (0..<max(0, ramps - 1)).reversed() {
      let (here, next) = (ramp * items, (ramp + 1) * items)
      for item in 0..<items { worth.elements[here + item] = worth.elements[next + item] }
      for place in next..<(next + reference.positions[ramp + 1]) {
        worth.elements[here + Int(columns.order.elements[place])] = columns.savings.elements[place]
      }
    }
  }

  /// Makes ready what all walks over a ramp share.
  private mutating func layOut(_ ramp: Int, _ columns: borrowing RampColumns) {
    let (base, finite) = (ramp * columns.items, columns.finite[ramp])
    for place in 0..<finite {
      let item = Int(columns.order.elements[base + place])
      gains.elements[place] = columns.savings.elements[base + place] - worth.elements[base + item]
    }
    stopCount = 0
    var place = 0
    while place < finite {
      let start = place
      let score = columns.scores.elements[base + place]
      // Of equal scores those that disagree come first.
      while place < finite, columns.scores.elements[base + place] == score, columns.wrong.elements[base + place] != 0 {
        place += 1
      }
      if place > start {
        stops.elements[stopCount] = Stop(position: Int32(start), end: Int32(place))
        stopCount += 1
      }
      while place < finite, columns.scores.elements[base + place] == score { place += 1 }
    }
  }

  /// Raises the ramp's threshold over the items that have not left, and notes in ``found`` the prefix before each
  /// disagreement, and the one after the last if there may be as many.
  ///
  /// - Parameter reference: the position of the reference threshold. What a prefix promises counts on the items before it to
  ///   leave here.
  /// - Returns: how many it has found.
  private borrowing func walk(
    _ index: Int, over ramp: Int, _ columns: borrowing RampColumns, reference: Int
  ) -> Int {
    let items = columns.items
    let prefix = survivors.elements[index]
    let left = UnsafeMutableBufferPointer(rebasing: left.elements[index * items..<(index + 1) * items])
    let order = UnsafeMutableBufferPointer(rebasing: columns.order.elements[ramp * items..<(ramp + 1) * items])
    let savings = UnsafeMutableBufferPointer(rebasing: columns.savings.elements[ramp * items..<(ramp + 1) * items])
    let (gains, found) = (gains.elements, found.elements)
    var position = 0
    var saving = prefix.saving
    var gain: Int64 = 0
    /// ``gain`` at the reference threshold.
    var expected: Int64 = 0
    @inline(__always) func add(to end: Int) {
      var (extraSaving, extraGain) = (Int64(0), Int64(0))
      for place in position..<end {
        // All ones for an item that has not left.
        let mask = Int64(left[Int(order[place])]) &- 1
        extraSaving &+= savings[place] & mask
        extraGain &+= gains[place] & mask
      }
      (saving, gain, position) = (saving &+ extraSaving, gain &+ extraGain, end)
    }
    func pass(to end: Int) {
      if position <= reference, reference < end {
        add(to: reference)
        expected = gain
      }
      add(to: end)
    }
    var count = 0
    var spent = prefix.spent
    func note() {
      found[count] = Prefix(
        promise: prefix.promise + gain, saving: saving, position: Int32(position), parent: Int32(index), spent: spent)
      count += 1
    }
    for stop in stops.elements[..<stopCount] {
      var wrong: Int32 = 0
      for place in Int(stop.position)..<Int(stop.end) { wrong += 1 - Int32(left[Int(order[place])]) }
      guard wrong > 0 else { continue }
      pass(to: Int(stop.position))
      note()
      spent += wrong
      guard Int(spent) <= allowed else { break }
    }
    if Int(spent) <= allowed {
      pass(to: columns.finite[ramp])
      note()
    }
    if position <= reference {
      add(to: reference)
      expected = gain
    }
    for place in 0..<count { found[place].promise -= expected }
    return count
  }

  /// Puts a prefix among the best of those that spend as many, if it is one.
  private mutating func keep(_ prefix: Prefix) {
    let spent = Int(prefix.spent)
    let best = UnsafeMutableBufferPointer(rebasing: best.elements[spent * width..<(spent + 1) * width])
    let count = bestCounts.elements[spent]
    var place = count
    while place > 0, prefix.isBetter(than: best[place - 1]) { place -= 1 }
    // Sorted by sums first, so that twins are neighbours.
    if place > 0, prefix.isTwin(of: best[place - 1]) { return }
    guard place < width else { return }
    var end = min(count, width - 1)
    if place < count, prefix.isTwin(of: best[place]) { end = place } else { bestCounts.elements[spent] = end + 1 }
    while end > place {
      best[end] = best[end - 1]
      end -= 1
    }
    best[place] = prefix
  }

  /// The best prefixes survive: notes where they come from, and which items have left by then.
  private mutating func advance(over ramp: Int, _ columns: borrowing RampColumns) {
    let items = columns.items
    survivorCount = 0
    for spent in 0...allowed {
      for place in spent * width..<(spent * width + bestCounts.elements[spent]) {
        let prefix = best.elements[place]
        survivors.elements[survivorCount] = prefix
        parents.elements[ramp * places + survivorCount] = prefix.parent
        positions.elements[ramp * places + survivorCount] = prefix.position
        survivorCount += 1
      }
      bestCounts.elements[spent] = 0
    }
    guard ramp + 1 < columns.ramps else { return }
    for index in 0..<survivorCount {
      let prefix = survivors.elements[index]
      let next = UnsafeMutableBufferPointer(rebasing: nextLeft.elements[index * items..<(index + 1) * items])
      let parent = Int(prefix.parent)
      _ = next.update(fromContentsOf: left.elements[parent * items..<(parent + 1) * items])
      for place in ramp * items..<(ramp * items + Int(prefix.position)) { next[Int(columns.order.elements[place])] = 1 }
    }
    swap(&left, &nextLeft)
  }

  /// The whole policy that saves the most, of equal ones that which spends the least.
  private borrowing func bestPositions(ramps: Int) -> [Int] {
    var index = 0
    for other in 0..<survivorCount where survivors.elements[other].saving > survivors.elements[index].saving {
      index = other
    }
    var result = [Int](repeating: 0, count: ramps)
    for ramp in (0..<ramps).reversed() {
      result[ramp] = Int(positions.elements[ramp * places + index])
      index = Int(parents.elements[ramp * places + index])
    }
    return result
  }
}
