import Foundation

/// One thing that is done to every item of an array on its way to a model's input. Images are [height, width, channels].
public enum PreprocessingStep: Sendable, Equatable {
  /// Bilinear, with half-pixel centres.
  case resize(height: Int, width: Int)
  /// BGR to RGB and back.
  case reverseChannels
  /// One number for all, or one for each channel.
  case subtract([Float])
  case divide([Float])
  /// [height, width, channels] to [channels, height, width].
  case channelsFirst
  /// 1 where a number is not 0, else 0: the attention mask of zero-padded token ids.
  case nonzero
  /// Zeros at the end are padding: a batch is as long as its longest item, rounded up to a multiple.
  ///
  /// Each length that a model meets costs it a plan and perhaps a compilation; multiples keep them few.
  case trim(multiple: Int)

  /// All steps as they are written.
  static let grammar =
    "resize HEIGHT WIDTH, reverse-channels, subtract N[,N…], divide N[,N…], channels-first, nonzero, trim [MULTIPLE]"

  /// Reads a step, such as "subtract 127.5".
  init?(_ text: some StringProtocol) {
    let words = String(text).split(separator: " ").map(String.init)
    switch (words.first, words.count) {
    case ("resize", 3):
      guard let height = Int(words[1]), let width = Int(words[2]), (1...1 << 14).contains(height),
        (1...1 << 14).contains(width)
      else { return nil }
      self = .resize(height: height, width: width)
    case ("reverse-channels", 1): self = .reverseChannels
    case ("subtract", 2):
      guard let numbers = Self.numbers(words[1]) else { return nil }
      self = .subtract(numbers)
    case ("divide", 2):
      guard let numbers = Self.numbers(words[1]), !numbers.contains(0) else { return nil }
      self = .divide(numbers)
    case ("channels-first", 1): self = .channelsFirst
    case ("nonzero", 1): self = .nonzero
    case ("trim", 1): self = .trim(multiple: 1)
    case ("trim", 2):
      guard let multiple = Int(words[1]), (1...1 << 20).contains(multiple) else { return nil }
      self = .trim(multiple: multiple)
    default: return nil
    }
  }

  private static func numbers(_ text: String) -> [Float]? {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Float($0) }.filter(\.isFinite)
    return numbers.count == parts.count ? numbers : nil
  }
}

extension PreprocessingStep: CustomStringConvertible {
  public var description: String {
    func list(_ numbers: [Float]) -> String { numbers.map { "\($0)" }.joined(separator: ",") }
    return switch self {
    case .resize(let height, let width): "resize \(height) \(width)"
    case .reverseChannels: "reverse-channels"
    case .subtract(let numbers): "subtract \(list(numbers))"
    case .divide(let numbers): "divide \(list(numbers))"
    case .channelsFirst: "channels-first"
    case .nonzero: "nonzero"
    case .trim(let multiple): multiple == 1 ? "trim" : "trim \(multiple)"
    }
  }
}
