import ModelGraph
import Testing

@Suite("Identities")
struct IdentitiesTests {
  @Test func nodesThatChangeNothingGo() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [2, 3])
    var value = builder.node("Relu", [x])
    value = builder.node("Identity", [value])
    value = builder.node("Dropout", [value])
    value = builder.node("Cast", [value], ["to": .int(1)])
    value = builder.node("Reshape", [value, builder.integers([2, -1])])
    value = builder.node("Transpose", [value], ["perm": .ints([0, 1])])
    value = builder.node("Concat", [value], ["axis": .int(0)])
    value = builder.node("Slice", [value, builder.integers([0]), builder.integers([9])])
    value = builder.node("Exp", [value])
    let graph = try builder.built(value).specialized(inputShapes: [:])
    #expect(graph.nodes.map(\.op) == ["Relu", "Exp"])
  }

  @Test func nodesThatChangeSomethingStay() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [2, 2])
    var value = builder.node("Transpose", [x])
    value = builder.node(
      "Slice", [value, builder.integers([-1]), builder.integers([.min]), builder.integers([0]), builder.integers([-1])])
    value = builder.node("Pad", [value, builder.integers([1, 0, -1, 0])])
    let training = builder.constant(.init(type: .bool, shape: [], storage: TensorStorage(copying: [UInt8(1)])))
    value = builder.node("Dropout", [value, nil, training])
    let graph = try builder.built(value).specialized(inputShapes: [:])
    #expect(graph.nodes.map(\.op) == ["Transpose", "Slice", "Pad", "Dropout"])
  }

  @Test func graphOutputsKeepTheirNames() {
    var builder = SmallGraph()
    let x = builder.input("x", [2])
    let hidden = builder.node("Relu", [x], named: "hidden")
    let y = builder.node("Identity", [hidden], named: "y")
    let z = builder.node("Exp", [hidden], named: "z")
    let graph = builder.built(y, z).removingIdentities()
    #expect(graph.nodes.map(\.op) == ["Relu", "Exp"])
    #expect(graph.nodes[0].outputs == [y] && graph.nodes[1].inputs == [y])
    #expect(graph.outputs.map { graph[$0].name } == ["y", "z"])
  }

  @Test func anInputHandedToAnOutputKeepsItsIdentityNode() {
    var builder = SmallGraph()
    let x = builder.input("x", [2])
    let relu = builder.node("Relu", [x])
    let graph = builder.built(
      builder.node("Identity", [x]), relu, builder.node("Identity", [relu]), builder.node("Identity", [relu])
    ).removingIdentities()
    #expect(graph.nodes.map(\.op) == ["Relu", "Identity", "Identity", "Identity"])
  }

  @Test func declaredShapesOfASymbolicGraphAreNotTrusted() {
    var builder = SmallGraph()
    let x = builder.input("x", [.symbolic("n"), .fixed(2)])
    let relu = builder.node("Relu", [x])
    let reshaped = builder.node("Reshape", [relu, builder.integers([1, 2])])
    var graph = builder.built(builder.node("Exp", [reshaped]))
    for value in [relu, reshaped] { graph[value].shape = [.fixed(1), .fixed(2)] }
    #expect(graph.removingIdentities().nodes.count == 3)
  }
}
