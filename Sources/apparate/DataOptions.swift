import ArgumentParser
import Datasets
import ModelGraph

/// How arrays of data files become a model's inputs: what every command that reads items accepts.
struct RecipeOptions: ParsableArguments {
  @Option(
    name: .customLong("input"),
    help: ArgumentHelp(
      "How an input is made of an array of the file: \"INPUT=ARRAY | STEP | …\"; may be repeated.",
      discussion: """
        Steps: resize HEIGHT WIDTH, reverse-channels, subtract N[,N…], divide N[,N…], channels-first (images are \
        height × width × channels), nonzero (1 where not 0, an attention mask of padded ids), trim or trim N (zeros at \
        the end are padding; lengths are rounded up to multiples of N). The array of an .npy file is called "array". An \
        input without a recipe is the array of its own name.
        """))
  var recipes: [String] = []

  @Option(help: "Read at most so many items.")
  var limit: Int?

  func items(_ texts: [String], for graph: Graph) throws -> Items {
    if let limit, limit < 1 { throw CommandError.usage("--limit must be at least 1, got \(limit)") }
    let inputs = graph.inputs.map { Items.Input(name: graph[$0].name, type: graph[$0].type ?? .float32) }
    do throws(DatasetError) {
      let parsed = try recipes.map { text throws(DatasetError) in try InputRecipe(text) }
      return try Items(texts.map { DataSelection($0) }, inputs: inputs, recipes: parsed, limit: limit ?? .max)
    } catch { throw CommandError(error) }
  }
}

extension CommandError {
  init(_ error: DatasetError) {
    switch error {
    case .unreadable: self = .noInput("\(error)")
    case .malformed, .inconsistent: self = .badData("\(error)")
    case .missingArray, .invalidRecipe, .unsuitable, .invalidArrivals: self = .usage("\(error)")
    }
  }
}
