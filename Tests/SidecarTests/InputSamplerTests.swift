import ModelGraph
import Serving
import Synchronization
import Testing

@testable import Sidecar

@Suite("The sample of live inputs")
struct InputSamplerTests {
  /// Rows whose only element is their number.
  private func batch(_ rows: Range<Int>, length: Int = 1, padding: Int = 0) -> Batch {
    let elements = rows.flatMap { [Float](repeating: Float($0), count: length) }
    return Batch(
      inputs: ["x": Tensor(elements, shape: [rows.count, length])], count: rows.count, padding: padding)
  }

  private final class Events: Sendable {
    let first = Mutex<[InputSampler.Item]>([])
    let enough = Mutex(0)
    var sampler: InputSampler {
      InputSampler { item in
        self.first.withLock { $0.append(item) }
      } onEnough: {
        self.enough.withLock { $0 += 1 }
      }
    }
  }

  @Test("tells of the first item, and keeps none before it is told to")
  func first() {
    let events = Events()
    let sampler = events.sampler
    for start in 0..<5 { sampler.take(batch(start..<start + 2)) }
    #expect(events.first.withLock { $0 }.map { $0["x"]?.floats } == [[0]])
    #expect(sampler.count == 0)
  }

  @Test("keeps each item with the same probability, and tells once when there are enough")
  func uniform() {
    let events = Events()
    let sampler = events.sampler
    sampler.take(batch(0..<1))
    sampler.begin(capacity: 400, spread: 4)
    for item in 0..<1599 { sampler.take(batch(item..<item + 1)) }
    #expect(events.enough.withLock { $0 } == 0)
    for item in 1599..<1700 { sampler.take(batch(item..<item + 1)) }
    #expect(events.enough.withLock { $0 } == 1)
    let kept = sampler.takeItems().compactMap { $0["x"]?.floats.first }
    #expect(kept.count == 400 && Set(kept).count == 400 && kept.max() ?? 0 < 1600)
    // A quarter of each quarter; the standard deviation is 8.7.
    for quarter in 0..<4 {
      let count = kept.count { Int($0) / 400 == quarter }
      #expect(abs(count - 100) < 40, "\(count) of quarter \(quarter)")
    }
    #expect(sampler.count == 0)
  }

  @Test("takes no fill, one item of a batch, and the bytes themselves")
  func batches() {
    let sampler = Events().sampler
    sampler.take(batch(0..<1))
    sampler.begin(capacity: 100, spread: 1)
    for start in 0..<100 { sampler.take(batch(start * 4..<start * 4 + 4, padding: 3)) }
    let kept = sampler.takeItems().compactMap { $0["x"]?.floats.first }
    #expect(kept == (0..<100).map { Float($0 * 4) })
    #expect(sampler.shapes == [["x": [1, 1]], ["x": [4, 1]]])
  }

  @Test("items of different lengths are filled up with zeros, others are left out")
  func ragged() {
    let sampler = Events().sampler
    sampler.take(batch(0..<1))
    sampler.begin(capacity: 3, spread: 1)
    sampler.take(batch(1..<2, length: 3))
    sampler.take(Batch(inputs: ["x": Tensor([9, 9] as [Float], shape: [1, 1, 2])], count: 1))
    sampler.take(batch(2..<3, length: 1))
    sampler.take(batch(3..<4, length: 2))
    let (arrays, ragged) = InputSampler.arrays(of: sampler.takeItems())
    #expect(ragged == ["x"])
    #expect(arrays.first?.tensor.shape == [3, 3])
    #expect(arrays.first?.tensor.floats == [1, 1, 1, 2, 0, 0, 3, 3, 0])
  }
}
