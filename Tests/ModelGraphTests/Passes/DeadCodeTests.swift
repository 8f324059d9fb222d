import ModelGraph
import Testing

@Suite("Dead code")
struct DeadCodeTests {
  @Test func onlyWhatOutputsDependOnStays() {
    var builder = SmallGraph()
    let x = builder.input("x", [2])
    let unused = builder.weights([4])
    let used = builder.weights([2])
    _ = builder.node("Add", [x, unused])
    let y = builder.node("Add", [x, used])
    let graph = builder.built(y).removingDeadCode()
    #expect(graph.nodes.map(\.outputs) == [[y]])
    #expect(graph.constant(unused) == nil && graph.constant(used) != nil)
    #expect(graph.inputs == [x])
  }

  @Test func unreadOptionalOutputsBecomeAbsent() {
    var builder = SmallGraph()
    let x = builder.input("x", [1, 1, 4])
    let pooled = builder.nodes("MaxPool", [x], outputs: 2, ["kernel_shape": .ints([2])])
    let pieces = builder.nodes("Split", [x], outputs: 2, ["axis": .int(2)])
    let graph = builder.built(pooled[0], pieces[1]).removingDeadCode()
    #expect(graph.nodes[0].outputs == [pooled[0]])
    #expect(graph.nodes[1].outputs == pieces.map { $0 }, "a piece decides where the next one starts")
  }
}
