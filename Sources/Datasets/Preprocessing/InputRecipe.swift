/// How a model's input is made from an array of a data file: `INPUT=ARRAY | step | step`.
///
/// For example `image=stream | subtract 127.5 | divide 64 | channels-first`, or `attention_mask=ids | nonzero | trim`.
public struct InputRecipe: Sendable, Equatable {
  public let input: String
  public let array: String
  public let steps: [PreprocessingStep]

  public init(input: String, array: String, steps: [PreprocessingStep] = []) {
    self.input = input
    self.array = array
    self.steps = steps
  }

  public init(_ text: String) throws(DatasetError) {
    let parts = text.split(separator: "|", omittingEmptySubsequences: false).map { Self.trimmed($0) }
    guard let equals = parts[0].firstIndex(of: "=") else {
      throw .invalidRecipe(text: text, reason: "expected INPUT=ARRAY, then steps, each after a |")
    }
    input = Self.trimmed(parts[0][..<equals])
    array = Self.trimmed(parts[0][parts[0].index(after: equals)...])
    guard !input.isEmpty, !array.isEmpty else {
      throw .invalidRecipe(text: text, reason: "expected a name on both sides of =")
    }
    var steps: [PreprocessingStep] = []
    for part in parts.dropFirst() {
      guard let step = PreprocessingStep(part) else {
        throw .invalidRecipe(text: text, reason: "\"\(part)\" is none of the steps \(PreprocessingStep.grammar)")
      }
      steps.append(step)
    }
    self.steps = steps
  }

  private static func trimmed(_ text: some StringProtocol) -> String {
    String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
