import Foundation

/// Reads arrival times out of a CSV file with a heading: the first column whose name has "time" in it, else the first.
///
/// A time is a number of seconds, or a date and a time of day such as 2023-11-16 18:15:46.6805900.
enum TraceFile {
  static func times(path: String) throws(DatasetError) -> [Double] {
    let text: String
    do { text = try String(contentsOfFile: path, encoding: .utf8) } catch {
      let isThere = FileManager.default.fileExists(atPath: path)
      throw .unreadable(path: path, reason: isThere ? "it is no UTF-8 text" : "no such file")
    }
    return try parse(text, path: path)
  }

  /// - Returns: seconds from the first arrival, ascending.
  static func parse(_ text: String, path: String) throws(DatasetError) -> [Double] {
    let lines = text.split(whereSeparator: \.isNewline)
    guard let heading = lines.first else { throw .malformed(path: path, expected: "a heading line", got: "no line") }
    let names = fields(of: heading)
    let column = names.firstIndex { $0.lowercased().contains("time") } ?? 0
    var times: [Double] = []
    times.reserveCapacity(lines.count)
    // A file without a heading loses no arrival.
    let rows = column < names.count && seconds(names[column]) != nil ? lines[...] : lines.dropFirst()
    for (index, line) in rows.enumerated() {
      let fields = fields(of: line)
      guard column < fields.count, let time = seconds(fields[column]) else {
        throw .malformed(
          path: path, expected: "a time in column \(column + 1) of row \(index + 1)", got: "\"\(line.prefix(80))\"")
      }
      times.append(time)
    }
    times.sort()
    guard times.count > 1, let first = times.first, let last = times.last, last > first else {
      throw .malformed(path: path, expected: "two arrivals at different times", got: "\(times.count) rows")
    }
    return times.map { $0 - first }
  }

  private static func fields(of line: Substring) -> [Substring] {
    line.split(separator: ",", omittingEmptySubsequences: false).map { field in
      field.drop { $0 == " " || $0 == "\"" }.prefix { $0 != "\"" }
    }
  }

  /// Days are those of the proleptic Gregorian calendar, without leap seconds.
  private static func seconds(_ field: Substring) -> Double? {
    if let number = Double(field) { return number.isFinite ? number : nil }
    let parts = field.split { $0 == " " || $0 == "T" }
    guard parts.count == 2 else { return nil }
    let date = parts[0].split(separator: "-").compactMap { Int($0) }
    let day = parts[1].prefix { $0.isNumber || $0 == ":" || $0 == "." }.split(separator: ":")
    guard date.count == 3, day.count == 3, let hours = Int(day[0]), let minutes = Int(day[1]),
      let seconds = Double(day[2]), (1...12).contains(date[1]), (1...31).contains(date[2]), (0..<9999).contains(date[0])
    else { return nil }
    return Double(days(date[0], date[1], date[2]) * 86_400 + hours * 3_600 + minutes * 60) + seconds
  }

  /// Days since 1 March of the year 0: years that start in March have their leap day at the end.
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let (year, month) = month > 2 ? (year, month - 3) : (year - 1, month + 9)
    return year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1
  }
}
