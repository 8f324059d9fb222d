#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A test, after each item, of whether a policy's answers have begun to disagree more often than is tolerated.
///
/// It bets against "the next answer disagrees with at most the tolerated probability, whatever came before": for several
/// larger rates the likelihood ratio of the answers since the most suspicious moment, which is the wealth of a gambler who
/// started then (an e-process; its running maximum over starting moments is a CUSUM and an e-detector: Shin, Ramdas,
/// Rinaldo 2022). It alarms when some wealth exceeds rates × `spacing`; as long as the hypothesis holds, alarms come on average
/// at least `spacing` items apart, at whatever moments one looks. There is no window: a jump to 5 % disagreement shows
/// after about ten of them.
///
/// The starting moment of the wealth that alarmed is the most likely moment of the change.
public struct DriftDetector: Sendable, Equatable {
  /// The rates of disagreement bet on, as multiples of the tolerated one.
  static let multiples: [Double] = [2, 4, 8, 16, 32]

  /// Under the hypothesis, at least so many items lie between alarms on average.
  public let spacing: Double
  private var bets: [Bet] = []
  private let limit: Double

  private struct Bet: Sendable, Equatable {
    /// What an answer adds to the logarithm of the wealth.
    let agreeing: Double
    let disagreeing: Double
    var wealth = 0.0
    /// The number of the item at which this wealth started.
    var start: UInt64 = 0
  }

  /// - Throws: ``EarlyExitError/invalidOption(name:expected:got:)`` for a spacing below 1.
  public init(constraint: AccuracyConstraint, spacing: Double) throws(EarlyExitError) {
    guard spacing >= 1, spacing.isFinite else {
      throw .invalidOption(name: "alarm spacing", expected: "at least 1 item", got: "\(spacing)")
    }
    self.spacing = spacing
    let tolerated = constraint.toleratedDisagreement
    let rates = tolerated > 0 ? Self.multiples.map { $0 * tolerated }.filter { $0 < 1 } : []
    bets = rates.map { Bet(agreeing: log((1 - $0) / (1 - tolerated)), disagreeing: log($0 / tolerated)) }
    limit = log(Double(max(1, bets.count)) * spacing)
    // Where nothing is tolerated, the first disagreement refutes.
    if tolerated == 0 { bets = [Bet(agreeing: 0, disagreeing: .infinity)] }
  }

  /// Books the answer of item `number`. Allocates nothing.
  ///
  /// - Returns: at an alarm, the number of the first item after the likely change; nil otherwise.
  mutating func book(disagrees: Bool, number: UInt64) -> UInt64? {
    var change: UInt64?
    var highest = limit
    for index in bets.indices {
      if bets[index].wealth <= 0 {
        bets[index].wealth = 0
        bets[index].start = number
      }
      bets[index].wealth += disagrees ? bets[index].disagreeing : bets[index].agreeing
      if bets[index].wealth >= highest {
        highest = bets[index].wealth
        change = bets[index].start
      }
    }
    return change
  }

  /// How suspicious the last answers are: 0 is not at all, 1 is an alarm.
  public var suspicion: Double { max(0, (bets.map(\.wealth).max() ?? 0) / limit) }

  /// Starts anew, for another policy.
  mutating func reset() {
    for index in bets.indices { bets[index].wealth = 0 }
  }

  func write(to state: inout StateWriter) {
    state.write(bets) { state, bet in
      state.write(bet.wealth)
      state.write(bet.start)
    }
  }

  /// Where other rates were bet on, the test starts anew.
  mutating func read(from state: inout StateReader) throws(EarlyExitError) {
    let written = try state.array { state throws(EarlyExitError) in (try state.wealth(), try state.number())
    }
    guard written.count == bets.count else { return }
    for index in bets.indices { (bets[index].wealth, bets[index].start) = written[index] }
  }
}
