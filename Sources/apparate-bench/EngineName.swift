/// An engine that can be measured.
enum EngineName: String, CaseIterable, Codable, Sendable {
  case apparate
  case onnxruntime
  case openvino

  init(parsing text: String) throws {
    guard let name = EngineName(rawValue: text) else { throw BenchError.unknownPeer(text) }
    self = name
  }
}
