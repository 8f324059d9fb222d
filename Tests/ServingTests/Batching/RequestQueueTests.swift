import Testing

@testable import Serving

@Suite("A request queue")
struct RequestQueueTests {
  private let start = ContinuousClock().now

  private func options(_ change: (inout BatchingOptions) -> Void) -> BatchingOptions {
    var options = BatchingOptions()
    options.maxBatchSize = 4
    options.timeout = .milliseconds(10)
    change(&options)
    return options
  }

  /// What is taken, as requests and items.
  private func taken(_ slices: [RequestQueue<String>.Slice]?) -> [String]? {
    slices?.map { "\($0.request)[\($0.items.lowerBound)..<\($0.items.upperBound)]" }
  }

  @Test("lets a batch go when it is full, or when its first request has waited long enough")
  func ready() throws {
    var queue = RequestQueue<String>(options { _ in })
    #expect(queue.readyTime == nil)
    try queue.add("a", size: 1, at: start)
    try queue.add("b", size: 2, at: start + .milliseconds(4))
    #expect(queue.readyTime == start + .milliseconds(10))
    #expect(queue.take(at: start + .milliseconds(9)) == nil)
    #expect(taken(queue.take(at: start + .milliseconds(10))) == ["a[0..<1]", "b[0..<2]"])
    #expect(queue.isEmpty)
    try queue.add("c", size: 4, at: start)
    #expect(taken(queue.take(at: start)) == ["c[0..<4]"])
  }

  @Test("closes a batch that the next request does not fit into")
  func closing() throws {
    var queue = RequestQueue<String>(options { _ in })
    try queue.add("a", size: 3, at: start)
    try queue.add("b", size: 2, at: start)
    #expect(queue.count == 2)
    #expect(taken(queue.take(at: start)) == ["a[0..<3]"])
    #expect(queue.take(at: start) == nil)
    #expect(taken(queue.take(at: start + .milliseconds(10))) == ["b[0..<2]"])
  }

  @Test("refuses requests that are too large, and those that there is no room for")
  func refusals() throws {
    var queue = RequestQueue<String>(options { $0.maxEnqueuedBatches = 2 })
    #expect(throws: ServingError.tooManyItems(count: 5, limit: 4)) { try queue.add("a", size: 5, at: start) }
    try queue.add("b", size: 4, at: start)
    try queue.add("c", size: 3, at: start)
    #expect(throws: ServingError.queueFull(batches: 2, limit: 2)) { try queue.add("d", size: 2, at: start) }
    try queue.add("e", size: 1, at: start)
    #expect(taken(queue.take(at: start)) == ["b[0..<4]"])
    #expect(taken(queue.take(at: start)) == ["c[0..<3]", "e[0..<1]"])
  }

  @Test("spreads a large request over batches when it may")
  func splitting() throws {
    let options = options {
      $0.splitsLargeBatches = true
      $0.maxBatchSize = 12
      $0.maxExecutionBatchSize = 4
    }
    var queue = RequestQueue<String>(options)
    try queue.add("a", size: 1, at: start)
    try queue.add("b", size: 9, at: start)
    #expect(taken(queue.take(at: start)) == ["a[0..<1]", "b[0..<3]"])
    #expect(taken(queue.take(at: start)) == ["b[3..<7]"])
    #expect(taken(queue.take(at: start)) == nil)
    try queue.add("c", size: 2, at: start)
    #expect(taken(queue.take(at: start)) == ["b[7..<9]", "c[0..<2]"])
    #expect(throws: ServingError.tooManyItems(count: 13, limit: 12)) { try queue.add("d", size: 13, at: start) }
  }

  @Test("takes all parts of a request or none")
  func wholeRequests() throws {
    let options = options {
      $0.splitsLargeBatches = true
      $0.maxBatchSize = 12
      $0.maxExecutionBatchSize = 4
      $0.maxEnqueuedBatches = 2
    }
    var queue = RequestQueue<String>(options)
    #expect(throws: ServingError.queueFull(batches: 0, limit: 2)) { try queue.add("a", size: 9, at: start) }
    #expect(queue.isEmpty)
    try queue.add("b", size: 8, at: start)
    #expect(queue.count == 2)
  }

  @Test("never mixes up, loses or doubles items, whatever comes and goes")
  func conservation() throws {
    var random = SplitMix64(seed: 3)
    for splits in [false, true] {
      let options = options {
        $0.splitsLargeBatches = splits
        $0.maxBatchSize = 10
        $0.maxExecutionBatchSize = 4
        $0.maxEnqueuedBatches = 5
      }
      var queue = RequestQueue<Int>(options)
      var now = start
      var sent: [(Int, Int)] = []
      var received: [(Int, Int)] = []
      func take(_ slices: [RequestQueue<Int>.Slice]) {
        #expect((1...(splits ? 4 : 10)).contains(slices.reduce(0) { $0 + $1.items.count }))
        for slice in slices { received += slice.items.map { (slice.request, $0) } }
      }
      for request in 0..<2000 {
        let size = 1 + Int(random.next() % 10)
        now += .microseconds(Int64(random.next() % 4000))
        if (try? queue.add(request, size: size, at: now)) != nil { sent += (0..<size).map { (request, $0) } }
        if random.next() % 2 == 0, let slices = queue.take(at: now) { take(slices) }
      }
      while let slices = queue.take(at: now + .seconds(1)) { take(slices) }
      #expect(sent.count > 2000)
      #expect(sent.elementsEqual(received, by: ==))
    }
  }
}
