/// A tuning problem turned by ramps: for each ramp its items by ascending score, so that raising a threshold reads memory in
/// order.
///
/// A threshold is said by its *position*: how many items of the ramp's order score below it. Element `ramp * items + place`.
struct RampColumns: ~Copyable {
  let ramps: Int
  let items: Int
  /// By ramp: how many items can leave there at all, those with finite scores. They come first.
  let finite: [Int]
  let scores: Scratch<Float>
  /// Which item it is.
  let order: Scratch<Int32>
  /// What it saves by leaving here, in the problem's unit.
  let savings: Scratch<Int64>
  /// 1 where the answer is not the model's own.
  let wrong: Scratch<Int32>
  /// The other way round: the place of an item, at `ramp * items + item`.
  let places: Scratch<Int32>

  init(_ problem: TuningProblem) {
    let (ramps, items) = (problem.ramps.count, problem.items)
    self.ramps = ramps
    self.items = items
    scores = Scratch(repeating: 0, count: ramps * items)
    order = Scratch(repeating: 0, count: ramps * items)
    savings = Scratch(repeating: 0, count: ramps * items)
    wrong = Scratch(repeating: 0, count: ramps * items)
    places = Scratch(repeating: 0, count: ramps * items)
    var finite = [Int](repeating: 0, count: ramps)
    let sorted = problem.order.span
    let (itemScores, itemSavings) = (problem.scores.span, problem.savings.span)
    let disagrees = problem.disagrees.span
    for ramp in 0..<ramps {
      let base = ramp * items
      var count = 0
      for place in 0..<items {
        let item = base + Int(sorted[base + place])
        order.elements[base + place] = sorted[base + place]
        scores.elements[base + place] = itemScores[item]
        savings.elements[base + place] = itemSavings[item]
        wrong.elements[base + place] = disagrees[item] ? 1 : 0
        places.elements[item] = Int32(truncatingIfNeeded: place)
        count += itemScores[item] < .infinity ? 1 : 0
      }
      finite[ramp] = count
    }
    self.finite = finite
  }

  /// O(log items).
  borrowing func position(of threshold: Float, at ramp: Int) -> Int {
    var (low, high) = (0, finite[ramp])
    while low < high {
      let middle = (low + high) / 2
      if scores.elements[ramp * items + middle] < threshold { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The lowest threshold of a position.
  borrowing func threshold(at position: Int, of ramp: Int) -> Float {
    position > 0 ? scores.elements[ramp * items + position - 1].nextUp : 0
  }
}
