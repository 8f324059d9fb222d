import Foundation
import ModelGraph
import Testing

@testable import Datasets

@Suite struct ItemsTests {
  private let tiles = Workloads.path("vtest-tiles.npz")

  private func arrays(_ tensors: [String: Tensor], _ body: (String) throws -> Void) throws {
    // One array a file is all that these tests need, and what `NumPyFile` can write.
    for (name, tensor) in tensors {
      let url = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString)-\(name).npy")
      try NumPyFile.write(tensor, to: url.path)
      defer { try? FileManager.default.removeItem(at: url) }
      try body(url.path)
    }
  }

  @Test func makesTheSampleOfTheReadmeOutOfTiles() throws {
    let recipe = try InputRecipe("image=stream | subtract 127.5 | divide 64 | channels-first")
    let items = try Items(
      [DataSelection("\(tiles)@112:120")], inputs: [.init(name: "image", type: .float32)], recipes: [recipe])
    let image = try #require(items.batch(0..<8)["image"])
    let sample = try NumPyFile.read(at: Workloads.path("vtest-sample.npy"))
    #expect(image.shape == sample.shape)
    #expect(image.floats == sample.floats)
  }

  /// As `.ci/fixtures` preprocesses in NumPy.
  @Test(
    .enabled(
      if: FileManager.default.fileExists(
        atPath: Workloads.root.appendingPathComponent(".build-fixtures/stamp").path)))
  func resizesAsNumPyDoes() throws {
    let recipe = try InputRecipe(
      "image=stream | reverse-channels | resize 96 96 | subtract 127 | divide 128 | channels-first")
    let items = try Items(
      [DataSelection(path: tiles)], inputs: [.init(name: "image", type: .float32)], recipes: [recipe], limit: 29)
    let image = try #require(items.batch([0, 4, 28])["image"])
    let path = Workloads.root.appendingPathComponent(".build-fixtures/d1/vtest-efficientnet-lite0/input-image.npy").path
    let expected = try NumPyFile.read(at: path)
    let size = 3 * 96 * 96
    let wanted = expected.floats
    let floats = image.floats
    for (row, item) in [0, 1, 7].enumerated() {
      var difference: Float = 0
      for index in 0..<size {
        difference = max(difference, abs(floats[row * size + index] - wanted[item * size + index]))
      }
      #expect(difference < 1e-5, "tile \(item) differs by \(difference)")
    }
  }

  @Test func padsABatchToItsLongestItem() throws {
    let ids = Tensor([Int32]([7, 8, 0, 0, 9, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0]), shape: [4, 4])
    try arrays(["ids": ids]) { path in
      let items = try Items(
        [DataSelection(path: path)],
        inputs: [.init(name: "input_ids", type: .int64), .init(name: "attention_mask", type: .int64)],
        recipes: [InputRecipe("input_ids=array|trim"), InputRecipe("attention_mask=array|nonzero|trim")])
      var batch = items.batch([1, 0])
      #expect(batch["input_ids"]?.shape == [2, 2] && batch["input_ids"]?.integers == [9, 0, 7, 8])
      #expect(batch["attention_mask"]?.integers == [1, 0, 1, 1] && batch["attention_mask"]?.type == .int64)
      batch = items.batch([2])
      #expect(batch["input_ids"]?.integers == [1, 2, 3])
      let rounded = try Items(
        [DataSelection(path: path)], inputs: [.init(name: "x", type: .int64)], recipes: [InputRecipe("x=array|trim 2")])
      #expect(rounded.batch([2])["x"]?.integers == [1, 2, 3, 0] && rounded.batch([1])["x"]?.integers == [9, 0])
      // An item of nothing but padding keeps one place: no model takes empty sequences.
      #expect(items.batch([3])["input_ids"]?.integers == [0])
    }
  }

  @Test func joinsFilesAndRemembersTheirParts() throws {
    let first = Tensor((0..<200).map { Float($0) }, shape: [200, 1])
    try arrays(["x": first]) { path in
      let items = try Items(
        [DataSelection("\(path)@150:200"), DataSelection(path: path)], inputs: [.init(name: "x", type: .float32)],
        recipes: [], limit: 190)
      #expect(items.count == 190)
      #expect(items.parts.map(\.range) == [0..<50, 50..<190])
      #expect(items.batch([0, 49, 50, 189, 114])["x"]?.floats == [150, 199, 0, 139, 64])
    }
  }

  @Test func saysWhatDoesNotFit() throws {
    let text = Tensor([1, 2, 3] as [Float], shape: [3])
    try arrays(["x": text]) { path in
      let input = [Items.Input(name: "x", type: .float32)]
      func failure(_ selection: String, _ recipe: String) -> String {
        do {
          _ = try Items([DataSelection(selection)], inputs: input, recipes: [InputRecipe(recipe)])
          return "no error"
        } catch { return "\(error)" }
      }
      #expect(failure(path, "x=y").contains("no array \"y\"; it has array"))
      #expect(failure(path, "y=array").contains("no such input; it has x"))
      #expect(
        failure(path, "x=array|channels-first").contains("takes images [items, height, width, channels], got [3]"))
      #expect(failure(path, "x=array|trim").contains("takes items with an axis"))
      #expect(failure(path + "@2:9", "x=array").contains("expected at least 9, got 3"))
      #expect(failure(path + "@0:0", "x=array").contains("at least one item"))
      #expect(failure("/nowhere.npz", "x=array") == "/nowhere.npz cannot be read: no such file")
      #expect(failure(#filePath, "x=array").contains("an .npz, an .npy or a TFRecord file"))
    }
  }
}
