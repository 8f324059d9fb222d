import Testing

@testable import Console

@Suite struct TableTests {
  @Test func alignsColumns() {
    var table = Table(["name", "ms"])
    table.add(["a", "1.25"])
    table.add(["a longer name", "10.50"])
    let lines = table.text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 3)
    // The last column ends at the same place in every row.
    #expect(Set(lines.dropFirst().map { $0.count }).count == 1)
    #expect(lines[2].contains("a longer name") && lines[2].hasSuffix("10.50"))
  }
}
