import Serving
import Wire

/// Signatures that stand beside a model: `<version>/signatures.pbtxt`, a `tensorflow.serving.SignatureDefMap` in
/// protobuf's text format, and `<version>/labels.txt`, one class to a line. Both may be absent.
///
/// An ONNX model has one signature of its own, `serving_default`: its inputs and outputs under their own names. The file
/// adds others, or takes its place:
///
///     signature_def { key: "classify_image" value {
///       inputs { key: "image" value { name: "input.1" } }
///       outputs { key: "scores" value { name: "softmax" } }
///       method_name: "tensorflow/serving/classify" } }
///
/// `name` is the model's name for a tensor. `dtype` and `tensor_shape` may be left out; when they are there, the type
/// must be the model's own. Every input of the model must be given.
public enum SignatureFile {
  public static let fileName = "signatures.pbtxt"
  public static let labelFileName = "labels.txt"

  private static let messageName = "tensorflow.serving.SignatureDefMap"

  /// The signatures of the model in `directory`, whose own signature is `own`.
  public static func signatures(
    in directory: String, own: Signature
  ) throws(ConfigurationError) -> SignatureMap {
    let labels = try text(directory + "/" + labelFileName).map(lines) ?? []
    guard let text = try text(directory + "/" + fileName) else { return SignatureMap(default: own, labels: labels) }
    return SignatureMap(default: own, others: try parse(text, own: own, labels: labels), labels: labels)
  }

  private static func text(_ path: String) throws(ConfigurationError) -> [UInt8]? {
    guard ConfigurationFile.exists(path) else { return nil }
    return try ConfigurationFile.read(path)
  }

  private static func lines(_ text: [UInt8]) -> [String] {
    var lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
      String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
    }
    if lines.last == "" { lines.removeLast() }
    return lines
  }

  static func parse(
    _ text: [UInt8], own: Signature, labels: [String] = []
  ) throws(ConfigurationError) -> [SignatureMap.Entry] {
    let map = try TypedTextMessage.parse(text, as: messageName, fields: ["signature_def"])
    var entries: [SignatureMap.Entry] = []
    for pair in try map.messages("signature_def", type: "\(messageName).SignatureDefEntry", fields: ["key", "value"]) {
      let name = try pair.string("key") ?? ""
      let fields: Set<String> = ["inputs", "outputs", "method_name", "defaults"]
      guard let value = try pair.message("value", type: "tensorflow.SignatureDef", fields: fields) else {
        throw pair.error("signature \"\(name)\" has no value")
      }
      entries.append(try entry(name, value, own: own, labels: labels))
    }
    return entries
  }

  private static func entry(
    _ name: String, _ value: TypedTextMessage, own: Signature, labels: [String]
  ) throws(ConfigurationError) -> SignatureMap.Entry {
    let methodName = try value.string("method_name") ?? ""
    guard let method = methodName.isEmpty ? .predict : SignatureMap.Method(rawValue: methodName) else {
      throw value.error("signature \"\(name)\" has the unknown method_name \"\(methodName)\"")
    }
    let inputs = try tensors("inputs", of: value, among: own.inputs)
    let outputs = try tensors("outputs", of: value, among: own.outputs)
    if let missing = own.inputs.first(where: { input in !inputs.contains { $0.name == input.name } }) {
      throw value.error("signature \"\(name)\" does not give the model's input \"\(missing.name)\"")
    }
    guard !outputs.isEmpty else { throw value.error("signature \"\(name)\" has no outputs") }
    let signature = Signature(name: name, inputs: inputs.map(\.spec), outputs: outputs.map(\.spec))
    return SignatureMap.Entry(
      signature: signature, method: method,
      inputNames: Dictionary(inputs.map { ($0.spec.name, $0.name) }, uniquingKeysWith: { $1 }),
      outputNames: Dictionary(outputs.map { ($0.spec.name, $0.name) }, uniquingKeysWith: { $1 }), labels: labels)
  }

  private static func tensors(
    _ field: String, of signature: TypedTextMessage, among own: [TensorSpec]
  ) throws(ConfigurationError) -> [(spec: TensorSpec, name: String)] {
    var tensors: [(spec: TensorSpec, name: String)] = []
    let type = "tensorflow.SignatureDef.\(field == "inputs" ? "Inputs" : "Outputs")Entry"
    for pair in try signature.messages(field, type: type, fields: ["key", "value"]) {
      let alias = try pair.string("key") ?? ""
      let value = try pair.message("value", type: "tensorflow.TensorInfo", fields: ["name", "dtype", "tensor_shape"])
      let name = try value?.string("name") ?? alias
      // TensorFlow's names end in the number of the operator's output.
      guard let match = own.first(where: { $0.name == name || $0.name + ":0" == name }) else {
        let known = own.map(\.name).joined(separator: ", ")
        throw pair.error("the model has no tensor \"\(name)\" among its \(field): \(known)")
      }
      guard !tensors.contains(where: { $0.spec.name == alias }) else {
        throw pair.error("\(field) \"\(alias)\" is there twice")
      }
      let dtype = try value?.enumerator("dtype", names: dataTypes)
      if let dtype, dtype != match.type.tensorFlowType.enumerator {
        throw pair.error("\"\(name)\" is of type \(match.type.tensorFlowType.enumerator), not \(dtype)")
      }
      tensors.append((TensorSpec(name: alias, type: match.type, shape: match.shape), match.name))
    }
    return tensors
  }

  private static let dataTypes: [Int64: String] = Dictionary(
    uniqueKeysWithValues: (1...30).map { (Int64($0), TensorFlowType(rawValue: $0).enumerator) })
}
