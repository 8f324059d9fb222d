import OpenCLRuntime
import Testing

/// Runs ONNX's own tests of single operators on the device.
@Suite struct NodeTests {
  private static let device = Result { try Device.select() }

  private static let cases = NodeTestCase.all.filter { !NodeTestTable.superseded.contains($0.description) }

  @Test(.enabled(if: !cases.isEmpty, "run .ci/fixtures first"), arguments: cases)
  func givesWhatONNXExpects(of test: NodeTestCase) throws {
    let outcome = try test.run(on: Self.device.get())
    let expected = NodeTestTable.expectation(for: test.description)
    #expect(outcome == expected, "\(test): \(outcome), the table says \(expected.map { "\($0)" } ?? "nothing")")
  }
}
