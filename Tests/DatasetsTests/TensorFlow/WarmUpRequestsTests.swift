import Foundation
import ModelGraph
import Testing
import Wire

@testable import Datasets

@Suite struct WarmUpRequestsTests {
  private func value(_ tensor: Tensor) -> TensorValue {
    TensorValue(
      type: tensor.type.tensorFlowType, shape: tensor.shape,
      elements: OwnedBytes(copying: tensor.storage.withUnsafeBytes { Array($0) }))
  }

  private func record(_ inputs: [(String, Tensor)], _ encoding: TensorEncoding = .content) -> [UInt8] {
    let request = PredictRequestMessage.encoded(
      modelSpec: ModelSpec(), inputs: inputs.map { ($0.0, value($0.1)) }, encoding: encoding)
    return TFRecord.encoded(PredictionLogMessage.encoded(predict: request.bytes))
  }

  private func file(_ records: [[UInt8]], _ body: (String) throws -> Void) throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("warmup-\(UUID().uuidString)")
    try Data(records.flatMap { $0 }).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    try body(url.path)
  }

  @Test func joinsRequestsAndPadsShorterItems() throws {
    let first = Tensor([1, 2, 3, 4] as [Int64], shape: [2, 2])
    let second = Tensor([5, 6, 7] as [Int64], shape: [1, 3])
    for encoding in [TensorEncoding.content, .typedValues] {
      try file([record([("ids", first)], encoding), record([("ids", second)], encoding)]) { path in
        let data = try DataFile(path: path)
        #expect(data.names == ["ids"])
        let tensor = try data.tensor(named: "ids")
        #expect(tensor.shape == [3, 3] && tensor.integers == [1, 2, 0, 3, 4, 0, 5, 6, 7])
        let items = try Items(
          [DataSelection(path: path)], inputs: [.init(name: "ids", type: .int64)],
          recipes: [InputRecipe("ids=ids|trim")])
        #expect(items.count == 3 && items.batch([0])["ids"]?.integers == [1, 2])
      }
    }
  }

  @Test func padsInnerAxes() throws {
    let first = Tensor((0..<4).map { Float($0 + 1) }, shape: [1, 2, 2])
    let second = Tensor((0..<6).map { Float($0 + 10) }, shape: [2, 1, 3])
    try file([record([("x", first)]), record([("x", second)])]) { path in
      let tensor = try DataFile(path: path).tensor(named: "x")
      #expect(tensor.shape == [3, 2, 3])
      #expect(tensor.floats == [1, 2, 0, 3, 4, 0, 10, 11, 12, 0, 0, 0, 13, 14, 15, 0, 0, 0])
    }
  }

  @Test func refusesWhatItCannotJoin() throws {
    let floats = Tensor([1, 2] as [Float], shape: [1, 2])
    let integers = Tensor([1, 2] as [Int64], shape: [1, 2])
    func failure(_ records: [[UInt8]], _ name: String = "x") throws -> String {
      var text = ""
      try file(records) { path in
        do throws(DatasetError) {
          _ = try DataFile(path: path).tensor(named: name)
        } catch { text = "\(error)" }
      }
      return text
    }
    #expect(try failure([record([("x", floats)]), record([("x", integers)])]).contains("rank 2"))
    #expect(try failure([record([("x", floats)])], "y").contains("no array \"y\"; it has x"))
    #expect(try failure([record([("x", Tensor([1] as [Float], shape: []))])]).contains("a scalar"))
    #expect(try failure([Array("this is no such file".utf8)]).contains("TFRecord"))
    #expect(try failure([Array(record([("x", floats)]).dropLast(3))]).contains("TFRecord"))
  }
}
