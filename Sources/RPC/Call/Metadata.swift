import NIOHPACK

/// Headers or trailers of a call. Names are lower case; a name can occur several times.
public struct Metadata: Sendable, ExpressibleByDictionaryLiteral {
  var headers: HPACKHeaders

  public init() { headers = HPACKHeaders() }

  public init(dictionaryLiteral elements: (String, String)...) {
    headers = HPACKHeaders()
    for (name, value) in elements { add(name, value) }
  }

  init(_ headers: HPACKHeaders) { self.headers = headers }

  public var isEmpty: Bool { headers.isEmpty }

  /// - Precondition: `name` is a legal header name: HTTP/2 refuses the whole call otherwise.
  public mutating func add(_ name: String, _ value: String) { headers.add(name: name.lowercased(), value: value) }

  /// The first value under `name`. O(headers).
  public subscript(name: String) -> String? { headers.first(name: name) }

  public func values(_ name: String) -> [String] { headers[name] }

  /// Name and value of each entry, without those that belong to HTTP/2 itself (`:path` and the like).
  public var entries: [(name: String, value: String)] {
    headers.lazy.filter { !$0.name.hasPrefix(":") }.map { ($0.name, $0.value) }
  }
}
