import ModelGraph
import Testing

@testable import Serving

@Suite("Rows of tensors")
struct TensorRowsTests {
  @Test("are put one after the other, and filled up with the last part's first row")
  func concatenation() {
    let a = Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
    let b = Tensor([5, 6, 7, 8, 9, 10] as [Float], shape: [3, 2])
    let all = TensorRows.concatenated([(a, 0..<2), (b, 1..<3)], count: 6)
    #expect(all.shape == [6, 2])
    #expect(all.floats == [1, 2, 3, 4, 7, 8, 9, 10, 7, 8, 7, 8])
  }

  @Test("of one whole tensor are that tensor")
  func identity() {
    let a = Tensor([1, 2] as [Float], shape: [2, 1])
    #expect(TensorRows.concatenated([(a, 0..<2)], count: 2).storage === a.storage)
    #expect(TensorRows.concatenated([(a, 0..<1)], count: 1).floats == [1])
  }

  @Test("of different lengths are padded with each tensor's own first element")
  func padding() {
    let a = Tensor((1...4).map(Float.init), shape: [1, 2, 2])
    let b = Tensor((5...10).map(Float.init), shape: [2, 3, 1])
    let all = TensorRows.concatenated([(a, 0..<1), (b, 0..<2)], count: 3, padding: true)
    #expect(all.shape == [3, 3, 2])
    #expect(all.floats == [1, 2, 3, 4, 1, 1, 5, 5, 6, 5, 7, 5, 8, 5, 9, 5, 10, 5])
  }

  @Test("may be scalars, and may be empty")
  func edges() {
    let scalars = Tensor([1, 2, 3] as [Int64], shape: [3])
    #expect(TensorRows.concatenated([(scalars, 1..<3), (scalars, 0..<1)], count: 4).integers == [2, 3, 1, 1])
    let empty = Tensor([] as [Float], shape: [2, 0])
    #expect(TensorRows.concatenated([(empty, 0..<2), (empty, 0..<2)], count: 4).shape == [4, 0])
  }
}
