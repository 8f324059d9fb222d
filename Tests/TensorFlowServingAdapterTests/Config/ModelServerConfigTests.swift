import Serving
import Testing

@testable import TensorFlowServingAdapter

@Suite("Model server configurations")
struct ModelServerConfigTests {
  static let full = """
    # Two models.
    model_config_list {
      config {
        name: "half_plus_two"
        base_path: '/models/half' '_plus_two'
        model_platform: "tensorflow"
        model_version_policy { specific { versions: 42 versions: 43 } }
        version_labels { key: "stable" value: 42 }
        version_labels { key: "canary" value: 43 }
        logging_config { log_collector_config { type: "file" filename_prefix: "/tmp/x" } }
      }
      config: {
        name: "resnet", base_path: "/models/resnet"; model_type: TENSORFLOW
        model_version_policy: < latest < num_versions: 2 > >
      },
    }
    """

  private func parse(_ text: String) throws -> ModelServerConfig { try .parse(Array(text.utf8)) }

  private func one(_ fields: String) throws -> ModelConfiguration {
    let models = try parse("model_config_list { config { name: 'm' base_path: '/m' \(fields) } }").models()
    return try #require(models.first)
  }

  @Test("a list of models is read with policies, labels and both ways to say the platform")
  func fullText() throws {
    #expect(
      try parse(Self.full).models() == [
        ModelConfiguration(
          name: "half_plus_two", basePath: "/models/half_plus_two", platform: "tensorflow",
          versionPolicy: .specific([42, 43]), labels: ["stable": 42, "canary": 43]),
        ModelConfiguration(
          name: "resnet", basePath: "/models/resnet", platform: "tensorflow", versionPolicy: .latest(count: 2)),
      ])
  }

  @Test("version policies have TensorFlow Serving's defaults")
  func policies() throws {
    let cases: [(String, ModelConfiguration.VersionPolicy)] = [
      ("", .latest(count: 1)),
      ("model_version_policy {}", .latest(count: 1)),
      ("model_version_policy { latest {} }", .latest(count: 1)),
      ("model_version_policy { latest { num_versions: 0 } }", .latest(count: 1)),
      ("model_version_policy { latest { num_versions: 0x10 } }", .latest(count: 16)),
      ("model_version_policy { all {} }", .all),
      ("model_version_policy: { all: {} }", .all),
      ("model_version_policy { specific { versions: [1, 3, 010] } }", .specific([1, 3, 8])),
      ("model_version_policy { specific {} }", .specific([])),
    ]
    for (text, policy) in cases {
      #expect(try one("model_platform: 'tensorflow' " + text).versionPolicy == policy, "\(text)")
    }
  }

  @Test("the platform must be said, once")
  func platforms() throws {
    #expect(try one("model_platform: 'onnx'").platform == "onnx")
    #expect(try one("model_type: TENSORFLOW").platform == "tensorflow")
    #expect(try one("model_type: 1").platform == "tensorflow")
    #expect(try one("model_type: OTHER").platform == "other")
    for (fields, part) in [
      ("", "Illegal setting neither ModelServerConfig::model_type (deprecated) nor"),
      ("model_type: TENSORFLOW model_platform: 'tensorflow'", "Illegal setting both ModelServerConfig::model_type"),
      ("model_type: WRONG", "Unknown enumeration value of \"WRONG\" for field \"model_type\"."),
    ] {
      let error = #expect(throws: ConfigurationError.self) { try one(fields) }
      #expect(error?.description.contains(part) == true, "\(fields): \(String(describing: error))")
    }
  }

  @Test("an empty text is no models; a custom configuration is refused")
  func otherKinds() throws {
    #expect(try parse("") == .empty)
    #expect(try parse("").models().isEmpty)
    #expect(try parse("model_config_list {}") == .models([]))
    #expect(try parse("custom_model_config { [type.googleapis.com/x.Y] { a: 1 } }") == .custom)
    #expect(throws: ConfigurationError.self) { try parse("custom_model_config {}").models() }
    #expect(throws: ConfigurationError.self) { try parse("model_config_list {} custom_model_config {}") }
  }

  @Test("errors begin as TensorFlow Serving's tests expect, and say where")
  func errors() {
    let cases = [
      ("this is not a config", "1:6: Expected \":\", found \"is\"."),
      (
        "model_config_list {\n  models {} }",
        "2:3: Message type \"tensorflow.serving.ModelConfigList\" has no field named \"models\"."
      ),
      ("model_config_list { config { name: 3 } }", "1:30: Expected string, got: 3"),
      (
        "model_config_list { config { name: 'a' name: 'b' } }",
        "1:40: Non-repeated field \"name\" is specified multiple times."
      ),
      ("model_config_list { config { name: '\\xff' } }", "1:30: String field \"name\" contains invalid UTF-8 data."),
      ("model_config_list: 3", "1:1: Expected \"{\", found \"3\"."),
      (
        "model_config_list { config { model_platform: 'x' model_version_policy { latest { num_versions: -1 } } } }",
        "Integer out of range (-1)"
      ),
      (
        "model_config_list { config { model_platform: 'x' model_version_policy { specific { versions: 1.5 } } } }",
        "Expected integer, got: 1.5"
      ),
      (
        "model_config_list { config { model_platform: 'x' model_version_policy { all {} latest {} } } }",
        "members of the same oneof."
      ),
    ]
    for (text, part) in cases {
      let error = #expect(throws: ConfigurationError.self, "\(text)") { try parse(text) }
      let description = error?.description ?? ""
      #expect(
        description.hasPrefix("Error parsing text-format tensorflow.serving.ModelServerConfig: "), "\(description)")
      #expect(description.hasSuffix(part), "\(text): \(description)")
    }
  }

  @Test("a file that is not there is an error with its path")
  func missingFile() {
    #expect(
      throws: ConfigurationError.unreadableFile(path: "/nowhere/models.config", reason: "No such file or directory")
    ) { try ModelServerConfig.read(path: "/nowhere/models.config") }
  }
}
