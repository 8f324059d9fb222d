import NIOHTTP1
import Testing
import Wire

@testable import TensorFlowServingAdapter

@Suite("REST routes")
struct RESTRouteTests {
  private func route(_ method: HTTPMethod, _ uri: String, metrics: String? = nil) -> RESTRoute {
    RESTRoute(method, uri: uri, metricsPath: metrics)
  }

  @Test("every route of TensorFlow Serving's, and ours")
  func routes() {
    let m = ModelSpec(name: "m")
    let seven = ModelSpec(name: "m", version: .number(7))
    let stable = ModelSpec(name: "m", version: .label("stable"))
    let cases: [(HTTPMethod, String, RESTRoute)] = [
      (.GET, "/v1/models/m", .status(m)), (.GET, "/v1/models/m/versions/7", .status(seven)),
      (.GET, "/v1/models/m/labels/stable", .status(stable)), (.GET, "/v1/models/m/metadata", .metadata(m)),
      (.GET, "/v1/models/m/versions/007/metadata", .metadata(seven)),
      (.GET, "/v1/models/m/labels/stable/metadata", .metadata(stable)),
      (.POST, "/v1/models/m:predict", .call(.predict, m)),
      (.POST, "/v1/models/m/versions/7:classify", .call(.classify, seven)),
      (.POST, "/v1/models/m/labels/stable:regress", .call(.regress, stable)),
      (.POST, "/V1/Models/m/VERSIONS/7:PREDICT", .call(.predict, seven)),
      (.GET, "/v1/models/m?x=/y:z", .status(m)), (.POST, "/v1/models/m:predict?x", .call(.predict, m)),
      (.GET, "/v1/models/a%2Fb", .status(ModelSpec(name: "a/b"))),
      (.GET, "/v1/models/M%20%zz", .status(ModelSpec(name: "M %zz"))),
      (.GET, "/v1/models/m/labels/a%2fb", .status(ModelSpec(name: "m", version: .label("a/b")))),
      (.GET, "/v1/models", .models), (.GET, "/healthz", .health), (.GET, "/readyz", .readiness),
      (.OPTIONS, "/v1/models/m:predict", .preflight), (.OPTIONS, "/v1/anything", .preflight),
      (.GET, "/v1/models/m/versions/9223372036854775808", .badVersion("9223372036854775808")),
      (.POST, "/v1/models/m/versions/99999999999999999999:predict", .badVersion("99999999999999999999")),
    ]
    for (method, uri, expected) in cases { #expect(route(method, uri) == expected, "\(method) \(uri)") }
  }

  @Test("what is near a route is malformed, what is not is unknown")
  func others() {
    for (method, uri) in [
      (.GET, "/v1"), (.GET, "/v1/"), (.GET, "/v1/models/"), (.GET, "/v1/models/m/"), (.GET, "/v1/models/m:predict"),
      (.POST, "/v1/models/m"), (.POST, "/v1/models"), (.PUT, "/v1/models/m:predict"), (.DELETE, "/v1/models/m"),
      (.HEAD, "/v1/models/m"), (.GET, "/v1/models/m/versions/"), (.GET, "/v1/models/m/versions/x"),
      (.GET, "/v1/models/m/versions/-1"), (.GET, "/v1/models/m/versions/1/labels/a"), (.POST, "/v1/models/m:generate"),
      (.POST, "/v1/models/:predict"), (.GET, "/v1/models/m/metadata/x"), (.POST, "/v1/models/m/versions/1/:predict"),
      (.GET, "/v1/modelsm"), (.GET, "/v1/models/m/versions/٣"),
    ] as [(HTTPMethod, String)] { #expect(route(method, uri) == .malformed, "\(method) \(uri)") }
    for uri in ["/", "/v2/models/m", "/v1models", "", "*", "/metrics", "/monitoring/prometheus/metrics"] {
      #expect(route(.GET, uri) == .unknown, "\(uri)")
    }
    #expect(route(.POST, "/healthz") == .unknown)
  }

  @Test("metrics are where they are configured to be")
  func metrics() {
    let path = "/monitoring/prometheus/metrics"
    #expect(route(.GET, path, metrics: path) == .metrics)
    #expect(route(.GET, path + "?x", metrics: path) == .metrics)
    #expect(route(.GET, "/monitoring/x", metrics: path) == .wrongMetricsPath(expected: path))
    #expect(route(.POST, path, metrics: path) == .unknown)
    #expect(route(.GET, "/my/metrics", metrics: "/my/metrics") == .metrics)
  }
}
