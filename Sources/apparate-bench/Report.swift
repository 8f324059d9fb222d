import Foundation

/// Prints results as a table for people or as one JSON object a line; progress goes to standard error.
struct Report {
  let json: Bool

  func progress(_ text: String) {
    FileHandle.standardError.write(Data("apparate-bench: \(text)\n".utf8))
  }

  func header(subject: EngineName) {
    guard !json else { return }
    print(
      """
      Engine: \(subject.rawValue). Ratio: peer's time ÷ its time, median of the rounds [quartiles].
      Memory: peak above what the process held before its engine was loaded. Load: until the first answer.
      """)
    row(Self.columns.map(\.title))
  }

  func add(_ result: EngineResult) {
    guard !json else { return line(result) }
    let (ours, theirs) = (result.subjectSide, result.peerSide)
    row([
      result.model, "\(result.threads)", "\(result.batch)", result.peer.rawValue, number(ours.milliseconds, 2),
      number(theirs.milliseconds, 2),
      ratio(result.speed), "\(result.disturbedRounds) of \(result.rounds)",
      "\(megabytes(ours.memory)) / \(megabytes(theirs.memory))", number(result.memoryRatio, 2),
      "\(result.coldLoad.map { number($0.secondsToFirstAnswer, 2) } ?? "-") / "
        + "\(number(ours.load.secondsToFirstAnswer, 2)) / \(number(theirs.load.secondsToFirstAnswer, 2))",
      "\(short(result.agreement.largestDifference)) of \(short(result.agreement.largestValue))",
      result.agreement.top1.map { number($0 * 100, 1) + " %" } ?? "-",
    ])
  }

  func add(_ failure: FailedResult) {
    if json {
      line(failure)
    } else {
      progress("\(failure.model), \(failure.threads) threads, batch \(failure.batch): \(failure.error)")
    }
  }

  private static let columns: [(title: String, width: Int)] = [
    ("model", 18), ("threads", 7), ("batch", 5), ("peer", 11), ("ms", 9), ("peer ms", 9), ("ratio", 18),
    ("disturbed", 9), ("MB / peer", 11), ("ratio", 5), ("load s cold / warm / peer", 25), ("difference", 18),
    ("top-1", 7),
  ]

  private func row(_ cells: [String]) {
    let padded = zip(cells, Self.columns).map { cell, column in
      cell + String(repeating: " ", count: max(0, column.width - cell.count))
    }
    print(padded.joined(separator: "  "))
    // Results come minutes apart: they are to be seen when they come, also through a pipe.
    fflush(nil)
  }

  func line(_ value: some Encodable) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let data = try? encoder.encode(value) else { return }
    print(String(decoding: data, as: UTF8.self))
    fflush(nil)
  }

  private func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

  private func ratio(_ speed: Distribution) -> String {
    "\(number(speed.median, 2)) [\(number(speed.lowerQuartile, 2)), \(number(speed.upperQuartile, 2))]"
  }

  private func short(_ value: Float) -> String { String(format: "%.2g", value) }

  private func megabytes(_ memory: MemoryReply) -> String { number(Double(memory.peakOfEngine) / 1e6, 0) }
}
