import ServingFixtures
import Testing

@testable import Serving

@Suite("Versions on disk")
struct VersionDirectoriesTests {
  @Test("names that are numbers are versions, with or without leading zeros, and others are not looked at")
  func names() {
    let cases: [(String, Int64?)] = [
      ("1", 1), ("00000123", 123), ("0", 0), ("9223372036854775807", .max), ("9223372036854775808", nil), ("-1", nil),
      ("+1", nil), ("1.0", nil), ("", nil), ("v1", nil), ("1 ", nil), ("١", nil), (".1", nil),
    ]
    for (name, version) in cases { #expect(VersionDirectories.version(of: name) == version, "\(name)") }
  }

  @Test("directories are found; files and other names are not")
  func listing() throws {
    let directory = try ModelDirectory()
    try directory.add(version: "7", [])
    try directory.add(version: "00000123", [])
    try directory.add(version: "123", [])
    try directory.add(version: "latest", [])
    #expect(
      try VersionDirectories.list(basePath: directory.path)
        == [7: "\(directory.path)/7", 123: "\(directory.path)/00000123"])
    // The file in a version's directory has no number as its name, so it takes one that has.
    try directory.add(version: "8", file: "9", [])
    #expect(try VersionDirectories.list(basePath: "\(directory.path)/8").isEmpty)
  }

  @Test("a directory that is not there is an error with the system's reason")
  func missing() {
    #expect(throws: RepositoryError.unreadableBasePath(path: "/nowhere/at/all", reason: "No such file or directory")) {
      try VersionDirectories.list(basePath: "/nowhere/at/all")
    }
  }

  @Test("what prepare wrote comes before the plain model, and that before a SavedModel")
  func files() throws {
    let directory = try ModelDirectory()
    try directory.add(version: "1", file: "saved_model.pb", [])
    try directory.add(version: "2", file: "model.onnx", [])
    try directory.add(version: "3", file: "model.apparate.onnx", [])
    try directory.add(version: "4", file: "batching_params.pbtxt", [])
    let path = directory.path
    #expect(try VersionFiles(directory: "\(path)/1").model == .savedModel(directory: "\(path)/1"))
    #expect(try VersionFiles(directory: "\(path)/2/").model == .onnx(path: "\(path)/2/model.onnx"))
    #expect(try VersionFiles(directory: "\(path)/3").model == .prepared(path: "\(path)/3/model.apparate.onnx"))
    #expect(throws: RepositoryError.noModel(directory: "\(path)/4")) { try VersionFiles(directory: "\(path)/4") }
    let plain = try VersionFiles(directory: "\(path)/2")
    #expect(plain.warmup == nil)
    #expect(plain.batchingParameters == nil)
  }
}
