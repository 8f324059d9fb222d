import ModelGraph
import Wire

/// An input as a client sent it.
public enum SentTensor: Sendable {
  case tensor(Tensor)
  /// Well formed, of a type that no model here takes.
  case other(TensorFlowType)

  var type: TensorFlowType {
    switch self {
    case .tensor(let tensor): tensor.type.tensorFlowType
    case .other(let type): type
    }
  }
}

extension SentTensor {
  /// Decodes a tensor of a message whose bytes `owner` holds. Elements that lie there as they are needed stay there.
  init(_ message: TensorMessage, in owner: any ByteOwner) throws(WireError) {
    if let tensor = try Tensor(message, in: owner) {
      self = .tensor(tensor)
      return
    }
    if message.type == .string {
      _ = try message.shape()
    } else {
      _ = try owner.withUnsafeBytes { (bytes) throws(WireError) in try message.elements(in: bytes) }
    }
    self = .other(message.type)
  }
}

extension SentTensor {
  /// Decodes the input `name` of a request.
  init(input name: String, of inputs: NamedTensors, in owner: any ByteOwner) throws(TensorFlowStatus) {
    guard let message = inputs[name] else { throw .invalid("tensor parsing error: \(name)") }
    do throws(WireError) { try self.init(message, in: owner) } catch {
      throw .invalid("tensor parsing error: \(name)")
    }
  }
}

extension TensorValue {
  /// A tensor for an answer, without a copy of its elements.
  init(_ tensor: Tensor) {
    self.init(type: tensor.type.tensorFlowType, shape: tensor.shape, elements: tensor.storage)
  }
}
