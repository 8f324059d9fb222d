import OpenCLRuntime

/// The device memory in which the plans of a model take turns. Grows to the largest plan; a plan that was bound to a
/// smaller one binds again at its next run.
final class Arena {
  private let context: Context
  private(set) var buffer: Buffer?

  init(context: Context) { self.context = context }

  var byteCount: Int { buffer?.byteCount ?? 0 }

  /// Memory outside the arena, for a plan whose blocks must not touch.
  func makeBuffer(byteCount: Int) throws -> Buffer { try context.makeBuffer(byteCount: max(byteCount, 4)) }

  /// The arena's buffer, at least `byteCount` bytes.
  func reserve(_ byteCount: Int) throws -> Buffer {
    if let buffer, buffer.byteCount >= byteCount { return buffer }
    buffer = nil  // let the old one go before the new one comes
    let grown = try context.makeBuffer(byteCount: max(byteCount, 4096))
    buffer = grown
    return grown
  }

  /// Lets the memory go, once no plan is bound to it any more.
  func release() { buffer = nil }
}
