/// What all connections of one server share.
final class ServerCore: Sendable {
  let router: Router
  let limits: ServerLimits
  let budget: MemoryBudget

  init(router: Router, limits: ServerLimits) {
    self.router = router
    self.limits = limits
    budget = MemoryBudget(limit: limits.heldMessageBytes)
  }
}
