/// Something that a worker did against the protocol, for which Clockwork's own controller stops or goes wrong silently.
struct Violation: Error, Sendable, Equatable, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
