import Foundation
import ModelGraph
import Serving
import Testing
import Wire

@testable import TensorFlowServingAdapter

@Suite("Calls about models")
struct ModelCallTests {
  private var folder: ModelFolder { get throws { try ModelFolder.shared.get() } }

  private func spec(_ name: String, version: UInt64? = nil) -> (inout ProtobufWriter) -> Void {
    { writer in
      writer.append(field: 1) { spec in
        spec.append(field: 1, string: name)
        if let version { spec.append(field: 2) { $0.append(field: 1, varint: version) } }
      }
    }
  }

  private func request(_ fields: (inout ProtobufWriter) -> Void) -> OwnedBytes {
    var writer = ProtobufWriter()
    fields(&writer)
    return OwnedBytes(copying: writer.bytes)
  }

  private func status(_ body: () throws -> Void) -> TensorFlowStatus? {
    do {
      try body()
      return nil
    } catch { return error as? TensorFlowStatus }
  }

  @Test("tell all signatures of a model")
  func metadata() throws {
    let reply = try folder.predictions.getModelMetadata(
      request { writer in
        spec("half_plus_two")(&writer)
        writer.append(field: 2, string: "signature_def")
      })
    func tensor(_ alias: String, _ name: String) -> SignatureMessage.Tensor {
      .init(alias: alias, name: name, type: .float, extents: [-1, 1])
    }
    let expected = GetModelMetadataResponseMessage.encoded(
      modelSpec: ModelSpec(name: "half_plus_two", version: .number(123)),
      signatures: [
        SignatureMessage(
          name: "classify_x_to_y", inputs: [tensor("inputs", "x")], outputs: [tensor("scores", "y")],
          methodName: "tensorflow/serving/classify"),
        SignatureMessage(
          name: "regress_x_to_y", inputs: [tensor("inputs", "x")], outputs: [tensor("outputs", "y")],
          methodName: "tensorflow/serving/regress"),
        SignatureMessage(
          name: "serving_default", inputs: [tensor("x", "x")], outputs: [tensor("y", "y")],
          methodName: "tensorflow/serving/predict"),
      ])
    #expect(reply.message.bytes == expected.bytes)
  }

  @Test("refuse metadata of other kinds, of none, and of unknown models")
  func metadataRefusals() throws {
    func metadata(_ name: String, _ fields: [String]) -> TensorFlowStatus? {
      status {
        _ = try folder.predictions.getModelMetadata(
          request { writer in
            spec(name)(&writer)
            for field in fields { writer.append(field: 2, string: field) }
          })
      }
    }
    #expect(
      metadata("half_plus_two", []) == .invalid("GetModelMetadataRequest must specify at least one metadata_field"))
    #expect(metadata("half_plus_two", ["other"]) == .invalid("Metadata field other is not supported"))
    #expect(
      metadata("none", ["signature_def"])
        == TensorFlowStatus(.notFound, "Servable not found for request: Latest(none)"))
  }

  @Test("tell the states of versions, and why one could not be loaded")
  func states() throws {
    func versions(_ name: String, version: UInt64? = nil) throws -> [UInt8] {
      try folder.models.getModelStatus(request(spec(name, version: version))).message.bytes
    }
    let available = GetModelStatusResponseMessage.Version(
      version: 123, state: .available, status: StatusMessage(code: 0, message: ""))
    #expect(try versions("half_plus_two") == GetModelStatusResponseMessage.encoded([available]).bytes)
    #expect(try versions("half_plus_two", version: 123) == GetModelStatusResponseMessage.encoded([available]).bytes)
    let states = try folder.service.versionStates(ModelSpec(name: "broken"))
    #expect(states.map(\.phase) == [.end])
    #expect(states.first?.failure != nil)
    #expect(
      status { _ = try versions("none") }
        == TensorFlowStatus(.notFound, "Could not find any versions of model none"))
    #expect(
      status { _ = try versions("half_plus_two", version: 7) }
        == TensorFlowStatus(.notFound, "Could not find version 7 of model half_plus_two"))
    #expect(status { _ = try folder.models.getModelStatus(request { _ in }) } == .invalid("Missing ModelSpec"))
  }

  @Test("take a new list of models, and say what is wrong with one")
  func reload() throws {
    let folder = try ModelFolder()
    func reload(_ models: [(name: String, path: String)]) -> TensorFlowStatus? {
      let request = request { writer in
        writer.append(field: 1) { config in
          config.append(field: 1) { list in
            for model in models {
              list.append(field: 1) { message in
                message.append(field: 1, string: model.name)
                message.append(field: 2, string: model.path)
                message.append(field: 4, string: "tensorflow")
              }
            }
          }
        }
      }
      return status {
        let reply = try folder.reply { folder.models.handleReloadConfigRequest(request, completion: $0) }
        #expect(reply.message.bytes == ReloadConfigResponseMessage.encoded(status: .init(code: 0, message: "")).bytes)
      }
    }
    let path = folder.root.appendingPathComponent("half_plus_two").path
    #expect(reload([("renamed", path)]) == nil)
    let x = ["x": Tensor([2] as [Float], shape: [1, 1])]
    #expect(try folder.predict(ModelSpec(name: "renamed"), x)["y"]?.floats == [3])
    #expect(
      status { _ = try folder.predict(ModelSpec(name: "half_plus_two"), x) }
        == TensorFlowStatus(.notFound, "Servable not found for request: Latest(half_plus_two)"))
    #expect(
      reload([("a", path), ("a", path)]) == .invalid("Illegal to list model a multiple times in config list"))
    #expect(
      reload([("a", "relative")])
        == .invalid("Expected model a to have an absolute path or URI; got base_path()=relative"))
    let failed = reload([("renamed", path), ("broken", folder.root.appendingPathComponent("broken").path)])
    #expect(failed?.code == .unknown)
    #expect(failed?.message.hasPrefix("1 model(s) did not become available: {{broken") == true)
    #expect(
      status { _ = try folder.reply { folder.models.handleReloadConfigRequest(request { _ in }, completion: $0) } }
        == .invalid(
          "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported"
        ))
  }

  @Test("replay a warm-up file, and fail as TensorFlow-Serving does when there is something wrong with it")
  func warmup() throws {
    let model = try folder.service.model(ModelSpec(name: "half_plus_two"))
    let url = try folder.root.appendingPathComponent("warmup")
    func replay(_ file: [UInt8]) throws -> TensorFlowStatus? {
      try Data(file).write(to: url)
      return status { try WarmupFile.replay(path: url.path, on: model, iterations: 2) }
    }
    func record(_ input: String) -> [UInt8] {
      let x = TensorValue(Tensor([2] as [Float], shape: [1, 1]))
      let request = PredictRequestMessage.encoded(
        modelSpec: ModelSpec(name: "any", version: .number(9)), inputs: [(input, x)])
      return TFRecord.encoded(PredictionLogMessage.encoded(predict: request.bytes))
    }
    #expect(try replay(record("x") + record("x")) == nil)
    #expect(try replay(record("x") + record("z"))?.code == .invalidArgument)
    let damaged = try replay(Array(record("x").dropLast()))
    #expect(damaged?.code == .dataLoss)
    #expect(damaged?.message.hasSuffix("Please verify your warmup data is in TFRecord format.") == true)
    #expect(try replay(TFRecord.encoded([0xFF]))?.message.hasPrefix("Failed to parse warmup record: ") == true)
    #expect(
      try replay(TFRecord.encoded([0x2A, 0]))
        == TensorFlowStatus(.unimplemented, "Unsupported log_type for warmup: 5"))
    #expect(try replay((0...1000).flatMap { _ in TFRecord.encoded([]) })?.code == .invalidArgument)
  }
}
