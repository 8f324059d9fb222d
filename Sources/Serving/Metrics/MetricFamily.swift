import Synchronization

/// Metrics of one name, told apart by the values of their labels.
public final class MetricFamily<Metric: AnyObject & Sendable>: Sendable {
  /// Label values come from requests, and memory has an end: what is beyond is counted together.
  public static var childLimit: Int { 2000 }
  /// The label values of that rest.
  static var restValue: String { "(others)" }

  let description: MetricDescription
  private let make: @Sendable () -> Metric
  /// Guards the children by label values.
  private let children = Mutex<[[String]: Metric]>([:])

  init(_ description: MetricDescription, make: @escaping @Sendable () -> Metric) {
    self.description = description
    self.make = make
  }

  /// The metric with these label values, in the order of the names; made when it is not there yet. Takes a lock: keep the
  /// result where it is hot.
  public func with(_ values: String...) -> Metric { with(values) }

  public func with(_ values: [String]) -> Metric {
    precondition(values.count == description.labels.count, "\(description.name) has labels \(description.labels)")
    return children.withLock { children in
      if let child = children[values] { return child }
      var key = values
      if children.count >= Self.childLimit { key = values.map { _ in Self.restValue } }
      if let rest = children[key] { return rest }
      let child = make()
      children[key] = child
      return child
    }
  }

  /// Takes away what has these values, as when a model is unloaded for good.
  public func remove(where matches: ([String]) -> Bool) {
    children.withLock { children in children = children.filter { !matches($0.key) } }
  }

  /// In the order of their label values.
  var all: [(values: [String], metric: Metric)] {
    children.withLock { children in
      children.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.key, $0.value) }
    }
  }
}

/// What is said of a metric besides its values.
struct MetricDescription: Hashable, Sendable {
  enum Kind: String, Sendable {
    case counter, gauge, histogram
  }

  let name: String
  let kind: Kind
  let help: String
  let labels: [String]
}
