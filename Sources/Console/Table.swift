/// Text in aligned columns: a heading line, then rows. Cells that begin like a number are set right.
public struct Table: Sendable {
  private var rows: [[String]]

  public init(_ heading: [String]) { rows = [heading] }

  public mutating func add(_ row: [String]) { rows.append(row) }

  public var text: String {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
      row.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        let isNumber = cell.first.map { $0.isNumber || $0 == "-" || $0 == "." } ?? false
        return isNumber ? space + cell : cell + space
      }.joined(separator: "  ").trimmingSuffix(" ")
    }.joined(separator: "\n")
  }
}

extension String {
  fileprivate func trimmingSuffix(_ character: Character) -> String {
    var text = self
    while text.last == character { text.removeLast() }
    return text
  }
}
