import Testing

@testable import ClockworkAdapter

@Suite struct WeightsCacheTests {
  @Test func pagesAreNeitherLostNorMade() {
    var cache = WeightsCache(totalPages: 20)
    var loading: [Int32: UInt64] = [:]
    var held: [Int32: Int] = [:]
    var state: UInt64 = 3
    func random(_ bound: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % bound
    }
    for _ in 0..<20_000 {
      let model = Int32(random(8))
      switch random(5) {
      case 0, 1:
        let pages = 1 + Int(random(9))
        let free = cache.freePages + (held[model] ?? 0)
        held[model] = nil
        loading[model] = cache.beginLoading(model, pages: pages)
        #expect((loading[model] != nil) == (pages <= free))
        if loading[model] != nil { held[model] = pages }
      case 2:
        guard let version = loading.removeValue(forKey: model) else { continue }
        #expect(cache.finishLoading(model, version: version) == (held[model] != nil))
        if held[model] != nil { #expect(cache.loadedVersion(of: model) == version) }
      case 3:
        #expect(cache.free(model) == (held.removeValue(forKey: model) != nil))
        #expect(cache.loadedVersion(of: model) == nil)
      default:
        if random(20) == 0 {
          #expect(cache.freeAll() == held.keys.sorted())
          held = [:]
        }
      }
      #expect(cache.freePages == 20 - held.values.reduce(0, +))
    }
  }

  @Test func aCopyThatWasOvertakenIsNoGood() {
    var cache = WeightsCache(totalPages: 4)
    let first = cache.beginLoading(1, pages: 2)
    let second = cache.beginLoading(1, pages: 2)
    #expect(first != second)
    #expect(first.map { cache.finishLoading(1, version: $0) } == false)
    #expect(second.map { cache.finishLoading(1, version: $0) } == true)
    #expect(cache.freePages == 2)
    #expect(cache.beginLoading(2, pages: 3) == nil)
    #expect(cache.beginLoading(1, pages: 5) == nil)
    #expect(cache.freePages == 4, "the old weights are gone then")
  }
}
