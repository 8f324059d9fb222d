import ModelGraph
import Testing

@testable import Datasets

@Suite struct DifferenceArrayTests {
  /// Both files were cut out of the full set of tiles: one as differences, the other as it is, 32 of the 305 frames.
  @Test func theCamerasTilesAreThoseOfTheOtherFile() throws {
    let camera = try DataFile(path: Workloads.path("vtest-camera.npz"))
    #expect(camera.names == ["stream"])
    let all = try camera.tensor(named: "stream")
    let some = try DataFile(path: Workloads.path("vtest-tiles.npz"))
    let (tiles, frames) = (try some.tensor(named: "stream"), try some.tensor(named: "stream_frame").integers)
    #expect(all.shape == [2440, 64, 64, 3] && tiles.shape == [256, 64, 64, 3])
    let first = try #require(frames.min())
    let size = 64 * 64 * 3
    all.storage.withUnsafeBytes { all in
      tiles.storage.withUnsafeBytes { tiles in
        for (index, frame) in frames.enumerated() {
          let place = Int(frame - first) * 8 + index % 8
          #expect(all[place * size..<(place + 1) * size].elementsEqual(tiles[index * size..<(index + 1) * size]))
        }
      }
    }
  }

  @Test func onlyNamesWithADistanceAreDifferences() {
    #expect(DifferenceArray.parse("stream~8")?.name == "stream" && DifferenceArray.parse("a~b~2")?.name == "a~b")
    for name in ["stream", "~8", "stream~", "stream~0", "stream~-1", "stream~x"] {
      #expect(DifferenceArray.parse(name) == nil)
    }
  }

  @Test func differencesMustBeBytes() {
    #expect(throws: DatasetError.self) {
      try DifferenceArray.restored(Tensor([Float](repeating: 0, count: 4), shape: [2, 2]), distance: 1, name: "x")
    }
  }
}
