import Dispatch
import Foundation
import Serving
import ServingFixtures
import Synchronization
import Testing

@testable import TensorFlowServingAdapter

@Suite("The model config file")
struct ModelConfigFileTests {
  /// Waits for events, each at most a minute.
  private final class Events: Sendable {
    private let list = Mutex<[String]>([])
    private let came = DispatchSemaphore(value: 0)

    func add(_ event: ModelConfigFile.Event) {
      list.withLock { $0.append(event.description) }
      came.signal()
    }

    func next() throws -> String {
      try #require(came.wait(timeout: .now() + 60) == .success)
      return list.withLock { $0.removeFirst() }
    }

    var isEmpty: Bool { list.withLock { $0.isEmpty } }
  }

  @Test("what is new in it is served; what makes no sense changes nothing; what is old is left alone")
  func changes() throws {
    let (a, b, files) = (try ModelDirectory(), try ModelDirectory(), try ModelDirectory())
    try a.add(version: "1", TinyModel.affine(scale: 2, offset: 0))
    try b.add(version: "1", TinyModel.affine(scale: 3, offset: 0))
    var options = ModelRepository.Options()
    options.polling = .once
    options.maxLoadRetries = 0
    let repository = ModelRepository(loader: ModelServable.Loader(), options: options)
    let path = "\(files.path)/models.config"
    let events = Events()
    let file = ModelConfigFile(path: path, source: repository) { events.add($0) }
    func write(_ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) }
    func config(_ name: String, _ directory: ModelDirectory, _ rest: String = "") -> String {
      "config { name: '\(name)' base_path: '\(directory.path)' model_platform: 'tensorflow' \(rest) }\n"
    }

    file.read()
    #expect(try events.next() == "cannot read \(path): No such file or directory")
    file.read()
    try write("model_config_list { \(config("a", a)) }")
    file.read()
    #expect(try events.next() == "serving 1 models as the model config file says")
    #expect(repository.configurations.map(\.name) == ["a"])
    file.read()

    try write("model_config_list { \(config("a", a)) \(config("b", b, "version_labels { key: 'x' value: 1 }")) }")
    file.read()
    #expect(try events.next() == "serving 2 models as the model config file says")
    #expect(try repository.model(named: "b", version: .label("x")).id.version == 1)

    try write("model_config_list { nonsense }")
    file.read()
    #expect(try events.next().contains("Error parsing text-format tensorflow.serving.ModelServerConfig"))
    try write("model_config_list { \(config("a", a)) \(config("a", a)) }")
    file.read()
    #expect(try events.next() == "model config file: Illegal to list model a multiple times in config list")
    #expect(repository.configurations.map(\.name) == ["a", "b"])

    // A label for a version that is not there yet is taken once it is.
    try write("model_config_list { \(config("b", b, "version_labels { key: 'x' value: 2 }")) }")
    file.read()
    #expect(try events.next().contains("label to version 2 of model b, which is not currently available"))
    try b.add(version: "2", TinyModel.affine(scale: 4, offset: 0))
    file.read()
    #expect(try events.next() == "serving 1 models as the model config file says")
    #expect(try repository.model(named: "b", version: .label("x")).id.version == 2)
    #expect(events.isEmpty)
    #expect(repository.shutDown(timeout: .seconds(60)))
  }

  @Test("it is read again by itself")
  func polling() throws {
    let (directory, files) = (try ModelDirectory(), try ModelDirectory())
    try directory.add(version: "1", TinyModel.affine(scale: 2, offset: 0))
    let repository = ModelRepository(loader: ModelServable.Loader())
    let path = "\(files.path)/models.config"
    let events = Events()
    let file = ModelConfigFile(path: path, source: repository) { events.add($0) }
    file.poll(every: .milliseconds(5))
    #expect(try events.next().hasPrefix("cannot read"))
    let text = "model_config_list { config { name: 'm' base_path: '\(directory.path)' model_platform: 'onnx' } }"
    try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    #expect(try events.next() == "serving 1 models as the model config file says")
    file.stop()
    #expect(repository.shutDown(timeout: .seconds(60)))
  }
}
