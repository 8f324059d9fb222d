/// What stands behind the thresholds that a controller publishes. Design §3.
public enum Guarantee: String, Sendable, CaseIterable {
  /// The paper's: thresholds keep the constraint on the recent items they were tuned on. Nothing is promised for new ones.
  case window
  /// Thresholds were chosen on one part of the window and certified on the other, so that at any time the policy in force
  /// meets the constraint with probability ≥ 1 − δ on exchangeable items; a sequential test and a ledger of released
  /// answers take over where items are not exchangeable. See ``Certifier``, ``DriftDetector``, ``DisagreementLedger``.
  case certified
  /// Thresholds are as bold as the disagreements on the certification part allow, without a margin for chance; the ledger alone
  /// bounds what is released. Saves more than `certified`, above all in the first few thousand items, and holds the same long-run
  /// bound, but a single policy may break the constraint until test or ledger stop it.
  case bounded
}
