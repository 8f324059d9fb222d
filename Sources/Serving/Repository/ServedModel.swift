/// A servable that a request was resolved to. Whoever holds it keeps the version from being unloaded under the request.
public struct ServedModel: Sendable {
  public let id: ServableID
  public let servable: any Servable
  public let signatures: SignatureMap

  public init(id: ServableID, servable: any Servable, signatures: SignatureMap) {
    self.id = id
    self.servable = servable
    self.signatures = signatures
  }
}
