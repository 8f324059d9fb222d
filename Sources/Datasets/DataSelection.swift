import Foundation
import ModelGraph

/// A data file and which of its items: `FILE`, `FILE@FROM:TO`, or `FILE@ARRAY` with an array of positions.
public struct DataSelection: Sendable, Equatable {
  public enum Rows: Sendable, Equatable {
    case all
    case range(Range<Int>)
    /// The name of an array of the file.
    case listed(String)
  }

  public let path: String
  public let rows: Rows

  public init(path: String, rows: Rows = .all) {
    self.path = path
    self.rows = rows
  }

  public init(_ text: String) {
    guard !FileManager.default.fileExists(atPath: text), let at = text.lastIndex(of: "@") else {
      self.init(path: text)
      return
    }
    let rows = String(text[text.index(after: at)...])
    let bounds = rows.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
    if bounds.count == 2, let from = bounds[0], let to = bounds[1], 0 <= from, from <= to {
      self.init(path: String(text[..<at]), rows: .range(from..<to))
    } else {
      self.init(path: String(text[..<at]), rows: .listed(rows))
    }
  }

  /// What people call it: the file's name without its ending.
  public var name: String { URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent }

  /// The positions of the selected items among the file's `count`.
  func positions(in file: DataFile, count: Int) throws(DatasetError) -> [Int] {
    switch rows {
    case .all: return Array(0..<count)
    case .range(let range):
      guard range.upperBound <= count else {
        throw .inconsistent(what: "items of \(path)", expected: "at least \(range.upperBound)", got: "\(count)")
      }
      return Array(range)
    case .listed(let name):
      let positions = try file.tensor(named: name).integers.map { Int($0) }
      guard let wrong = positions.first(where: { !(0..<count).contains($0) }) else { return positions }
      throw .inconsistent(what: "positions \(name) in \(path)", expected: "0 to \(count - 1)", got: "\(wrong)")
    }
  }
}
