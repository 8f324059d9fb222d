import Testing

@testable import Datasets

@Suite struct InputRecipeTests {
  @Test func readsNamesAndSteps() throws {
    let recipe = try InputRecipe(
      "image = stream|resize 96 80 | reverse-channels | subtract 1.5,2,3 |divide 64| channels-first")
    #expect(recipe.input == "image" && recipe.array == "stream")
    #expect(
      recipe.steps == [
        .resize(height: 96, width: 80), .reverseChannels, .subtract([1.5, 2, 3]), .divide([64]), .channelsFirst,
      ])
    #expect(try InputRecipe("a=b").steps.isEmpty)
    #expect(try InputRecipe("mask=ids|nonzero|trim").steps == [.nonzero, .trim(multiple: 1)])
  }

  @Test func readsItsOwnDescriptions() throws {
    let steps: [PreprocessingStep] = [
      .resize(height: 3, width: 4), .reverseChannels, .subtract([1, 2.5]), .divide([-3]), .channelsFirst, .nonzero,
      .trim(multiple: 1), .trim(multiple: 8),
    ]
    for step in steps { #expect(PreprocessingStep(step.description) == step) }
  }

  @Test(arguments: [
    "", "image", "=x", "x=", "x=y|", "x=y|spin", "x=y|resize 3", "x=y|resize 0 3", "x=y|resize -1 3", "x=y|divide 0",
    "x=y|divide 1,0", "x=y|subtract", "x=y|subtract nan", "x=y|subtract 1,,2", "x=y|trim 0",
  ])
  func refusesWhatItCannotRead(text: String) {
    #expect { try InputRecipe(text) } throws: { error in "\(error)".contains("--input \"\(text)\"") }
  }
}
