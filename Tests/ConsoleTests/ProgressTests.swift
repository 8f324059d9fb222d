import Synchronization
import Testing

@testable import Console

@Suite struct ProgressTests {
  @Test func isSilentForWorkThatTakesLessThanASecond() {
    let lines = Lines()
    let progress = Progress("packing", isTerminal: true) { lines.append($0) }
    for step in 0...100 { progress.update(step, of: 100) }
    progress.finish()
    #expect(lines.all.isEmpty)
  }

  @Test func drawsWhileTheWorkMakesNoStep() async {
    let lines = Lines()
    let progress = Progress("packing", isTerminal: true) { lines.append($0) }
    progress.update(0, of: 1)
    while lines.all.isEmpty { await Task.yield() }
    #expect(lines.all[0].hasPrefix("\r\u{1B}[Kpacking: 0 of 1, "))
    progress.finish()
    #expect(lines.all.last == "\r\u{1B}[K")
  }

  private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    func append(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
  }
}
