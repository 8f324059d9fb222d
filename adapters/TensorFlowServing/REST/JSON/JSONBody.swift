import NIOCore

/// What the bodies of all calls have in common.
enum JSONBody {
  /// The object that a body must be.
  static func object(_ body: ByteBuffer) throws(TensorFlowStatus) -> JSONValue {
    guard body.readableBytes > 0 else { throw .invalid("JSON Parse error: The document is empty") }
    let document: JSONDocument
    do throws(JSONParseError) { document = try JSONParser.parse(body) } catch { throw .invalid(error.description) }
    guard document.root.isObject else { throw .invalid("JSON Value: \(document.root.errorText) Is not object") }
    return document.root
  }

  /// Empty when there is none.
  static func signatureName(_ body: JSONValue) throws(TensorFlowStatus) -> String {
    guard let name = body["signature_name"] else { return "" }
    guard let text = name.string else {
      throw .invalid(
        "JSON Value: \(body.errorText) not formatted correctly. 'signature_name' key must be a string value.")
    }
    return text
  }

  /// An object with exactly the key `b64`, whose value is a string: bytes in base64.
  static func isBase64(_ value: JSONValue) -> Bool {
    guard value.isObject, value.count == 1, let member = value.members.first(where: { _ in true }) else { return false }
    return member.name == "b64" && member.value.isString
  }

  /// The bytes of such an object.
  static func base64(_ value: JSONValue) throws(TensorFlowStatus) -> [UInt8] {
    guard isBase64(value), let text = value["b64"]?.bytes else {
      throw .invalid("JSON Value: \(value.errorText) not formatted correctly for base64 data")
    }
    guard let bytes = Base64.decoded(text) else { throw .invalid("Unable to base64 decode") }
    return bytes
  }
}
