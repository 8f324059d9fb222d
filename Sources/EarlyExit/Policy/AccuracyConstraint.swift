/// The share of answers that must equal the original model's own, for example 0.99.
public struct AccuracyConstraint: Sendable, Equatable {
  public let minimumAgreement: Double

  /// - Throws: ``EarlyExitError/invalidOption(name:expected:got:)`` unless the share is from 0 to 1.
  public init(_ minimumAgreement: Double) throws(EarlyExitError) {
    guard (0...1).contains(minimumAgreement) else {
      throw .invalidOption(name: "accuracy", expected: "a share from 0 to 1", got: "\(minimumAgreement)")
    }
    self.minimumAgreement = minimumAgreement
  }

  private init(standard: Double) { minimumAgreement = standard }

  /// 99 %.
  public static let standard = AccuracyConstraint(standard: 0.99)

  /// The share of answers that may differ.
  public var toleratedDisagreement: Double { 1 - minimumAgreement }

  /// How many of `items` answers may differ. 1 − 0.99 is a little less than 0.01 in binary, hence the slack.
  public func allowedDisagreements(in items: Int) -> Int { Int(toleratedDisagreement * Double(items) + 1e-9) }
}
