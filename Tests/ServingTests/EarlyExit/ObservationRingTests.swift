import Foundation
import Testing

@testable import Serving

@Suite("From the engine to its controller")
struct ObservationRingTests {
  private func header(_ number: Int) -> ObservationRing.Header {
    ObservationRing.Header(
      batch: UInt64(number), item: Int32(number), batchSize: 1, exit: -1, label: 2, exitsAllowed: true, policyVersion: 9
    )
  }

  @Test func observationsComeOutAsTheyWentInAndWhatDoesNotFitIsCounted() {
    let ring = ObservationRing(sites: 3, capacity: 4)
    for round in 0..<5 {
      for number in 0..<6 {
        ring.write { slot in
          slot.header = header(number)
          for site in 0..<3 {
            slot.scores[site] = Float(number) + Float(site) / 4
            slot.labels[site] = Int32(site)
          }
        }
      }
      #expect(ring.waiting == 4 && ring.lostCount == 2 * (round + 1))
      var seen: [Observation] = []
      while ring.next({ seen.append(Observation($0)) }) {}
      #expect(seen.map(\.item) == [0, 1, 2, 3] && ring.waiting == 0)
      #expect(seen[3].scores == [3, 3.25, 3.5] && seen[3].labels == [0, 1, 2] && seen[3].policyVersion == 9)
      #expect(seen[3].label == 2 && seen[3].exit == .final && seen[3].exitsAllowed)
    }
  }

  @Test func twoThreadsHandOverEverythingInOrder() {
    let ring = ObservationRing(sites: 1, capacity: 64)
    let count = 20_000
    Thread.detachNewThread {
      var number = 0
      while number < count {
        guard ring.waiting < 64 else { continue }
        ring.write { slot in
          slot.header = header(number)
          slot.scores[0] = Float(number)
        }
        number += 1
      }
    }
    var expected = 0
    let deadline = Date(timeIntervalSinceNow: 60)
    while expected < count, Date() < deadline {
      _ = ring.next { slot in
        if Int(slot.header.batch) == expected && slot.scores[0] == Float(expected) { expected += 1 }
      }
    }
    #expect(expected == count)
  }

  @Test func thresholdsShrinkToNothingAsTheControllerFallsBehind() {
    let caution = Caution()
    #expect(caution.factor(ringFill: 0, secondsSilent: 0) == 1 && caution.factor(ringFill: 0.5, secondsSilent: 1) == 1)
    #expect(caution.factor(ringFill: 0.75, secondsSilent: 0) == 0 && caution.factor(ringFill: 0, secondsSilent: 3) == 0)
    #expect(caution.factor(ringFill: 1, secondsSilent: 0) == 0 && caution.factor(ringFill: 0, secondsSilent: 1e9) == 0)
    let falling = stride(from: 0, through: 1, by: 0.05).map { caution.factor(ringFill: $0, secondsSilent: 0) }
    #expect(zip(falling, falling.dropFirst()).allSatisfy { $0 >= $1 } && Set(falling).count > 3)
  }
}
