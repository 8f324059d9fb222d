import Foundation
import ModelGraph
import Testing

@testable import Datasets

@Suite struct NumPyArchiveTests {
  /// What NumPy 2.4.6 wrote, compressed and not, for
  /// `small=arange(6, int16).reshape(2, 3), words=tile([1.5, -2], 40) as float32, flags=[True, False]`.
  static let compressed =
    "UEsDBC0AAAAIAAAAIQAaTph+//////////8JABQAc21hbGwubnB5AQAQAIwAAAAAAAAAUgAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2mkrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RpGOgrGmjoKtQpkAy4GBkYGJgZmBhYGVgYAUEsDBC0AAAAIAAAAIQA7jXOp//////////8JABQAd29yZHMubnB5AQAQAMABAAAAAAAAUAAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2airqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RoWBjqaOgq1CuQDLgaGA/YMQGKUJo8GAFBLAwQtAAAACAAAACEA7hm7Xf//////////CQAUAGZsYWdzLm5weQEAEACCAAAAAAAAAEYAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgXpNkqK6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkaRjqaOgq1ChQALkYGAFBLAQItAy0AAAAIAAAAIQAaTph+UgAAAIwAAAAJAAAAAAAAAAAAAACAAQAAAABzbWFsbC5ucHlQSwECLQMtAAAACAAAACEAO41zqVAAAADAAQAACQAAAAAAAAAAAAAAgAGNAAAAd29yZHMubnB5UEsBAi0DLQAAAAgAAAAhAO4Zu11GAAAAggAAAAkAAAAAAAAAAAAAAIABGAEAAGZsYWdzLm5weVBLBQYAAAAAAwADAKUAAACZAQAAAAA="
  static let stored =
    "UEsDBC0AAAAAAAAAIQAaTph+//////////8JABQAc21hbGwubnB5AQAQAIwAAAAAAAAAjAAAAAAAAACTTlVNUFkBAHYAeydkZXNjcic6ICc8aTInLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwgMyksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgCgAAAQACAAMABAAFAFBLAwQtAAAAAAAAACEAO41zqf//////////CQAUAHdvcmRzLm5weQEAEADAAQAAAAAAAMABAAAAAAAAk05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDgwLCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAMA/AAAAwAAAwD8AAADAAADAPwAAAMAAAMA/AAAAwAAAwD8AAADAAADAPwAAAMAAAMA/AAAAwAAAwD8AAADAAADAPwAAAMAAAMA/AAAAwAAAwD8AAADAAADAPwAAAMAAAMA/AAAAwAAAwD8AAADAAADAPwAAAMAAAMA/AAAAwAAAwD8AAADAAADAPwAAAMAAAMA/AAAAwAAAwD8AAADAAADAPwAAAMAAAMA/AAAAwAAAwD8AAADAAADAPwAAAMAAAMA/AAAAwAAAwD8AAADAAADAPwAAAMAAAMA/AAAAwAAAwD8AAADAAADAPwAAAMAAAMA/AAAAwAAAwD8AAADAAADAPwAAAMAAAMA/AAAAwAAAwD8AAADAAADAPwAAAMAAAMA/AAAAwAAAwD8AAADAAADAPwAAAMAAAMA/AAAAwFBLAwQtAAAAAAAAACEA7hm7Xf//////////CQAUAGZsYWdzLm5weQEAEACCAAAAAAAAAIIAAAAAAAAAk05VTVBZAQB2AHsnZGVzY3InOiAnfGIxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoBAFBLAQItAy0AAAAAAAAAIQAaTph+jAAAAIwAAAAJAAAAAAAAAAAAAACAAQAAAABzbWFsbC5ucHlQSwECLQMtAAAAAAAAACEAO41zqcABAADAAQAACQAAAAAAAAAAAAAAgAHHAAAAd29yZHMubnB5UEsBAi0DLQAAAAAAAAAhAO4Zu12CAAAAggAAAAkAAAAAAAAAAAAAAIABwgIAAGZsYWdzLm5weVBLBQYAAAAAAwADAKUAAAB/AwAAAAA="

  private func withFile<Result>(_ bytes: Data, _ body: (String) throws -> Result) throws -> Result {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).npz")
    try bytes.write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url.path)
  }

  private func decoded(_ text: String) throws -> Data { try #require(Data(base64Encoded: text)) }

  @Test(arguments: [compressed, stored])
  func readsWhatNumPyWrote(text: String) throws {
    try withFile(decoded(text)) { path in
      let archive = try NumPyArchive(path: path)
      #expect(archive.names == ["small", "words", "flags"])
      let small = try archive.tensor(named: "small")
      #expect(small.type == .int16 && small.shape == [2, 3] && small.integers == [0, 1, 2, 3, 4, 5])
      let words = try archive.tensor(named: "words")
      #expect(words.type == .float32 && words.floats == (0..<80).map { $0 % 2 == 0 ? 1.5 : -2 })
      #expect(try archive.tensor(named: "flags").integers == [1, 0])
    }
  }

  @Test func readsWhatItWrote() throws {
    try withFile(Data()) { path in
      let arrays: [(name: String, tensor: Tensor)] = [
        ("input.1", Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])),
        ("ids/größe", Tensor([-1, 1 << 40] as [Int64], shape: [2])),
        ("none", Tensor([] as [Float], shape: [0, 4])),
      ]
      try NumPyArchive.write(arrays, to: path)
      let archive = try NumPyArchive(path: path)
      #expect(archive.names == arrays.map(\.name))
      for array in arrays {
        let read = try archive.tensor(named: array.name)
        #expect(read.shape == array.tensor.shape && read.type == array.tensor.type)
        #expect(NumPyFile.encode(read) == NumPyFile.encode(array.tensor))
      }
    }
  }

  @Test func namesTheArraysThatThereAre() throws {
    try withFile(decoded(Self.stored)) { path in
      let archive = try NumPyArchive(path: path)
      #expect(throws: DatasetError.missingArray(path: path, name: "large", known: ["small", "words", "flags"])) {
        try archive.tensor(named: "large")
      }
    }
  }

  @Test(arguments: [compressed, stored])
  func refusesDamage(text: String) throws {
    let good = try decoded(text)
    // A changed byte of the content fails the checksum, or the stream.
    var changed = good
    changed[60] ^= 0x10
    try withFile(changed) { path in
      let archive = try NumPyArchive(path: path)
      #expect(throws: DatasetError.self) { try archive.tensor(named: "small") }
    }
    // Any prefix and any changed byte gives arrays or an error, never a crash.
    for end in stride(from: 1, to: good.count, by: 7) { try attempt(good[..<end]) }
    for place in stride(from: 0, to: good.count, by: 3) {
      var changed = good
      changed[place] ^= 0xFF
      try attempt(changed)
    }
  }

  private func attempt(_ bytes: Data) throws {
    try withFile(Data(bytes)) { path in
      guard let archive = try? NumPyArchive(path: path) else { return }
      for name in archive.names { _ = try? archive.tensor(named: name) }
    }
  }

  @Test func readsTheTilesOfTheRepository() throws {
    let archive = try NumPyArchive(path: Workloads.path("vtest-tiles.npz"))
    let stream = try archive.tensor(named: "stream")
    #expect(stream.type == .uint8 && stream.shape == [256, 64, 64, 3])
    #expect(try archive.tensor(named: "stream_frame").shape == [256])
  }
}
